"""The timecode tracks of a QuickTime or MP4 file: rate, drop-frame flag and edit of each.

ffmpeg tells the label of a track's first frame, but neither at what rate it counts (a video of 60
pictures a second may have timecode of 30) nor which part of the track is played. Both stand in a
few boxes of the file's index (ISO/IEC 14496-12, QuickTime File Format), which are read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from iptnet.rates import nearest

MOST_BOXES = 4096
"""Of one parent; a file with more is broken, or made to keep us busy."""
MOST_BYTES = 1 << 16
"""Of a box that is read whole; those looked at have less than a hundred."""
DROP = 1
"""The flag of drop-frame timecode."""


@dataclass(frozen=True, slots=True)
class Track:
    """A timecode track.

    Attributes:
        rate: labels a second.
        drop: whether the file says that labels are left out.
        skipped: frames of the track before the first one that is played.
    """

    rate: Fraction
    drop: bool
    skipped: int


def tracks(file: Any) -> dict[int, Track]:
    """Read the timecode tracks by the number of their track; those that are broken are left out.

    Args:
        file: open for reading bytes; its position is kept.
    """
    found: dict[int, Track] = {}
    position = file.tell()
    try:
        end = file.seek(0, 2)
        for kind, begin, after in _boxes(file, 0, end):
            if kind == b"moov":
                for part, first, last in _boxes(file, begin, after):
                    if part == b"trak":
                        with suppress(struct.error, IndexError):
                            found.update(_track(file, first, last))
    except (OSError, ValueError, struct.error):
        pass
    finally:
        file.seek(position)
    return found


def _boxes(file: Any, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of the content of each box between two places of the file."""
    for _ in range(MOST_BOXES):
        if end - begin < 8:
            return
        file.seek(begin)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            head = 16
        after = begin + size if size else end
        if (size and size < head) or after > end:
            return
        yield kind, begin + head, after
        begin = after


def _read(file: Any, begin: int, end: int, *path: bytes) -> bytes:
    """The content of a box below a parent; empty where there is none."""
    for kind, first, after in _boxes(file, begin, end):
        if kind == path[0]:
            if len(path) > 1:
                return _read(file, first, after, *path[1:])
            file.seek(first)
            return bytes(file.read(min(after - first, MOST_BYTES)))
    return b""


def _track(file: Any, begin: int, end: int) -> dict[int, Track]:
    """The track by its number, if it is one of timecode."""
    description = _read(file, begin, end, b"mdia", b"minf", b"stbl", b"stsd")
    if description[12:16] != b"tmcd":
        return {}
    # After version, count, size, kind and reference: flags, ticks a second, ticks a frame, frames.
    flags, scale, length, base = struct.unpack_from(">IIIB", description, 28)
    rate = Fraction(scale, length) if length else Fraction(0)
    if base and nearest(rate) != base:
        rate = Fraction(base)  # it is what labels are made with
    number = _read(file, begin, end, b"tkhd")
    (track,) = struct.unpack_from(">I", number, 20 if number[0] else 12)
    ticks = _skipped(_read(file, begin, end, b"edts", b"elst"))
    media = _read(file, begin, end, b"mdia", b"mdhd")
    (unit,) = struct.unpack_from(">I", media, 20 if media[0] else 12)
    return {track: Track(rate, bool(flags & DROP), round(ticks * rate / max(unit, 1)))}


def _skipped(edits: bytes) -> int:
    """Ticks of the media before the first that the list of edits plays."""
    if len(edits) < 8:
        return 0
    wide = edits[0] == 1
    entry = struct.Struct(">qqI" if wide else ">iiI")
    for n in range(min(struct.unpack_from(">I", edits, 4)[0], (len(edits) - 8) // entry.size)):
        _, start, _ = entry.unpack_from(edits, 8 + n * entry.size)
        if start >= 0:  # an empty edit, -1, only delays
            return int(start)
    return 0
