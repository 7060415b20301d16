"""Receive a body into a file: counted as it comes, whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from pathlib import Path

from starlette.requests import Request

from iptnet.atomic import atomic_path
from iptnet.serving.failures import RefusedError

PIECE = 1 << 20
LINGER_BYTES = 8 << 20
LINGER_SECONDS = 2.0


async def receive(
    stream: AsyncIterator[bytes],
    final: Path,
    *,
    stall_seconds: float,
    on_bytes: Callable[[int], None],
) -> int:
    """Write a stream to ``final``.

    Args:
        stream: pieces of the body; raises when the client leaves.
        final: appears when all has come, and not before.
        stall_seconds: without a byte, after which to give up.
        on_bytes: told the size so far; refuses by raising.

    Returns:
        the size in bytes.

    Raises:
        RefusedError: the client stalls, sends nothing, or ``on_bytes`` refuses.
        MachineError: the disk is full or the folder cannot be written.
    """
    size, pending = 0, bytearray()
    with ExitStack() as undo:
        stack = ExitStack()
        # Leaves the final name alone unless the block below got to its end.
        undo.push(lambda *caught: stack.__exit__(*caught) if caught[0] else None)
        path = stack.enter_context(atomic_path(final))
        file = stack.enter_context(path.open("wb"))
        while True:
            try:
                piece = await asyncio.wait_for(anext(stream, None), stall_seconds)
            except TimeoutError as error:
                raise RefusedError(
                    "timeout", f"the upload stalled for {stall_seconds:g} s", "send it again"
                ) from error
            if piece is None:
                break
            size += len(piece)
            on_bytes(size)
            pending += piece
            if len(pending) >= PIECE:
                await asyncio.to_thread(file.write, bytes(pending))
                pending.clear()
        if size == 0:
            raise RefusedError("input", "the upload is empty", "send the video file as the body")
        await asyncio.to_thread(file.write, bytes(pending))
        # Syncing a large file takes long, and the loop has others to serve.
        await asyncio.to_thread(stack.close)
    return size


async def linger(request: Request) -> None:
    """Read a refused body on for a moment.

    Who closes in the middle of it makes many clients miss the answer; who reads it to its end
    may read for ever.
    """
    left = LINGER_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await request.receive()
                left -= len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
