"""A list for ffmpeg's concat demuxer: the source again and again, each time another part of it.

``ffmpeg -f concat -safe 0 -i talk.ffconcat …``. Times are the container's own stamps. The demuxer
seeks to the picture before a part that can be decoded alone, so the list is exact for sources in
which each picture can (ProRes, DNxHD, MJPEG), and begins early otherwise.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import PurePosixPath

from iptnet.errors import InputError
from iptnet.outputs.location import WINDOWS
from iptnet.outputs.segments import some_segments
from iptnet.rates import nearest
from iptnet.timeline import Timeline

TICKS = 1_000_000
MARGIN = Fraction(1, 1000)
"""Seconds by which both ends are moved inwards. The demuxer begins with the last picture not later
than the first time and ends before the second, and some containers round stamps to a millisecond:
the picture before must not come in, nor the one after, by rounding."""


def ffconcat(timeline: Timeline) -> str:
    """The list as text.

    Raises:
        InputError: no segments, which ffmpeg refuses, or a name that no list can hold.
    """
    found = some_segments(timeline, "a concat list")
    name = _quoted(timeline.source.path or timeline.source.name)
    begin = Fraction(timeline.source.start)
    lines = ["ffconcat version 1.0"]
    for segment in found:
        inside = min(MARGIN, Fraction(segment.duration) / 4)
        first = begin + Fraction(segment.start) + inside
        after = begin + Fraction(segment.end) - inside
        lines += [f"file {name}", f"inpoint {_clock(first)}", f"outpoint {_clock(after)}"]
    return "\n".join(lines) + "\n"


def _quoted(path: str) -> str:
    """A path in single quotes, which ffmpeg reads as a file and as nothing else."""
    if (
        any(letter in path for letter in "\n\r\0")
        or path != path.encode("utf-8", "replace").decode()
    ):
        raise InputError(
            f"the name {path!r} cannot stand in a concat list", "rename the video, or use --to edl"
        )
    if not PurePosixPath(path).is_absolute() and not WINDOWS.match(path):
        # Or "http:…" would be fetched.
        path = f"./{path}"
    return "'" + path.replace("'", r"'\''") + "'"


def _clock(seconds: Fraction) -> str:
    whole, rest = divmod(abs(nearest(seconds * TICKS)), TICKS)
    return f"{'-' if seconds < 0 else ''}{whole}.{rest:06}"
