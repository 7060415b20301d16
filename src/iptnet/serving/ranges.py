"""One byte range of a file (RFC 9110, section 14), as players ask for it while seeking."""

from __future__ import annotations

import re
from dataclasses import dataclass

from iptnet.serving.failures import RefusedError

LONGEST = 64
"""Characters of a header with one range; several thousand parts never get as far as a parser."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The range that a request asks for; None for the whole file.

    Other units and what is no range at all are ignored, as the standard allows; several ranges
    are refused: no player sends them, and they make a small request into a large answer.

    Args:
        header: value of ``Range``.
        size: of the file.

    Raises:
        RefusedError: several ranges, or one beyond the end of the file.
    """
    if header is None or not header.strip().startswith("bytes="):
        return None
    header = header.strip()
    if "," in header or len(header) > LONGEST:
        raise RefusedError("range", "more than one range was asked for", "ask for one at a time")
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        first, last = max(0, size - int(found[2])), size - 1
        if int(found[2]) == 0:
            first = size
    else:
        first = int(found[1])
        last = min(int(found[2]), size - 1) if found[2] else size - 1
        if found[2] and int(found[2]) < first:
            return None
    if first >= size:
        raise RefusedError("range", f"the file ends before byte {first}", "ask for less")
    return ByteRange(first, last)
