"""Chapters: of the source, where each segment lies in it, and of the summary, where it plays.

Those of the source let a player of the untouched video jump from keyshot to keyshot; those of the
summary belong to ``summary.mp4``, whose time runs on without gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from iptnet.outputs.segments import cut_list, segments
from iptnet.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter ``[start, end)`` in exact seconds."""

    name: str
    start: Fraction
    end: Fraction


def source_chapters(timeline: Timeline) -> tuple[Chapter, ...]:
    """The segments by their time in the source; of two that begin together the longer first.

    Moments may overlap: a player shows what began last, and readers keep both.
    """
    found = sorted(segments(timeline), key=lambda s: (s.start, -s.end))
    return tuple(Chapter(s.name, Fraction(s.start), Fraction(s.end)) for s in found)


def summary_chapters(timeline: Timeline) -> tuple[Chapter, ...]:
    """The segments by their time in the summary, on its frames."""
    cuts = cut_list(timeline)
    return tuple(
        Chapter(e.name, e.at / cuts.rate, (e.at + e.count) / cuts.rate) for e in cuts.events
    )
