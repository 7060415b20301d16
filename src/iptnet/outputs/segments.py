"""What an export lists: the keyshots in the order of play, or, without any, the moments found.

A timeline of ``iptnet summarize`` has keyshots, one of ``iptnet find`` has moments only. Names are
plain text on one line; each format escapes them in its own way. :func:`cut_list` is the same in
frames, for editors: source time is where a segment lies in the video, record time where it plays
in the summary, which runs on without gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from iptnet.errors import InputError
from iptnet.outputs.markup import clean
from iptnet.outputs.timecode import drops_frames, to_frames, whole_frames
from iptnet.rates import edit_rate, is_own_rate, nearest
from iptnet.timecode import can_drop, frame_of, read_label
from iptnet.timeline import Source, Span, Timeline


@dataclass(frozen=True, slots=True)
class Segment(Span):
    """A stretch of the source with the name that editors and players show."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Event:
    """A segment in frames.

    Attributes:
        name: what to show.
        first, after: of the source, ``[first, after)``.
        at: where it begins in the summary.
    """

    name: str
    first: int
    after: int
    at: int

    @property
    def count(self) -> int:
        """Frames it plays."""
        return self.after - self.first


@dataclass(frozen=True, slots=True)
class CutList:
    """A summary as an editor sees it.

    Attributes:
        rate: frames a second of all counts.
        total: frames of the source.
        events: in the order of play; their frames count from the first picture.
        begin: the frame of the first picture by the camera's timecode, 0 without one.
        drop: whether timecode is drop-frame.
    """

    rate: Fraction
    total: int
    events: tuple[Event, ...]
    begin: int
    drop: bool

    @property
    def count(self) -> int:
        """Frames of the summary."""
        return sum(event.count for event in self.events)


def segments(timeline: Timeline) -> tuple[Segment, ...]:
    """Keyshots in the order of play; without keyshots the moments, each query's best first.

    A hand-made timeline may reach beyond its video: what lies outside is cut off, and what lies
    wholly outside or has no length is left out.
    """
    found: list[Segment] = []
    if timeline.keyshots:
        for number, keyshot in enumerate(timeline.keyshots, 1):
            name = f"Keyshot {number}"
            found.append(Segment(keyshot.start, keyshot.end, name, keyshot.score))
    else:
        ranks: dict[str, int] = {}
        for moment in timeline.moments:
            ranks[moment.query] = rank = ranks.get(moment.query, 0) + 1
            name = f"{clean(moment.query)} ({rank})".lstrip()
            found.append(Segment(moment.start, moment.end, name, moment.score))
    return _inside(found, timeline.source.duration)


def kind_of(timeline: Timeline) -> str:
    """What the segments are together, as the name of a project."""
    return "moments" if timeline.of_moments else "summary"


def some_segments(timeline: Timeline, kind: str) -> tuple[Segment, ...]:
    """:func:`segments`, for formats of which an empty file is none.

    Raises:
        InputError: there is no segment.
    """
    if found := segments(timeline):
        return found
    raise InputError(
        f"{timeline.source.name or 'the timeline'} has neither keyshots nor moments, and {kind} "
        "cannot be empty",
        "summarize the video, or look for something else in it",
    )


def cut_list(timeline: Timeline) -> CutList:
    """The segments on the frame grid of the source; each has a frame at least."""
    found, rate = segments(timeline), edit_rate(timeline.source.fps)
    length = timeline.source.duration
    total = whole_frames(length if length > 0 else max((s.end for s in found), default=0), rate)
    events: list[Event] = []
    at = 0
    for segment in found:
        first, after = to_frames(segment.start, segment.end, rate, total)
        events.append(Event(segment.name, first, after, at))
        at += after - first
    total = max([total, *(e.after for e in events)])
    return CutList(rate, total, tuple(events), *_counting(timeline.source, rate))


def counted_at(timeline: Timeline) -> str:
    """Say at what rate frames are counted; empty where it is the video's own."""
    fps = timeline.source.fps
    if is_own_rate(fps):
        return ""
    rate = f"counted at {_rate(float(edit_rate(fps)))} frames a second"
    return f"{rate}, the video has {_rate(fps)}" if fps > 0 else f"{rate}, the video's is unknown"


def _rate(fps: float) -> str:
    return f"{fps:.6g}" if fps >= 1 else f"{fps:.3g}"


def _counting(source: Source, rate: Fraction) -> tuple[int, bool]:
    """The frame of the first picture in timecode at a rate, and whether that is drop-frame.

    The label is kept where timecode counts at another rate than the editor: its seconds stay, and
    its frames are the same part of a second.
    """
    own = source.timecode
    label = None if own is None else read_label(own.start)
    if own is None or label is None:
        return 0, drops_frames(rate)
    base = nearest(rate)
    drop = own.drop_frame and can_drop(base)
    within = label.frames * base // own.base
    return frame_of(label._replace(frames=within), base, drop), drop


def _inside(found: Sequence[Segment], duration: float) -> tuple[Segment, ...]:
    """The segments within ``duration`` seconds, where that is known."""
    limit = duration if duration > 0 else max((s.end for s in found), default=0.0)
    kept = (Segment(s.start, min(s.end, limit), s.name, s.score) for s in found if s.start < limit)
    return tuple(s for s in kept if s.end > s.start)
