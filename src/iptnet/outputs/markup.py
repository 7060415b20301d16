"""Texts of unknown origin, made safe to stand in XML, HTML and pictures.

File names and queries come from anywhere: tags, quotes, control characters, bytes that are no
UTF-8, marks that turn the reading direction of whatever follows.
"""

from __future__ import annotations

import re
from html import escape as escape_html
from unicodedata import east_asian_width

# Not allowed in XML 1.0, lone surrogates, noncharacters; and the bidirectional overrides,
# embeddings and isolates, which can make "gpj.exe" read as "exe.jpg". RTL names need none.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\u202a-\u202e\u2066-\u2069]"
)


def clean(text: str) -> str:
    """``text`` on one line, with unsafe characters shown as U+FFFD."""
    return " ".join(_UNSAFE.sub("\ufffd", text).split())


def escape(text: str) -> str:
    """``text`` cleaned and escaped for element content and quoted attributes alike."""
    return escape_html(clean(text), quote=True)


def shorten(text: str, room: float) -> str:
    """``text`` cleaned and cut in its middle to about ``room`` average letters.

    The end of a file name tells as much as its beginning. Wide (East Asian) letters count twice.
    """
    text = clean(text)
    if _width(text) <= room:
        return text
    head, tail = "", ""
    while _width(head + tail) < room - 2 and len(head) + len(tail) < len(text):
        if _width(head) <= 2 * _width(tail):
            head += text[len(head)]
        else:
            tail = text[-len(tail) - 1] + tail
    return f"{head.rstrip()}…{tail.lstrip()}"


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
