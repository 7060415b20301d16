"""What an export lists: the keyshots in the order of play, or, without any, the moments found.

A timeline of ``iptnet summarize`` has keyshots, one of ``iptnet find`` has moments only. Names are
plain text on one line; each format escapes them in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iptnet.outputs.markup import clean
from iptnet.timeline import Span, Timeline


@dataclass(frozen=True, slots=True)
class Segment(Span):
    """A stretch of the source with the name that editors and players show."""

    name: str
    score: float


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
            name = f"{clean(moment.query)} ({rank})"
            found.append(Segment(moment.start, moment.end, name, moment.score))
    return tuple(inside(found, timeline.source.duration))


def inside(found: Sequence[Segment], duration: float) -> list[Segment]:
    """The segments within ``duration`` seconds, where that is known."""
    limit = duration if duration > 0 else max((s.end for s in found), default=0.0)
    kept = (Segment(s.start, min(s.end, limit), s.name, s.score) for s in found if s.start < limit)
    return [s for s in kept if s.end > s.start]
