"""The length of a summary as people write it: a share of the video, or a percentage."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"([+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+))\s*(%?)")


def share_of(text: str) -> float:
    """Read ``0.15``, ``.15``, ``0,15``, ``15%`` or ``15 %`` as 0.15.

    Raises:
        ValueError: it is no number, or not a share above 0 and up to 1.
    """
    parts = _WRITTEN.fullmatch(text.strip())
    try:
        value = float(parts[1].replace(",", ".")) if parts else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a share of the video") from None
    share = value / 100 if parts and parts[2] else value
    if not 0 < share <= 1:
        raise ValueError(f"{text.strip()} is not a share above 0 and up to 1")
    return share
