"""Names that strangers send: made fit to be shown, and to stand in a header. Never in a path."""

from __future__ import annotations

import re
from urllib.parse import quote

from iptnet.outputs.markup import clean

LONGEST = 200


def display_name(raw: str) -> str:
    """The last part of what may be a path, on one line, without control characters.

    The end of a long name stays: it holds the suffix.
    """
    base = clean(re.split(r"[/\\]", raw.replace("\0", "\ufffd"))[-1]).strip()
    if base.strip(". ") == "":
        return "video"
    return base if len(base) <= LONGEST else base[: LONGEST - 21] + "…" + base[-20:]


def attachment(filename: str) -> str:
    """``Content-Disposition`` of a download, for old and new clients (RFC 6266)."""
    plain = re.sub(r"[^ !#-\[\]-~]", "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
