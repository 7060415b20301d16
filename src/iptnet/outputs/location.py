"""Where a source lies, as editors name it: a ``file:`` address, or a plain path."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import quote

from iptnet.timeline import Source

WINDOWS = re.compile(r"[A-Za-z]:[\\/]")


def address(source: Source) -> str:
    """A ``file:`` address of the source; of a relative path a relative address.

    Editors resolve the latter against the exported file, and ask where the video is if it is not
    there. Bytes of the name that are no UTF-8 come out as they were.
    """
    path = source.path or source.name
    if WINDOWS.match(path):
        return "file:///" + _quoted(PureWindowsPath(path).as_posix(), ":")
    if PurePosixPath(path).is_absolute():
        return "file://" + _quoted(path)
    # "./" keeps a colon or leading slashes from reading as another kind of address.
    return "./" + _quoted(path)


def plain_path(source: Source) -> str:
    """The path of the source as the system writes it; what is no text stands as ``?``.

    A relative one that would read as an address (``http://…``) or as absolute begins with ``./``;
    no other does, since some readers look for a folder of that name.
    """
    path = (source.path or source.name).encode("utf-8", "replace").decode()
    if WINDOWS.match(path) or PurePosixPath(path).is_absolute() or ":" not in path:
        return path
    return f"./{path}"


def _quoted(path: str, also: str = "") -> str:
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = path.encode("utf-8", "replace")
    return quote(raw, safe="/" + also)
