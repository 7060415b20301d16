"""WebVTT chapters, for ``<track kind="chapters">`` and every web player that builds on it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from iptnet.outputs.chapters import Chapter, source_chapters, summary_chapters
from iptnet.rates import nearest
from iptnet.timeline import Timeline


def vtt(timeline: Timeline) -> str:
    """Chapters of the source; without segments only the head."""
    return _text(source_chapters(timeline))


def summary_vtt(timeline: Timeline) -> str:
    """Chapters of the summary; without segments only the head."""
    return _text(summary_chapters(timeline))


def _text(chapters: Sequence[Chapter]) -> str:
    cues = ["WEBVTT"]
    for number, chapter in enumerate(chapters, 1):
        # ">" is escaped too, so that no name can hold the arrow that separates times.
        name = chapter.name
        for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            name = name.replace(letter, entity)
        start = _clock(chapter.start)
        # A cue of no length is none; only a chapter of under a millisecond would be one.
        end = max(_clock(chapter.end), _clock(chapter.start + Fraction(1, 1000)))
        cues.append(f"{number}\n{start} --> {end}\n{name}")
    return "\n\n".join(cues) + "\n"


def _clock(seconds: Fraction) -> str:
    whole, thousandths = divmod(nearest(seconds * 1000), 1000)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}.{thousandths:03}"
