"""The decoding child: reads requests (JSON lines) on standard input, answers records on output.

Started as a fresh interpreter by :mod:`iptnet.video.child`; imports PyAV but neither torch nor
numpy, since every video pays for the start. It ends when its input closes, whatever it is doing.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import queue
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from iptnet.video.change import ChangeWatch
from iptnet.video.guard import confine
from iptnet.video.wire import send

BEAT_SECONDS = 0.5
SWS_BT709 = 1  # swscale's number for that matrix
SEEK_WORTH = 4.0  # seconds ahead from which going to a key frame beats decoding on
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
    """Pictures to RGB of a fixed size; turned axes are left to the parent, who has numpy."""

    def __init__(self, info: dict[str, Any], size: tuple[int, int]) -> None:
        from av.video.reformatter import VideoReformatter

        self.reformatter = VideoReformatter()
        height, width = size
        self.size = (width, height) if info["orientation"][0] else (height, width)

    def rgb(self, frame: Any) -> bytes:
        """The picture squashed to ``size`` by bicubic filtering: rows of RGB without padding."""
        height, width = self.size
        # Unmarked high definition is BT.709 by convention; swscale would assume BT.601.
        unmarked = frame.colorspace == 2 and frame.height >= 720
        small = self.reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=SWS_BT709 if unmarked else None,
            dst_color_range="JPEG",
            interpolation="BICUBIC",
            threads=1,
        )
        plane = small.planes[0]
        data, stride, row = memoryview(plane), plane.line_size, width * 3
        if stride == row:
            return bytes(data[: row * height])
        return b"".join(data[y * stride : y * stride + row] for y in range(height))


def sample(out: Output, reader: Any, info: dict[str, Any], request: dict[str, Any]) -> None:
    """The picture on show at every k/rate, until the last one ends."""
    scaler = Scaler(info, tuple(request["size"]))
    step = 1 / (Fraction(request["rate"]) * reader.tick)
    slack = _slack(reader)
    k, pixels = 0, b""
    shown: Any = None
    watch = None if reader.preview else ChangeWatch()  # key frames differ with or without a cut

    def emit(until: Fraction | int) -> None:
        nonlocal k, pixels
        fresh = True
        while k * step + slack < until:
            if fresh:
                pixels, fresh = scaler.rgb(shown.frame), False
            header = {"kind": "picture", "time": float(k / Fraction(request["rate"]))}
            header |= {"shown": float(shown.ticks * reader.tick), "index": shown.index}
            change, ticks = watch.take() if watch is not None else (0.0, 0)
            if k and change:
                header |= {"cut": float(ticks * reader.tick), "change": change}
            out.record(header, pixels)
            k += 1

    for picture in reader.pictures():
        if shown is not None:
            emit(picture.ticks)
        shown = picture
        if watch is not None:
            watch.see(picture.frame, picture.ticks)
        out.beat(float(picture.ticks * reader.tick))
    if reader.preview:  # what follows the last key frame was skipped, not missing
        reader.end = max(reader.end, round(Fraction(info["duration"]) / reader.tick))
    limit = request["limits"]["max_duration"]
    emit(max(1, min(reader.end, Fraction(limit) / reader.tick)))


def at(out: Output, reader: Any, info: dict[str, Any], request: dict[str, Any]) -> None:
    """The picture on show at each of some increasing times, seeking where that is worth it."""
    scaler = Scaler(info, tuple(request["size"]))
    pictures: Iterator[Any] | None = reader.pictures()
    before: Any = None
    after: Any = None  # around the wanted time: before.ticks ≤ time < after.ticks
    seekable = info["container"] in SEEKABLE
    for number, wanted in enumerate(request["times"]):
        target = Fraction(wanted) / reader.tick + _slack(reader)
        ahead = (target - (before.ticks if before else 0)) * reader.tick
        if seekable and pictures is not None and ahead > SEEK_WORTH:
            before, after, pictures = _seek(reader, int(target))
        while pictures is not None and (after is None or after.ticks <= target):
            before = after or before
            after = next(pictures, None)
            if after is None:
                pictures = None
            else:
                before = before or after
                out.beat(float(after.ticks * reader.tick))
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

    from iptnet.video.reader import RefusalError

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


def scan(out: Output, reader: Any, info: dict[str, Any], request: dict[str, Any]) -> None:
    """When each picture starts, and where the sound does, from the packets; nothing decoded."""
    streams = [reader.stream]
    sound = info["audio_index"]
    if sound is not None:
        streams.append(reader.container.streams[sound])
    stamps, complete = array("q"), True
    audio: list[float | None] = [None, None]
    first = reader.first or 0
    for packet in reader.packets(streams):
        out.beat(0.0)
        if packet.stream_index == sound:
            if packet.pts is not None:
                start = packet.pts * packet.time_base - first * reader.tick
                audio[0] = float(start) if audio[0] is None else audio[0]
                audio[1] = float(start + (packet.duration or 0) * packet.time_base)
        elif packet.pts is None:
            complete = False
        elif not packet.is_discard and packet.pts >= first:
            stamps.append(packet.pts - first)
    times = array("d", (float(t * reader.tick) for t in sorted(set(stamps))))
    header = {"kind": "scan", "complete": complete and len(times) > 0, "audio": audio}
    out.record(header | {"stopped": reader.stopped}, times.tobytes())


JOBS: dict[str, Callable[[Output, Any, dict[str, Any], dict[str, Any]], None]] = {
    "probe": lambda *_: None,
    "sample": sample,
    "at": at,
    "scan": scan,
}


def answer(out: Output, request: dict[str, Any]) -> None:
    """Serve one request: an info record, what the job sends, then done or error."""
    from iptnet.video.about import describe
    from iptnet.video.reader import Reader, RefusalError, out_of_memory, reason

    limits, reader = request["limits"], None
    try:
        reader = Reader(request["path"], limits, request["threads"], request["preview"])
        info = describe(reader)
        out.record({"kind": "info"} | info)
        if "height" in request and not request.get("size"):
            width = max(1, round(info["width"] * request["height"] / info["height"]))
            request["size"] = [request["height"], width]
        if request["job"] != "probe":
            reader.reopen()
        JOBS[request["job"]](out, reader, info, request)
        end = {"kind": "done", "warnings": reader.warnings, "stopped": reader.stopped}
        out.record(end | {"duration": float(reader.end * reader.tick), "n_frames": reader.count})
    except BrokenPipeError:
        raise
    except (RefusalError, MemoryError) as error:
        refusal = error if isinstance(error, RefusalError) else out_of_memory(limits)
        told = {"class": refusal.kind, "cause": refusal.cause, "remedy": refusal.remedy}
        out.record({"kind": "error"} | told)
    except Exception as error:
        told = {"class": "input", "cause": f"cannot be decoded ({reason(error)})", "remedy": ""}
        out.record({"kind": "error"} | told)
    finally:
        if reader is not None:
            reader.close()


def main() -> None:
    """Confine ourselves, then serve requests until standard input closes."""
    setup = json.loads(sys.argv[1])
    descriptor = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not end up in the stream
    confine(**setup)
    _import_everything()
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    out = Output(descriptor)
    while True:
        answer(out, requests.get())


def _listen(requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    os._exit(0)  # the parent closed the pipe or died


def _import_everything() -> None:
    """Load all of PyAV now: once a stranger's file is open, no other file can be."""
    import av

    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name not in {"av.__main__", "av.datasets"}:
            importlib.import_module(module.name)
    for name in ("iptnet.video.reader", "iptnet.video.about", "encodings.idna"):
        importlib.import_module(name)


if __name__ == "__main__":
    main()
