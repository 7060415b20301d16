"""What ffmpeg tells in its log alone, asked for once something has failed.

Logging is off otherwise: lines from decoding threads would cost every file, and say nothing new.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from typing import Any

import av
import av.logging
from av.error import FFmpegError

TAG = re.compile(r"Video: \w+ \(([^\s/]+) /")
SIZE = re.compile(r"Picture size (\d+)x(\d+) is invalid")


def unknown_codec(open_again: Callable[[], Any]) -> str:
    """The four letters of a codec that this build does not know, in brackets; or nothing."""
    found = TAG.search(_log(lambda: open_again().close()))
    return f" ({found[1]})" if found else ""


def refused_size(codec: Any, packets: Iterable[Any]) -> tuple[int, int]:
    """The largest (width, height) that ffmpeg itself would not decode in some packets; (0, 0).

    From about 16384x16384 on it calls a picture invalid rather than large.
    """

    def decode() -> None:
        decoder = av.CodecContext.create(codec.name, "r")
        decoder.extradata, decoder.thread_count = codec.extradata, 1
        for packet in packets:
            with contextlib.suppress(FFmpegError, ValueError, EOFError):
                decoder.decode(packet)

    sizes = [(int(w), int(h)) for w, h in SIZE.findall(_log(decode))]
    return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))


def _log(work: Callable[[], object]) -> str:
    """What is logged meanwhile in this thread."""
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture(local=True) as lines:
            work()
    finally:
        av.logging.set_level(None)
    return "\n".join(text for _, _, text in lines)
