"""Chapters as ffmpeg's ffmetadata, to be muxed into a file without re-encoding it.

``ffmpeg -i talk.mp4 -i talk.ffmetadata -map 0 -map_chapters 1 -c copy chaptered.mp4``. There is no
title of the whole in it, so that ``-map_metadata 1`` would not overwrite the video's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from iptnet.outputs.chapters import Chapter, source_chapters, summary_chapters
from iptnet.rates import nearest
from iptnet.timeline import Timeline

TICKS = 1_000_000
"""A second in units of the file."""


def ffmetadata(timeline: Timeline) -> str:
    """Chapters of the source; without segments only the head."""
    return _text(source_chapters(timeline))


def summary_ffmetadata(timeline: Timeline) -> str:
    """Chapters of the summary; without segments only the head."""
    return _text(summary_chapters(timeline))


def _text(chapters: Sequence[Chapter]) -> str:
    lines = [";FFMETADATA1"]
    for chapter in chapters:
        start, end = nearest(chapter.start * TICKS), nearest(chapter.end * TICKS)
        lines += [
            "[CHAPTER]",
            f"TIMEBASE=1/{TICKS}",
            f"START={start}",
            f"END={max(end, start + 1)}",
            "title=" + re.sub(r"([\\=;#\n])", r"\\\1", chapter.name),
        ]
    return "\n".join(lines) + "\n"
