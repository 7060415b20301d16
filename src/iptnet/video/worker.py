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
from array import array
from collections.abc import Callable
from typing import Any

from iptnet.errors import is_shortage
from iptnet.memory import is_close
from iptnet.video.guard import confine
from iptnet.video.sampling import Output, at, sample

ROOM = 64 << 20
"""Bytes; a file that is given up with less left than this may be whole: decoders call pictures
invalid for which they find no room."""


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
    from iptnet.video.reader import Reader
    from iptnet.video.refusals import RefusalError, out_of_memory, reason

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
        if refusal.kind == "input" and is_close(ROOM):
            refusal = out_of_memory(limits)
        told = {"class": refusal.kind, "cause": refusal.cause, "remedy": refusal.remedy}
        out.record({"kind": "error"} | told)
    except Exception as error:
        told = {"class": "input", "cause": f"cannot be decoded ({reason(error)})", "remedy": ""}
        if is_shortage(error) or is_close(ROOM):
            refusal = out_of_memory(limits)
            told = {"class": refusal.kind, "cause": refusal.cause, "remedy": refusal.remedy}
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
    for name in ("reader", "about", "sparse"):
        importlib.import_module(f"iptnet.video.{name}")
    importlib.import_module("encodings.idna")


if __name__ == "__main__":
    main()
