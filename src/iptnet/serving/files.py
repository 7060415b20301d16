"""A file as an answer: whole or one range, with a validator, read off the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from iptnet.serving.failures import RefusedError
from iptnet.serving.ranges import ByteRange, parse_range

PIECE = 256 << 10


async def file_response(
    request: Request,
    path: Path,
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Serve a file: 200, 206, 304 or 416.

    Args:
        request: for its method and its range and validator headers.
        path: a file of ours.
        media_type: of the file.
        headers: more to send.

    Raises:
        RefusedError: no such file, or a range that cannot be served.
    """
    try:
        facts = await anyio.Path(path).stat()
    except OSError as error:
        raise RefusedError("missing", "there is no such file (any more)", "") from error
    size, etag = facts.st_size, f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    sent = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        **(headers or {}),
    }
    wanted = request.headers.get("if-none-match", "")
    if wanted and etag in {tag.strip() for tag in wanted[:1000].split(",")}:
        return Response(status_code=304, headers=sent)
    part = None
    # A range of another version of the file would be torn: then the whole is sent.
    if request.headers.get("if-range", etag) == etag:
        try:
            part = parse_range(request.headers.get("range"), size)
        except RefusedError as refusal:
            refusal.headers = {"Content-Range": f"bytes */{size}"}
            raise
    if part is not None:
        sent["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    status, span = (206, part) if part else (200, ByteRange(0, size - 1))
    sent["Content-Length"] = str(span.length)
    if request.method == "HEAD":
        return Response(status_code=status, headers=sent, media_type=media_type)
    return StreamingResponse(_read(path, span), status, sent, media_type)


async def _read(path: Path, span: ByteRange) -> AsyncIterator[bytes]:
    left = span.length
    async with await anyio.open_file(path, "rb") as file:
        await file.seek(span.first)
        while left > 0:
            piece = await file.read(min(PIECE, left))
            if not piece:
                return
            left -= len(piece)
            yield piece
