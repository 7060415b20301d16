"""The framed stream between the decoding child and its parent.

A record is a fixed head (magic, two lengths), a small JSON header and raw bytes. The pipe gives
back-pressure; the receiving side bounds every length, since the child may have been taken over.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any

HEAD = struct.Struct(">4sII")
MAGIC = b"ipt1"
MAX_HEADER = 1 << 20
MAX_PAYLOAD = 1 << 30


class WireError(Exception):
    """The stream ended inside a record, fell silent, or carried nonsense."""


class SilenceError(WireError):
    """Nothing arrived for as long as we were told to wait."""


class ClosedError(WireError):
    """The other side closed the pipe."""


def send(descriptor: int, header: dict[str, Any], payload: bytes | memoryview = b"") -> None:
    """Write one record, blocking while the reader is behind."""
    text = json.dumps(header).encode("ascii")
    _write(descriptor, HEAD.pack(MAGIC, len(text), len(payload)) + text)
    if payload:
        _write(descriptor, payload)


def receive(descriptor: int, timeout: float) -> tuple[dict[str, Any], bytes]:
    """Read one record.

    Raises:
        SilenceError: no byte for ``timeout`` seconds.
        ClosedError: the end of the stream, between records or inside one.
        WireError: not a record, or one beyond the bounds.
    """
    magic, header_bytes, payload_bytes = HEAD.unpack(_read(descriptor, HEAD.size, timeout))
    if magic != MAGIC or header_bytes > MAX_HEADER or payload_bytes > MAX_PAYLOAD:
        raise WireError("the decoder sent nonsense")
    try:
        header = json.loads(_read(descriptor, header_bytes, timeout))
    except ValueError as error:
        raise WireError("the decoder sent nonsense") from error
    if not isinstance(header, dict):
        raise WireError("the decoder sent nonsense")
    return header, _read(descriptor, payload_bytes, timeout)


def _write(descriptor: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read(descriptor: int, size: int, timeout: float) -> bytes:
    data = bytearray(size)
    view, got = memoryview(data), 0
    poller = select.poll()  # select() itself fails beyond descriptor 1023
    poller.register(descriptor, select.POLLIN | select.POLLHUP)
    while got < size:
        deadline = time.monotonic() + timeout
        while not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            if time.monotonic() >= deadline:
                raise SilenceError
        count = os.readv(descriptor, [view[got:]])
        if count == 0:
            raise ClosedError
        got += count
    return bytes(data)
