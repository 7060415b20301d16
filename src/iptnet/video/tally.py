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
PATIENCE = 1.5  # pictures: muxers round, and disagree on how long the last one stays


class Tally:
    """Counts of one reading from its start; shapes and times are not its business."""

    def __init__(self, container: Any, stream: Any, preview: bool) -> None:
        self._container, self._stream = container, stream
        # Only there every index entry is a packet; elsewhere it is a place to seek to.
        self._indexed = container.format.name.startswith("mov")
        self._one_each = stream.codec_context.codec.canonical_name in ONE_EACH and not preview
        self._read = self._due = self._failed = 0
        self._early: list[int] = []

    def packet(self, packet: Any, first: int | None) -> None:
        """A packet has been read; ``first`` is the stamp of the first picture, once known."""
        if packet.pts is None and packet.dts is None and not packet.size:
            return  # the end
        self._read += 1
        if not packet.size or packet.pts is None or packet.is_discard:
            return
        if first is None:
            self._early.append(packet.pts)
        else:
            self._due += packet.pts >= first

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
        due = self._due + sum(stamp >= first for stamp in self._early)
        return max(0, due - self._failed - count)

    def early(self, end: float, nominal: float) -> int:
        """About how many pictures are missing between the end and where the file says it lies.

        Args:
            end: seconds, on the file's own clock, at which the last picture ends.
            nominal: seconds of a picture.
        """
        short = self._declared() - end
        return max(1, round(short / nominal)) if short > PATIENCE * nominal else 0

    def _declared(self) -> float:
        """Where the stream ends, on the file's clock, if the file says so by itself.

        What demuxers guess from the last packet of a file tells nothing of what is not there.
        """
        if not self._container.format.name.startswith("matroska"):
            return 0.0
        found = CLOCK.fullmatch(self._stream.metadata.get("DURATION", ""))
        parts = zip(found.groups(), (3600, 60, 1), strict=True) if found else ()
        return sum(float(n) * seconds for n, seconds in parts)
