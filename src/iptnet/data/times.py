"""Times as people and spreadsheets write them: seconds or a clock, with a decimal point or comma.

``12,345`` is twelve seconds and a third where commas are decimal, and more than three hours where
they group thousands. One number cannot tell, but its file can: ``7,5`` or ``0,250`` elsewhere in it
shows that the comma is decimal. Without such a number, the time is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from iptnet.data.annotation_file import short
from iptnet.data.moments import BadRowError

_TIME = re.compile(r"(?:(?:([0-9]+):)?([0-9]+):)?([0-9]+)(?:([.,])([0-9]*))?")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[.,' \u00a0\u202f\u2019][0-9]{3})+(?:[.,][0-9]+)?")


def decimal_marks(times: Iterable[str], separator: str) -> str:
    """Tell which marks are decimal in a file, also before three digits: ``"."``, ``","`` or none.

    Args:
        times: every time of the file.
        separator: what stands between its columns. Spreadsheets write semicolons where the comma is
            decimal and the point groups thousands.
    """
    shown = {
        parts[4]
        for text in set(times)
        if (parts := _TIME.fullmatch(text)) and parts[4] and not _GROUPED.fullmatch(text)
    }
    if len(shown) == 1:
        return shown.pop()
    # Nothing says otherwise: a point is decimal, as this package writes it.
    return "" if shown or separator == ";" else "."


def seconds(text: str, decimals: str = ".") -> float:
    """Read seconds (``83.5``, ``83,5``) or a clock (``1:23.5``, ``0:01:23,5``).

    Args:
        text: the time, without spaces around it.
        decimals: the marks that are decimal before three digits too; see :func:`decimal_marks`.

    Raises:
        BadRowError: it is neither, or it may be either of two numbers.
    """
    parts = _TIME.fullmatch(text)
    if parts is None:
        grouped = _THOUSANDS.fullmatch(text)
        why = "groups thousands" if grouped else "is neither seconds nor [h:]mm:ss"
        raise BadRowError("not a time", f"{short(text)} {why}")
    if _GROUPED.fullmatch(text) and parts[4] not in decimals:
        whole, rest = parts[3], parts[5]
        raise BadRowError(
            "not a time",
            f"{short(text)} may be {whole}.{rest} s or {whole}{rest} s; write one of these",
        )
    hours, minutes = float(parts[1] or 0), float(parts[2] or 0)
    last = float(f"{parts[3]}.{parts[5] or 0}")
    if (parts[2] and last >= 60) or (parts[1] and minutes >= 60):
        raise BadRowError("not a time", f"{short(text)} has 60 or more in a lower place")
    total = 3600 * hours + 60 * minutes + last
    if not math.isfinite(total):
        raise BadRowError("not a time", f"{short(text)} is not finite")
    return total
