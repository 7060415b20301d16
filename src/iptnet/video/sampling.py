"""What the child does with pictures: samples at a rate, and single ones at given times.

Each is the picture on show at its instant. Pictures that nothing needs are not decoded, where the
file allows it (:mod:`iptnet.video.sparse`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from iptnet.video.change import ChangeWatch
from iptnet.video.wire import send

BEAT_SECONDS = 0.5
SWS_BT709, SWS_BT2020 = 1, 9  # swscale's numbers for these matrices
SEEK_WORTH = 4.0  # seconds ahead from which going to a key frame beats decoding on
HURRY = 1.0  # seconds before a wanted time from which every picture is decoded
SEEKABLE = ("mov", "matroska")  # containers whose index leads to the right key frame


class Output:
    """Where answers go: records, and a beat now and then so that the parent sees us live."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.beaten = time.monotonic()

    def record(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Send one record."""
        send(self.descriptor, header, payload)
        self.beaten = time.monotonic()

    def beat(self, position: float) -> None:
        """Tell how far decoding has come, at most twice a second."""
        if time.monotonic() - self.beaten > BEAT_SECONDS:
            self.record({"kind": "beat", "position": position})


class Scaler:
    """Pictures to RGB of a fixed size.

    Turned axes are left to the parent, who has numpy, and so is the tone map: pictures of high
    dynamic range keep 16 bits a channel for it.
    """

    def __init__(self, info: dict[str, Any], size: tuple[int, int]) -> None:
        from av.video.reformatter import VideoReformatter

        self.reformatter = VideoReformatter()
        height, width = size
        self.size = (width, height) if info["orientation"][0] else (height, width)
        self.light = info["light"]
        self.format, self.pixel = ("rgb48le", 6) if self.light else ("rgb24", 3)

    def rgb(self, frame: Any) -> bytes:
        """The picture squashed to ``size`` by bicubic filtering: rows of RGB without padding."""
        height, width = self.size
        matrix = None
        if self.light and not self.light["marked"]:
            matrix = SWS_BT2020
        elif frame.colorspace == 2 and frame.height >= 720:
            # Unmarked high definition is BT.709 by convention; swscale would assume BT.601.
            matrix = SWS_BT709
        small = self.reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=self.format,
            src_colorspace=matrix,
            dst_color_range="JPEG",
            interpolation="BICUBIC",
            threads=1,
        )
        plane = small.planes[0]
        data, stride, row = memoryview(plane), plane.line_size, width * self.pixel
        if stride == row:
            return bytes(data[: row * height])
        return b"".join(data[y * stride : y * stride + row] for y in range(height))


def sample(out: Output, reader: Any, info: dict[str, Any], request: dict[str, Any]) -> None:
    """The picture on show at every k/rate, until the last one ends."""
    from iptnet.video.sparse import IrregularError, Sparse, instants, may_skip

    step, slack = 1 / (Fraction(request["rate"]) * reader.tick), _slack(reader)
    told = Samples(out, reader, Scaler(info, tuple(request["size"])), step, slack)
    if may_skip(reader, info) and not request.get("whole"):
        try:
            sparse = Sparse(reader, instants(step, slack))
            told.take(sparse.pictures(), sparse.between)
        except IrregularError:
            reader.reopen()
            told.take(reader.pictures())
    else:
        told.take(reader.pictures())
    if reader.preview:  # what follows the last key frame was skipped, not missing
        reader.end = max(reader.end, round(Fraction(info["duration"]) / reader.tick))
    limit = request["limits"]["max_duration"]
    told.finish(told.shown, max(1, min(reader.end, Fraction(limit) / reader.tick)))


class Samples:
    """Samples told as pictures come; pictures may come again from the start."""

    def __init__(
        self, out: Output, reader: Any, scaler: Scaler, step: Fraction, slack: Fraction
    ) -> None:
        self.out, self.reader, self.scaler = out, reader, scaler
        self.step, self.slack = step, slack
        self.told = 0  # samples sent

    def take(
        self,
        pictures: Iterator[Any],
        between: Callable[[int, int], Iterator[Any]] | None = None,
    ) -> None:
        """Go through the pictures from the first.

        Args:
            pictures: in order of presentation.
            between: gives those left out between the ticks of two that came.
        """
        # Key frames differ with or without a cut.
        self.watch = None if self.reader.preview else ChangeWatch()
        self.passed, self.due = 0, self.slack  # instants behind us; the next one
        self.shown: Any = None
        tick = float(self.reader.tick)
        for picture in pictures:
            before: Any = self.shown
            self.shown = picture
            if before is not None and self.due < picture.ticks:
                self.finish(before, picture.ticks)
            if self.watch is not None:
                self._look(before, picture, between)
            self.out.beat(picture.ticks * tick)

    def _look(self, before: Any, picture: Any, between: Any) -> None:
        assert self.watch is not None
        if before is None or between is None:
            self.watch.see(picture.frame, picture.ticks)
            return
        self.watch.see(
            picture.frame,
            picture.ticks,
            picture.index - before.index - 1,
            lambda: ((p.frame, p.ticks) for p in between(before.ticks, picture.ticks)),
        )

    def finish(self, shown: Any, until: Fraction | int) -> None:
        """Tell the samples before ``until`` that show a picture."""
        rate, tick, pixels = 1 / (self.step * self.reader.tick), self.reader.tick, b""
        while self.due < until:
            change, ticks = self.watch.take() if self.watch is not None else (0.0, 0)
            k, self.passed = self.passed, self.passed + 1
            self.due += self.step
            if k < self.told:
                continue
            pixels = pixels or self.scaler.rgb(shown.frame)
            header = {"kind": "picture", "time": float(k / rate)}
            header |= {"shown": float(shown.ticks * tick), "index": shown.index}
            if k and change:
                header |= {"cut": float(ticks * tick), "change": change}
            self.out.record(header, pixels)
            self.told = k + 1


def at(out: Output, reader: Any, info: dict[str, Any], request: dict[str, Any]) -> None:
    """The picture on show at each of some increasing times, seeking where that is worth it."""
    from iptnet.video.sparse import may_skip

    scaler = Scaler(info, tuple(request["size"]))
    pictures: Iterator[Any] | None = reader.pictures()
    before: Any = None
    after: Any = None  # around the wanted time: before.ticks ≤ time < after.ticks
    seekable, hurried = info["container"] in SEEKABLE, may_skip(reader, info)

    def go_to(target: Fraction) -> None:
        nonlocal before, after, pictures
        while pictures is not None and (after is None or after.ticks <= target):
            before = after or before
            after = next(pictures, None)
            if after is None:
                pictures = None
            else:
                before = before or after
                out.beat(float(after.ticks * reader.tick))

    for number, wanted in enumerate(request["times"]):
        target = Fraction(wanted) / reader.tick + _slack(reader)
        ahead = (target - (before.ticks if before else 0)) * reader.tick
        if seekable and pictures is not None and ahead > SEEK_WORTH:
            before, after, pictures = _seek(reader, int(target))
        reader.hurry = max(1, int(target - HURRY / reader.tick)) if hurried else 0
        go_to(target)
        if hurried and before.ticks < reader.hurry > 1:  # long on show, or the end: look closely
            reader.hurry = 1
            before, after, pictures = _seek(reader, int(target))
            go_to(target)
        header = {"kind": "picture", "number": number, "time": wanted}
        header |= {"shown": float(before.ticks * reader.tick), "index": -1}
        out.record(header, scaler.rgb(before.frame))


def _slack(reader: Any) -> Fraction:
    """Ticks by which a stamp may be late merely because it was rounded to a tick."""
    # Just under a half: an instant between two ticks belongs to the earlier one.
    return Fraction(min(Fraction(49, 100), Fraction(49, 100_000) / reader.tick))


def _seek(reader: Any, target: int) -> tuple[Any, Any, Iterator[Any]]:
    """The picture at a key frame at or before ``target`` and those after it, or all from 0."""
    from av.error import FFmpegError

    from iptnet.video.refusals import RefusalError

    try:
        if not reader.count:
            # Some files say only in their first picture how all of them are coded.
            next(reader.pictures(), None)
        for back in (0, round(10 / reader.tick)):
            reader.seek(max(0, target - back))
            pictures = reader.pictures()
            first = next(pictures, None)
            if first is not None and first.ticks <= target and not first.frame.is_corrupt:
                return first, None, pictures
    except (FFmpegError, ValueError, RefusalError):
        pass
    reader.reopen()
    return None, None, reader.pictures()
