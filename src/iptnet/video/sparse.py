"""Decode only what is looked at: pictures that are wanted, and those that others refer to.

In H.264 a picture whose packet has ``nal_ref_idc`` 0 is referred to by no other, so leaving it out
changes no bit of the rest. With B-pictures that is up to half of a video. Which picture is on show
at an instant is known from the packets' time stamps before anything is decoded. Where a cut may lie
among pictures left out, those are decoded after all, from the key frame before. Wherever a file is
not of the plainest kind, :class:`IrregularError` sends the caller back to decoding everything.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError

from iptnet.video.reader import Picture, Reader
from iptnet.video.refusals import out_of_memory

CODECS = ("h264",)  # others have pictures that are no reference to their own layer only
CONTAINERS = ("mov", "matroska")  # one picture a packet, each with its time stamp
AHEAD = 40  # packets; pictures are out of order by 16 at most
KEPT_BYTES = 64 << 20  # of packets since the key frames, for a second look
SECOND_LOOKS = 500  # pictures decoded twice before we ask whether leaving out still pays

Wanted = Callable[[int, int], bool]
"""Whether to look at a picture on show from one tick up to another."""


class IrregularError(Exception):
    """Nothing may be left out of this file."""


def may_skip(reader: Reader, info: dict[str, Any]) -> bool:
    """Whether it is worth a try."""
    return (
        not reader.preview
        and info["codec"] in CODECS
        and info["container"] in CONTAINERS
        and reader.first is not None
    )


def instants(step: Fraction, slack: Fraction) -> Wanted:
    """Wants what is on show at any ``k · step + slack``, in ticks."""
    # Whole numbers only: this is asked of every picture.
    over, under = step.numerator * slack.denominator, step.denominator * slack.denominator
    late = slack.numerator * step.denominator

    def wanted(begin: int, end: int) -> bool:
        # The first instant at or after the beginning comes before the end.
        k = max(0, -((late - begin * under) // over))
        return k * over + late < end * under

    return wanted


class Sparse:
    """One pass over a video that is regular so far.

    Args:
        reader: at the start of the file.
        wanted: which pictures must come.
    """

    def __init__(self, reader: Reader, wanted: Wanted) -> None:
        self.reader, self.wanted = reader, wanted
        self.first = reader.first or 0
        self.latest = reader.limits["max_duration"] / reader.tick + self.first
        self._stamps: list[int] = []  # of the packets read, in order of presentation
        self._groups: deque[list[Any]] = deque([[]])  # decoded packets, a list a key frame
        self._kept, self._again = 0, 0

    def pictures(self) -> Iterator[Picture]:
        """The wanted pictures and most likely some more, in the order of presentation.

        Each is numbered among all pictures, decoded or not. The last one of the file always comes.

        Raises:
            IrregularError: a damaged, interlaced or oddly stamped file; what came so far is good.
            RefusalError: no memory.
        """
        reader, first, stamps = self.reader, self.first, self._stamps
        due: list[int] = []  # of wanted pictures that have not come out yet
        passed = 0  # pictures behind the first of the stamps
        for packet in self._packets():
            if packet is not None:
                at = bisect_left(stamps, packet.pts)
                last = at + 1 == len(stamps)
                need = last or self.wanted(stamps[at] - first, stamps[at + 1] - first)
                if need:
                    insort(due, packet.pts)
                reader.stream.codec_context.skip_frame = "DEFAULT" if need else "NONREF"
            for frame in _decoded(reader.stream, packet, reader):
                at = bisect_left(stamps, frame.pts) if frame.pts is not None else len(stamps)
                if at == len(stamps) or stamps[at] != frame.pts or (due and due[0] < frame.pts):
                    raise IrregularError
                if due and due[0] == frame.pts:
                    del due[0]
                passed += at
                reader.count = passed + 1
                reader.follow(frame, frame.pts - first)
                yield Picture(frame, frame.pts - first, passed)
                del stamps[:at]  # those between are known until now
        reader.settle()
        if due or len(stamps) != 1 or reader.absent():
            raise IrregularError

    def between(self, after: int, before: int) -> Iterator[Picture]:
        """The pictures left out between two neighbours, when the second has just come.

        Args:
            after, before: their ticks.

        Raises:
            IrregularError: looking again has become dearer than decoding everything.
        """
        low, high = after + self.first, before + self.first
        missing = {stamp for stamp in self._stamps if low < stamp < high}
        groups = list(self._groups)
        while len(groups) > 1 and groups[1] and groups[1][0].pts <= low:
            del groups[0]
        if not groups[0] or groups[0][0].pts > low:
            raise IrregularError
        stream = self.reader.stream
        decoder = av.CodecContext.create(stream.codec_context.name, "r")
        decoder.extradata = stream.codec_context.extradata
        decoder.thread_count = 1
        for packet in [p for group in groups for p in group] + [None]:
            self._again += 1
            if self._again > self.reader.count + SECOND_LOOKS:
                raise IrregularError
            if packet is not None:
                decoder.skip_frame = "DEFAULT" if packet.pts in missing else "NONREF"
            for frame in _decoded(decoder, packet, self.reader):
                if frame.pts in missing:
                    missing.discard(frame.pts)
                    yield Picture(frame, frame.pts - self.first, -1)
            if not missing:
                return
        raise IrregularError

    def _packets(self) -> Iterator[Any]:
        """Each packet, once those that may be shown before the next are known, and None."""
        queue: deque[Any] = deque()
        packets = self.reader.packets([self.reader.stream])
        while True:
            while len(queue) <= AHEAD and (packet := next(packets, None)) is not None:
                self._require_regular(packet)
                insort(self._stamps, packet.pts)
                queue.append(packet)
            if self.reader.stopped:
                raise IrregularError
            if not queue:
                yield None
                return
            self._keep(packet := queue.popleft())
            yield packet

    def _require_regular(self, packet: Any) -> None:
        stamp, stamps = packet.pts, self._stamps
        if stamp is None or packet.is_discard or packet.is_corrupt:
            raise IrregularError
        at = bisect_left(stamps, stamp)
        if not self.first <= stamp <= self.latest or bisect_right(stamps, stamp) != at:
            raise IrregularError

    def _keep(self, packet: Any) -> None:
        if packet.is_keyframe:
            self._groups.append([])
        self._groups[-1].append(packet)
        self._kept += packet.size
        # A picture comes out a little after its packet went in: three groups hold it for sure,
        # unless they are tiny, and then between() says so.
        while len(self._groups) > 8 or (self._kept > KEPT_BYTES and len(self._groups) > 1):
            self._kept -= sum(p.size for p in self._groups.popleft())
        if self._kept > KEPT_BYTES:  # one endless group
            self._kept, self._groups = 0, deque([[]])


def _decoded(decoder: Any, packet: Any, reader: Reader) -> list[Any]:
    """Frames of a packet, or the last ones; the plain way knows what to make of a damaged one."""
    try:
        frames: list[Any] = decoder.decode(packet)
    except EOFError:
        return []
    except MemoryError as error:
        raise out_of_memory(reader.limits) from error
    except (FFmpegError, ValueError) as error:
        raise IrregularError from error
    size = reader.stream.codec_context.width, reader.stream.codec_context.height
    for frame in frames:
        if frame.is_corrupt or frame.interlaced_frame or (frame.width, frame.height) != size:
            raise IrregularError
    return frames
