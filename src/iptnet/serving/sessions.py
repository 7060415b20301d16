"""Whose video is it: a random cookie a browser (or a script's cookie jar), nothing to log in with.

Everything on a shared address stays with whoever sent it. The database knows digests only.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "iptnet_session"
YEAR = 365 * 86400
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def owner_of(request: Request) -> str | None:
    """Digest of the request's session; None without a (well-formed) one."""
    token = request.cookies.get(COOKIE, "")
    return sha256(token.encode()).hexdigest() if _TOKEN.fullmatch(token) else None


def begin(response: Response, token: str | None = None) -> str:
    """Give a client a session, or keep its own alive; returns the owner's digest."""
    token = token or secrets.token_urlsafe(32)
    # Lax: a link that leads here still finds the videos; no form of another site sends it.
    response.set_cookie(COOKIE, token, max_age=YEAR, path="/", httponly=True, samesite="lax")
    return sha256(token.encode()).hexdigest()


def renew(request: Request, response: Response) -> str:
    """The request's session, or a new one, with its cookie set on the response."""
    token = request.cookies.get(COOKIE, "")
    return begin(response, token if _TOKEN.fullmatch(token) else None)
