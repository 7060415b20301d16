"""The decoder inside the child: one file, its pictures in order, each with its true time.

Everything here may be fed hostile bytes. The file is opened by Python, so a name is never read as
a protocol or a pattern; containers outside a list are refused before they are parsed; and once the
file is open no further descriptor can be had, so no playlist or reference reaches another one.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError

from iptnet.video.complaints import refused_size, unknown_codec
from iptnet.video.guard import freeze_descriptors, thaw_descriptors
from iptnet.video.refusals import RefusalError, opened, out_of_memory, reason, too_large
from iptnet.video.tally import Tally

# Names of ffmpeg's demuxers. None of these follows references: no hls, dash, sdp, concat, image2.
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,gif,flv,ogg,asf,ivf,mxf"
MAX_BROKEN_PACKETS = 1000  # in a row: nothing good comes after that
MAX_FLUSHES = 64  # each may report one damaged packet that a decoding thread still held
MAX_QUESTIONS = 16  # about a failure, to ffmpeg's log
ABSENT = "a picture that the file announces is not in it"
FALSE = 10  # times too long, all together: durations made up
SHORT = Fraction(1, 25)  # seconds of a picture of which nothing is known
JUMP = 1  # seconds backwards that mean a restarted clock rather than disorder


@dataclass(slots=True)
class Picture:
    """A decoded frame, its time in ticks after the first picture, and its number."""

    frame: Any
    ticks: int
    index: int


class Reader:
    """Decode one video stream of one file.

    Args:
        path: the file; only ever opened by Python.
        limits: the plain values of ``Limits``.
        threads: decoding threads.
        preview: decode key frames only.
    """

    def __init__(
        self, path: str, limits: dict[str, Any], threads: int = 1, preview: bool = False
    ) -> None:
        self.limits = limits
        self.warnings: dict[str, int] = {}
        thaw_descriptors()
        self.file = opened(path)
        self.head, self.size = self.file.read(4096), os.fstat(self.file.fileno()).st_size
        freeze_descriptors(self.file.fileno())
        self.threads, self.preview = threads, preview
        self.first: int | None = None  # stamp of the first picture
        self.questions = 0
        self.hurry = 0  # ticks before which no picture is needed but those that others refer to
        self.reopen()
        self.tick: Fraction = self.stream.time_base or Fraction(1, 90_000)
        rate = self.stream.average_rate or self.stream.guessed_rate or Fraction(25)
        self.rate = rate if 0 < rate <= 1000 else Fraction(25)
        self.nominal = max(1, round(1 / self.rate / self.tick))

    def reopen(self) -> None:
        """Parse the container and start at the beginning; seeking to 0 is not always exact.

        Raises:
            RefusalError: not a video we read, or beyond a limit.
        """
        limits = self.limits
        self.end = 0  # ticks after the first picture at which the last one yet seen ends
        self.last = self.said = 0  # where it begins, and how long all said that they stay
        self.count = 0
        self.warnings, self.stopped, self.fault = {}, "", ""
        self.file.seek(0)
        try:
            self.container = self._open()
        except MemoryError as error:
            raise out_of_memory(limits) from error
        except (FFmpegError, ValueError, RuntimeError) as error:
            raise RefusalError(
                "input",
                f"is not a video in a container we read, or its index is damaged ({reason(error)})",
                "repair or re-encode it, or give another file",
            ) from error
        if (count := len(self.container.streams)) > limits["max_streams"]:
            raise RefusalError("limit", f"has {count} streams, more than {limits['max_streams']}")
        self.stream = self._choose()
        codec = self.stream.codec_context
        if codec.width * codec.height > limits["max_pixels"]:
            raise too_large(codec.width, codec.height, limits)
        self.told = int(codec.color_trc), int(codec.color_primaries)  # by the container
        self.tally = Tally(self.container, self.stream, self.preview, self.head, self.size)
        codec.thread_type = "AUTO"
        codec.thread_count = self.threads
        if self.preview:
            codec.skip_frame = "NONKEY"

    def _open(self) -> Any:
        return av.open(
            self.file,
            "r",
            options={"format_whitelist": CONTAINERS},
            metadata_errors="replace",
            buffer_size=1 << 16,
        )

    def _again(self) -> Any:
        self.file.seek(0)
        return self._open()

    def _choose(self) -> Any:
        """The stream a player would show; never a cover picture."""
        videos = [s for s in self.container.streams if s.type == "video"]
        shown = [s for s in videos if not int(s.disposition) & 0x400]  # attached_pic
        if not shown:
            what = "only a cover picture" if videos else "no video stream"
            raise RefusalError("input", f"holds {what}", "give a file with moving pictures")
        best = self.container.streams.best("video")
        chosen = best if best in shown else shown[0]
        if chosen.codec_context is None:
            raise RefusalError(
                "input",
                f"holds video of a codec that this build cannot decode{unknown_codec(self._again)}",
                "convert it to H.264 first",
            )
        return chosen

    def warn(self, text: str) -> None:
        """Count a warning."""
        self.warnings[text] = self.warnings.get(text, 0) + 1

    def pictures(self) -> Iterator[Picture]:
        """Every picture in the order of presentation, with non-decreasing times.

        Stops early, with :attr:`stopped` set, where the file breaks off.
        """
        shift, last = 0, None
        for frame in self._frames():
            width, height = frame.width, frame.height
            if width * height > self.limits["max_pixels"]:
                raise too_large(width, height, self.limits)
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is None:
                self.warn("a picture without a timestamp was placed by the frame rate")
                ahead = 0 if last is None else last + self.nominal - shift
                stamp = ahead + (self.first or 0)
            if self.first is None:
                self.first = stamp
            ticks = stamp - self.first + shift
            if ticks < 0 and last is None:
                ticks = 0
            elif last is not None and ticks <= last:
                if last - ticks > JUMP / self.tick:
                    self.warn("the clock jumps back; the rest follows on")
                    shift += last + self.nominal - ticks
                    ticks = last + self.nominal
                else:
                    self.warn("a picture is out of order")
                    ticks = last
            if ticks * self.tick > self.limits["max_duration"]:
                limit = self.limits["max_duration"]
                raise RefusalError("limit", f"plays longer than {limit:g} s")
            last = ticks
            self.follow(frame, ticks)
            self.tally.frame(frame)
            if frame.is_corrupt:
                self.warn("a picture is damaged")
            yield Picture(frame, ticks, self.count)
            self.count += 1
        self._require_some()
        self.settle()
        self._tell_losses()

    def follow(self, frame: Any, ticks: int) -> None:
        """The picture that begins at ``ticks`` is the last one yet."""
        stays = frame.duration or self.nominal
        self.last, self.end, self.said = ticks, ticks + stays, self.said + stays

    def settle(self) -> None:
        """Correct the end where the durations that the file gives cannot be true."""
        before = self.said - (self.end - self.last)
        latest = int(self.limits["max_duration"] / self.tick)
        if before > FALSE * self.last > 0 or self.end > latest:
            usual = self.last // max(1, self.count - 1) or min(self.nominal, SHORT // self.tick)
            self.end = max(self.last + 1, min(self.last + usual, latest))
            self.warn("the last picture claims to stay for an impossible time")

    def _require_some(self) -> None:
        if self.count == 0:
            self._require_room()
            why = self.stopped or self.fault or "nothing in it decodes"
            name = self.stream.codec_context.name
            raise RefusalError("input", f"has no picture that can be decoded ({name}: {why})")

    def _tell_losses(self) -> None:
        for text, lost in (
            ("a picture could not be decoded", self.tally.lost(self.first or 0, self.count)),
            (ABSENT, self.absent()),
        ):
            if lost:
                self.warnings[text] = lost

    def absent(self) -> int:
        """Pictures, at the end of the reading, that the file says it holds and does not."""
        if self.preview:
            return self.tally.absent()
        end = float(((self.first or 0) + self.end) * self.tick)
        return self.tally.absent() or self.tally.early(end, float(self.nominal * self.tick))

    def _require_room(self) -> None:
        """Tell a picture that does not fit from a broken one: decoders call both invalid."""
        codec = self.stream.codec_context
        try:
            bytearray(4 * codec.width * codec.height)
        except MemoryError as error:
            raise out_of_memory(self.limits) from error

    def _frames(self) -> Iterator[Any]:
        """Decoded frames; broken packets are counted and skipped."""
        broken = flushes = 0
        recent: deque[Any] = deque(maxlen=self.threads + 2)  # a thread may fail some packets later
        packets = self.packets([self.stream])
        while broken < MAX_BROKEN_PACKETS and flushes < MAX_FLUSHES:
            packet = next(packets, None)
            flushes += packet is None
            if packet is not None:
                recent.append(packet)
            if self.hurry and packet is not None:
                self.tally.stop()
                early = packet.pts is not None and packet.pts - (self.first or 0) < self.hurry
                self.stream.codec_context.skip_frame = "NONREF" if early else "DEFAULT"
            try:
                frames = self.stream.decode(packet)
            except EOFError:
                return
            except MemoryError as error:
                raise out_of_memory(self.limits) from error
            except (FFmpegError, ValueError) as error:
                broken += 1
                self.tally.failed()
                self._require_size(recent)
                self.fault = reason(error)
                self.warn(f"a damaged packet was skipped ({self.fault})")
                continue
            broken = 0
            yield from frames
            if packet is None:
                return
        self.stopped = self.stopped or f"{broken} damaged packets in a row"

    def _require_size(self, packets: Iterable[Any]) -> None:
        """Tell a picture too large for any decoder from a broken one: both are called invalid."""
        self.questions += 1
        if self.questions <= MAX_QUESTIONS:
            width, height = refused_size(self.stream.codec_context, packets)
            if width * height > self.limits["max_pixels"]:
                raise too_large(width, height, self.limits)

    def packets(self, streams: list[Any]) -> Iterator[Any]:
        """The packets of some streams up to the end, or to where the file cannot be read on."""
        packets = self.container.demux(*streams)
        while True:
            try:
                packet = next(packets, None)
            except MemoryError as error:
                raise out_of_memory(self.limits) from error
            except (FFmpegError, ValueError) as error:
                self.stopped = reason(error)
                return
            if packet is None:
                return
            if packet.stream_index == self.stream.index:
                self.tally.packet(packet, self.first)
                if packet.is_corrupt:
                    self.warn("a damaged packet was read")
            if packet.size:  # an empty one would flush the decoder in mid-stream
                yield packet

    def seek(self, ticks: int) -> None:
        """Go to the key frame at or before ``ticks`` after the first picture."""
        self.tally.stop()
        self.container.seek(ticks + (self.first or 0), stream=self.stream, backward=True)

    def close(self) -> None:
        """Release the file."""
        self.file.close()
