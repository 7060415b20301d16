"""What went into a decoder against what came out of it.

A file that was cut short ends like a whole one, and decoders drop pictures that they cannot rebuild
without a word. Counting both sides is what tells a partial result from a whole one.
"""

from __future__ import annotations

import re
from typing import Any

ONE_EACH = {"h264", "hevc", "av1"}
"""Codecs of which each packet shows one picture, unless it holds half of an interlaced one; those
of VP8, VP9 and MPEG-4 may show none."""
CLOCK = re.compile(r"(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)")
EBML, SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"
PATIENCE = 1.5  # pictures: muxers round, and disagree on how long the last one stays


class Tally:
    """Counts of one reading from its start; shapes and times are not its business.

    Args:
        container, stream: what is read.
        preview: only key frames are decoded.
        head: the first bytes of the file.
        size: bytes of all of it.
    """

    def __init__(
        self, container: Any, stream: Any, preview: bool, head: bytes = b"", size: int = 0
    ) -> None:
        self._container, self._stream = container, stream
        # Only there every index entry is a packet; elsewhere it is a place to seek to.
        self._indexed = container.format.name.startswith("mov")
        self._one_each = stream.codec_context.codec.canonical_name in ONE_EACH and not preview
        self._cut_short = announced(head) > size
        self._read = self._due = self._failed = 0
        self._early: list[int] = []
        self._key: int | None = None  # stamp of the first key frame

    def packet(self, packet: Any, first: int | None) -> None:
        """A packet has been read; ``first`` is the stamp of the first picture, once known."""
        if packet.pts is None and packet.dts is None and not packet.size:
            return  # the end
        self._read += 1
        if not packet.size or packet.pts is None or packet.is_discard:
            return
        if self._key is None and packet.is_keyframe:
            self._key = packet.pts
        if first is None:
            self._early.append(packet.pts)
        else:
            self._due += packet.pts >= self._begin(first)

    def failed(self) -> None:
        """A packet was refused aloud."""
        self._failed += 1

    def frame(self, frame: Any) -> None:
        """A picture has come out."""
        if frame.interlaced_frame:
            self._one_each = False

    def stop(self) -> None:
        """The reading left its course: what is missing from now on is no loss."""
        self._one_each = self._indexed = False

    def absent(self) -> int:
        """Packets that the index lists and the file does not hold."""
        return max(0, len(self._stream.index_entries) - self._read) if self._indexed else 0

    def lost(self, first: int, count: int) -> int:
        """Packets that should have shown a picture from the first on, and neither did nor failed.

        Args:
            first: stamp of the first picture.
            count: pictures that came.
        """
        if not self._one_each:
            return 0
        begin = self._begin(first)
        due = self._due + sum(stamp >= begin for stamp in self._early)
        return max(0, due - self._failed - count)

    def _begin(self, first: int) -> int:
        """From where on each packet shows a picture: what comes before the first key frame, as in
        a recording cut out of a longer one, refers to what is not there."""
        return first if self._key is None else min(first, self._key)

    def early(self, end: float, nominal: float) -> int:
        """About how many pictures are missing between the end and where the file says it lies.

        Args:
            end: seconds, on the file's own clock, at which the last picture ends.
            nominal: seconds of a picture.
        """
        short, patience = self._declared() - end, 0.5 if self._cut_short else PATIENCE
        return max(1, round(short / nominal)) if short > patience * nominal else 0

    def _declared(self) -> float:
        """Where the stream ends, on the file's clock, if the file says so by itself.

        What demuxers guess from the last packet of a file tells nothing of what is not there.
        """
        if not self._container.format.name.startswith("matroska"):
            return 0.0
        found = CLOCK.fullmatch(self._stream.metadata.get("DURATION", ""))
        parts = zip(found.groups(), (3600, 60, 1), strict=True) if found else ()
        return sum(float(n) * seconds for n, seconds in parts)


def announced(head: bytes) -> int:
    """Bytes of the file that a Matroska file says at its beginning to have; 0 if it does not."""
    at = head.find(SEGMENT) + len(SEGMENT)
    if not head.startswith(EBML) or at < len(SEGMENT) or at >= len(head) or not head[at]:
        return 0
    length = 9 - head[at].bit_length()
    bits = (1 << 7 * length) - 1
    value = int.from_bytes(head[at : at + length], "big") & bits
    return 0 if value == bits else at + length + value  # all ones: unknown
