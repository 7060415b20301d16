"""The part of report.html that answers sentences: a headline, and each one's ranked moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from iptnet.outputs.clock import clock
from iptnet.outputs.markup import escape
from iptnet.outputs.pictures import MomentTile
from iptnet.outputs.report_parts import bar, facts_list, picture_fact
from iptnet.timeline import Moment, Timeline

NAMED = 3
"""Sentences in the headline; of more, their number is given."""

Clips = Mapping[tuple[int, int], str]
"""Sentence and rank of a moment → path of its clip relative to the page."""


def moments_title(timeline: Timeline) -> str:
    """Write the page's title as HTML."""
    return f"{_headline(timeline)} in {escape(timeline.source.name)}"


def moments_header(timeline: Timeline) -> Iterable[str]:
    """Write the sentences as headline, and what was found where."""
    source, best = (
        timeline.source,
        max(timeline.moments, key=lambda m: (m.confidence or 0, m.score)),
    )
    facts = {
        "Video": f"<bdi>{escape(source.name)}</bdi>",
        "Length": clock(source.duration),
        "Moments": f"{len(timeline.moments)}",
        "Best": f"{clock(best.start)} – {clock(best.end)}" + _in_brackets(best),
        "Picture": picture_fact(timeline),
    }
    yield f"<header>\n<h1>{_headline(timeline)}</h1>"
    yield from facts_list(facts)
    yield "</header>"


def moment_sections(
    timeline: Timeline,
    found: Sequence[MomentTile],
    pictures: Sequence[str | None],
    clips: Clips,
) -> Iterable[str]:
    """Write a section a sentence: the moments as pictures, then in exact numbers.

    Args:
        timeline: with the moments.
        found: those to show as pictures.
        pictures: their addresses, in the same order.
        clips: the clips beside the page, if there are any.
    """
    for number, query in enumerate(timeline.queries, 1):
        moments = [m for m in timeline.moments if m.query == query]
        shown = [(t, p) for t, p in zip(found, pictures, strict=True) if t.sentence == number]
        few = f" <small>the first {len(shown)} of {len(moments)}</small>"
        head = _quoted(query) if timeline.of_moments else f"Moments of {_quoted(query)}"
        head += few if 0 < len(shown) < len(moments) else ""
        yield f'<section aria-labelledby="m{number}"><h2 id="m{number}">{head}</h2>'
        if moments[0].present is False:
            yield '<p class="doubt">Probably not in this video; the nearest:</p>'
        yield from _board(timeline, shown, clips)
        yield from _table(number, moments, clips)
        yield "</section>"


def _board(
    timeline: Timeline, shown: Sequence[tuple[MomentTile, str | None]], clips: Clips
) -> Iterable[str]:
    if not shown:
        return
    upright = " upright" if timeline.source.height > timeline.source.width else ""
    yield f'<ol class="board{upright}">'
    for tile, address in shown:
        moment, times = tile.moment, f"{clock(tile.moment.start)} – {clock(tile.moment.end)}"
        picture = (
            '<span class="blank">no picture</span>'
            if address is None
            else f'<img src="{address}" alt="">'
        )
        inner = (
            f'<span class="frame">{picture}</span>{bar(_share(moment))}'
            f'<span class="times">{tile.rank}. {times}</span>'
            f'<span class="share">{_worth(moment)}</span>'
        )
        name = f"Moment {tile.rank}, {times}, {_worth(moment)}: play its clip"
        yield f"<li>{_link(clips.get((tile.sentence, tile.rank)), inner, name)}</li>"
    yield "</ol>"


def _table(number: int, moments: Sequence[Moment], clips: Clips) -> Iterable[str]:
    sure = any(m.confidence is not None for m in moments)
    heads = ("#", "Start", "End", "Length", *(("Confidence",) if sure else ()), "Score")
    yield "<table><thead><tr>"
    yield "".join(f'<th scope="col">{h}</th>' for h in heads) + "</tr></thead><tbody>"
    for rank, m in enumerate(moments, 1):
        start = clock(m.start, 2)
        cells = [str(rank), _link(clips.get((number, rank)), start, f"Play the clip from {start}")]
        cells += [clock(m.end, 2), f"{m.duration:.2f} s"]
        if sure:
            cells.append("" if m.confidence is None else f"{100 * m.confidence:.0f} %")
        cells.append(f"{m.score:.2f}")
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table>"


def _link(clip: str | None, inner: str, name: str) -> str:
    # "./" keeps a name with a colon or leading slashes from reading as another place.
    return inner if clip is None else f'<a href="./{quote(clip)}" aria-label="{name}">{inner}</a>'


def _headline(timeline: Timeline) -> str:
    queries = timeline.queries
    more = f" and {len(queries) - NAMED} more" if len(queries) > NAMED else ""
    return ", ".join(map(_quoted, queries[:NAMED])) + more


def _quoted(query: str) -> str:
    return f"“{escape(query)}”"


def _share(moment: Moment) -> float:
    return moment.score if moment.confidence is None else moment.confidence


def _worth(moment: Moment) -> str:
    """Write a confidence, or without one the score."""
    if moment.confidence is None:
        return f"score {moment.score:.2f}"
    return f"confidence {100 * moment.confidence:.0f} %"


def _in_brackets(moment: Moment) -> str:
    return "" if moment.confidence is None else f" ({100 * moment.confidence:.0f} %)"
