"""JSON lines, one object a line; and how to say that a file is laid out in another way."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from iptnet.data.annotation_file import read_text
from iptnet.errors import InputError

_ARRAY = re.compile(r"\[\s*[\[{]|\[\s*\]")


def require_object_lines(path: Path) -> None:
    """Refuse JSON that is an array, or whose objects are spread over several lines.

    Whatever else is in the file is the reader's to judge, line by line.

    Raises:
        InputError: such a file, with the command that makes JSON lines of it.
        LimitError: more text than 256 MiB.
    """
    text = read_text(path).strip()
    what, program = "", "."
    if _ARRAY.match(text):
        what, program = "holds a JSON array", ".[]"
        if re.match(r"\[\s*\[", text):
            program = "flatten | .[]"
    elif text.startswith("{") and _spread(text):
        what = "spreads an object over several lines"
    if what:
        file = shlex.quote(str(path))
        raise InputError(
            f"{path} {what}", f"write one object a line (JSON lines): jq -c {program!r} {file}"
        )


def _spread(text: str) -> bool:
    """Tell whether the first object is whole, but not on one line."""
    first = re.split(r"\r\n|\n|\r", text, maxsplit=1)[0]
    decoder = json.JSONDecoder()
    try:
        decoder.raw_decode(first)
    except (ValueError, RecursionError):
        try:
            decoder.raw_decode(text)
        except (ValueError, RecursionError):
            return False
        return True
    return False
