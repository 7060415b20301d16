"""Who is trained on and who never is: decided by the name alone, once and for all.

A share of the hash range is held out, so the answer for one name never depends on which other names
exist, on their order or on a seed. Every training and evaluation in this project asks here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

CLIPS_HELD_OUT = 0.17


def position(name: str) -> float:
    """Where a name falls in [0, 1): the first 53 bits of its sha256."""
    head = int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:8], "big")
    return (head >> 11) / float(1 << 53)


def held_out(name: str, share: float) -> bool:
    """Whether ``name`` (a clip's or picture's stem) is among the ``share`` never trained on.

    Growing the share only adds names. MSR-VTT clips use :data:`CLIPS_HELD_OUT`.

    Raises:
        ValueError: ``share`` is outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies in [0, 1], not {share}")
    return position(name) < share


def by_position(names: Iterable[str]) -> list[str]:
    """Names in the order of :func:`position`; its head is a held-out set of an exact size."""
    return sorted(names, key=lambda n: (position(n), n))
