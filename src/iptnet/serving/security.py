"""Before any route: whom we answer, how much we read, and what a browser may do with the answer."""

from __future__ import annotations

import json
from dataclasses import asdict

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iptnet.serving.failures import RefusedError
from iptnet.serving.settings import Settings

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
BODY_BYTES = 64 << 10
"""Of any request but an upload."""
READING = ("GET", "HEAD")


class Guard:
    """ASGI middleware; see the module.

    Args:
        app: what is guarded.
        settings: for the names we answer to.
        uploads: path that may receive more than a few kilobytes (and counts for itself).
    """

    def __init__(self, app: ASGIApp, settings: Settings, uploads: str) -> None:
        self._app, self._settings, self._uploads = app, settings, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # The page's files are asked for again each time (and mostly not sent again): an
                # update must not meet half of its predecessor.
                fresh = "no-cache" if scope["path"].startswith("/static") else "no-store"
                headers.setdefault("Cache-Control", fresh)
            await send(message)

        upload = scope["method"] == "POST" and scope["path"] == self._uploads
        try:
            headers = Headers(scope=scope)
            self._check(scope["method"], headers)
            length = headers.get("content-length", "")
            if not upload and length.isdecimal() and int(length[:18]) > BODY_BYTES:
                raise RefusedError("too-large", "the request is too large", "send less")
        except RefusedError as refusal:
            await _refuse(guarded_send, refusal)
            return
        await self._app(scope, receive if upload else _bounded(receive), guarded_send)

    def _check(self, method: str, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._settings.admits(hosts[0]):
            raise RefusedError(
                "host",
                "this server does not answer to that name",
                "use the address that `iptnet serve` printed",
            )
        origin = headers.get("origin")
        foreign = origin is not None and origin not in {f"{s}://{hosts[0]}" for s in _SCHEMES}
        if not foreign and method not in READING:
            foreign = headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}
        if foreign:
            raise RefusedError(
                "foreign", "another site's page sent this request", "open the page itself"
            )


_SCHEMES = ("http", "https")


def _bounded(receive: Receive) -> Receive:
    """The same body, of which what lies beyond ``BODY_BYTES`` is dropped.

    No refusal here: an answer that streams listens too, for the client to leave, and must not be
    torn in the middle by what the client sends meanwhile.
    """
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > BODY_BYTES and message["type"] == "http.request":
            return {"type": "http.request", "body": b"", "more_body": False}
        return message

    return counted


async def _refuse(send: Send, refusal: RefusedError) -> None:
    body = json.dumps({"error": asdict(refusal.failure)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
