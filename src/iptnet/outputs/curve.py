"""curve.svg: importance over time, with the shots as bands and the summary in the accent colour.

Where there is no summary but moments, the curve is how well the first sentence fits, and the
accent colour marks its moments.

Hand-written SVG without external resources. It brings its own light and dark colours, written out
in full because viewers outside browsers know no CSS variables. The same drawing stands in the
report, without heading and background.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from iptnet.atomic import write_text
from iptnet.outputs.axis import ticks
from iptnet.outputs.clock import clock
from iptnet.outputs.markup import escape, shorten
from iptnet.outputs.pictures import record_times
from iptnet.outputs.style import DARK, FONT, LIGHT, Palette
from iptnet.timeline import Curve, Moment, Span, Timeline

PAD = 20
TOP = 80
PLOT = 150
STRIP = 10
LANE = 34
MAX_LANES = 6
LETTER = 6.6
"""Width of an average letter of the 12-pixel text."""


def write_curve(timeline: Timeline, path: Path) -> None:
    """Write the drawing as a file of its own.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
    """
    write_text(path, curve_svg(timeline))


def curve_css() -> str:
    """The rules that the drawing needs, for light and dark."""

    def rules(p: Palette) -> str:
        return (
            f".ipt .paper{{fill:{p.paper}}}.ipt text{{fill:{p.soft}}}.ipt .name{{fill:{p.ink}}}"
            f".ipt .band{{fill:{p.band}}}.ipt .rule{{stroke:{p.line}}}"
            f".ipt .rest{{fill:{p.curve};stroke:{p.curve}}}.ipt .moment{{fill:{p.ink}}}"
            f".ipt .key{{fill:{p.accent};stroke:{p.accent}}}.ipt .accent{{fill:{p.accent}}}"
            f".ipt .head{{stroke:{p.ink}}}"
        )

    return (
        f".ipt{{font:12px {FONT}}}.ipt .name{{font-size:17px;font-weight:600}}"
        # Not ".ipt .area": what <use> copies has no ancestors.
        ".ipt-area{fill-opacity:.3;stroke:none}.ipt .tint{fill-opacity:.09}"
        ".ipt-line{fill:none;stroke-width:1.75;stroke-linejoin:round}"
        ".ipt .rule{fill:none;stroke-width:1}.ipt .head{stroke-width:1.5;visibility:hidden}"
        + rules(LIGHT)
        + f"@media(prefers-color-scheme:dark){{{rules(DARK)}}}"
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where times and values lie on the drawing."""

    width: int
    duration: float
    top: int
    highest: float
    pad: int

    @property
    def right(self) -> int:
        return self.width - self.pad

    def x(self, seconds: float) -> float:
        share = min(max(seconds / self.duration, 0.0), 1.0)
        return round(self.pad + share * (self.right - self.pad), 2)

    def y(self, value: float) -> float:
        share = min(max(value / self.highest, 0.0), 1.0)
        return round(self.top + (1 - share) * PLOT, 2)


def curve_svg(timeline: Timeline, width: int = 960, *, inline: bool = False) -> str:
    """The drawing as text.

    Args:
        timeline: what to draw.
        width: in pixels at natural size; text keeps its size, the axis gets more or fewer ticks.
        inline: for a page that brings :func:`curve_css` and its own heading.
    """
    source = timeline.source
    peak = max(timeline.importance.values, default=1.0)
    highest = next(h for h in (0.1, 0.25, 0.5, 1.0) if h >= min(peak, 1.0))
    frame = _Frame(
        width, max(source.duration, 1e-3), 22 if inline else TOP, highest, 1 if inline else PAD
    )
    bottom = frame.top + PLOT
    body = [*_bands(timeline, frame), *_curve(timeline, frame), *_keyshots(timeline, frame)]
    y = bottom + STRIP + 16
    for at, label in ticks(
        frame.duration, max(2, (frame.right - frame.pad) // (76 if frame.duration < 3600 else 92))
    ):
        x = frame.x(at)
        anchor = "start" if x < frame.pad + 12 else "end" if x > frame.right - 12 else "middle"
        body.append(f'<path class="rule" d="M{x} {bottom + STRIP + 2}v5"/>')
        body.append(f'<text x="{x}" y="{y + 6}" text-anchor="{anchor}">{label}</text>')
    y += 22
    for lane in _lanes(timeline.moments, frame, y):
        body += lane
        y += LANE
    height = y + (4 if inline else 12)
    body.append(f'<path class="head" d="M0 {frame.top}V{bottom + STRIP + 2}"/>')

    measure = f"Match with “{timeline.queries[0]}”" if timeline.of_moments else "Importance"
    title, described = escape(f"{measure} over time of {source.name}"), _described(timeline)
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ipt" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{title}" '
        f'data-duration="{frame.duration:.6g}" data-pad="{frame.pad}" data-width="{width}">'
        f"<title>{title}</title><desc>{escape(described)}</desc>"
    )
    if not inline:
        paper = f'<rect class="paper" width="{width}" height="{height}"/>'
        start += f"<style>{curve_css()}</style>{paper}" + "".join(_heading(timeline, width))
    return start + "\n" + "\n".join(body) + "\n</svg>\n"


def _described(timeline: Timeline) -> str:
    """What is marked, in words, for those who cannot see the drawing."""
    marked = _marked(timeline)
    if timeline.of_moments:
        what = f"{len(marked)} of {len(timeline.moments)} moments are of the first sentence: "
    else:
        what = (
            f"{len(timeline.shots)} shots over {clock(timeline.source.duration)}; the summary "
            f"plays {len(marked)} of them for {clock(timeline.summary_duration)}: "
        )
    listed = ", ".join(f"{clock(span.start)} to {clock(span.end)}" for span in marked[:40])
    return what + listed + (" and more." if len(marked) > 40 else ".")


def _marked(timeline: Timeline) -> Sequence[Span]:
    """What has the accent colour: the keyshots, or without a summary the first one's moments."""
    if not timeline.of_moments:
        return timeline.keyshots
    return [m for m in timeline.moments if m.query == timeline.queries[0]]


def _heading(timeline: Timeline, width: int) -> Iterable[str]:
    name = escape(shorten(timeline.source.name, (width - 2 * PAD) / 11))
    yield f'<text class="name" x="{PAD}" y="32">{name}</text>'
    if timeline.of_moments:
        said = shorten(timeline.queries[0], (width - 2 * PAD) / LETTER - 14)
        yield f'<rect class="accent" x="{PAD}" y="44" width="10" height="10" rx="2"/>'
        yield f'<text x="{PAD + 16}" y="53">match with “{escape(said)}”</text>'
        return
    count = len(timeline.keyshots)
    length, whole = timeline.summary_duration, timeline.source.duration
    share = f" ({100 * length / whole:.0f} %)" if whole > 0 else ""
    yield f'<rect class="accent" x="{PAD}" y="44" width="10" height="10" rx="2"/>'
    yield (
        f'<text x="{PAD + 16}" y="53">summary: {clock(length)} of {clock(whole)}{share}, '
        f"{count} keyshot{'' if count == 1 else 's'}</text>"
    )


def _bands(timeline: Timeline, frame: _Frame) -> Iterable[str]:
    """Every second shot shaded, unless shots are too narrow to tell apart."""
    if timeline.shots and (frame.right - frame.pad) / len(timeline.shots) >= 3:
        for shot in timeline.shots[1::2]:
            x = frame.x(shot.start)
            wide = round(frame.x(shot.end) - x, 2)
            yield f'<rect class="band" x="{x}" y="{frame.top}" width="{wide}" height="{PLOT}"/>'
    right, bottom = frame.right, frame.top + PLOT
    yield f'<path class="rule" d="M{frame.pad} {frame.top}H{right}M{frame.pad} {bottom}H{right}"/>'
    axis = f"{'match' if timeline.of_moments else 'importance'}, 0 to {frame.highest:g}"
    yield f'<text x="{right}" y="{frame.top - 6}" text-anchor="end">{axis}</text>'


def _curve(timeline: Timeline, frame: _Frame) -> Iterable[str]:
    """The area under the curve, and once more in the accent colour where the summary plays."""
    points = thinned(timeline.importance, frame.width)
    if not points:
        return
    bottom = frame.top + PLOT
    steps = " ".join(f"{frame.x(t)},{frame.y(v)}" for t, v in points)
    # The last sample stands for the time after it, as the first for what came before.
    line = f"M{frame.pad} {frame.y(points[0][1])}L{steps}H{frame.x(frame.duration)}"
    clip = f"ipt-{frame.width}"
    holes = "".join(
        f'<rect x="{frame.x(k.start)}" y="{frame.top - 2}" '
        f'width="{max(frame.x(k.end) - frame.x(k.start), 1):.2f}" height="{PLOT + 4}"/>'
        for k in _marked(timeline)
    )
    yield (
        f'<defs><clipPath id="{clip}">{holes}</clipPath><g id="{clip}-curve">'
        f'<path class="ipt-area" d="{line}V{bottom}H{frame.pad}z"/>'
        f'<path class="ipt-line" d="{line}"/></g></defs>'
    )
    yield f'<use class="rest" href="#{clip}-curve"/>'
    yield f'<g class="key" clip-path="url(#{clip})"><use href="#{clip}-curve"/></g>'


def _keyshots(timeline: Timeline, frame: _Frame) -> Iterable[str]:
    """A tint over the plot and a bar beneath it, at least two pixels wide."""
    if timeline.of_moments:
        return
    bottom = frame.top + PLOT
    rail = f'width="{frame.right - frame.pad}" height="{STRIP}" rx="2"'
    yield f'<rect class="band" x="{frame.pad}" y="{bottom + 2}" {rail}/>'
    for k, plays_at in zip(timeline.keyshots, record_times(timeline), strict=True):
        x = frame.x(k.start)
        wide = max(round(frame.x(k.end) - x, 2), 2)
        # A hair of air between neighbours, so that adjoining keyshots can be counted.
        bar = max(wide - 1, 1.5)
        label = f"{clock(k.start)} to {clock(k.end)}, score {k.score:.2f}"
        yield (
            f'<g class="accent" data-at="{plays_at:.3f}"><title>{label}</title>'
            f'<rect class="tint" x="{x}" y="{frame.top}" width="{wide}" height="{PLOT}"/>'
            f'<rect x="{x}" y="{bottom + 2}" width="{bar:g}" height="{STRIP}" rx="2"/></g>'
        )


def _lanes(moments: Sequence[Moment], frame: _Frame, top: int) -> Iterable[list[str]]:
    """One lane a query: the sentence, and its moments, fainter with rank."""
    queries = list(dict.fromkeys(m.query for m in moments))
    for k, query in enumerate(queries[:MAX_LANES]):
        y = top + k * LANE
        left_out = len(queries) - MAX_LANES if k == MAX_LANES - 1 else 0
        more = f"  (and {left_out} more queries)" if left_out > 0 else ""
        text = escape(shorten(query, (frame.right - frame.pad) / LETTER - len(more)))
        rail = f'width="{frame.right - frame.pad}" height="8" rx="2"'
        lane = [
            f'<text x="{frame.pad}" y="{y + 10}">“{text}”{more}</text>',
            f'<rect class="band" x="{frame.pad}" y="{y + 15}" {rail}/>',
        ]
        found = sorted((m for m in moments if m.query == query), key=lambda m: -m.score)
        for rank, moment in enumerate(found):
            x = frame.x(moment.start)
            wide = max(frame.x(moment.end) - x, 2)
            label = f"{clock(moment.start)} to {clock(moment.end)}, score {moment.score:.2f}"
            lane.append(
                f'<rect class="moment" x="{x}" y="{y + 15}" width="{wide:.2f}" height="8" rx="2" '
                f'fill-opacity="{max(0.25, 0.9 - 0.25 * rank):.2f}"><title>{label}</title></rect>'
            )
        yield lane


def thinned(curve: Curve, most: int) -> list[tuple[float, float]]:
    """The points of a curve, at most about ``most``: of each bucket its lowest and highest."""
    points = list(zip(curve.times, curve.values, strict=True))
    if len(points) <= most:
        return points
    size = -(-2 * len(points) // most)
    kept: list[tuple[float, float]] = []
    for k in range(0, len(points), size):
        bucket = points[k : k + size]
        low, high = min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])
        kept += sorted({low, high})
    return kept
