"""The plain way to sample: decode everything, then look each instant up."""

from __future__ import annotations

from collections.abc import Sequence


def shown_at(stamps: Sequence[float], time: float) -> int:
    """Number of the picture on show: the last one that began by then."""
    return max(i for i, stamp in enumerate(stamps) if stamp <= time + 1e-9)


def samples(stamps: Sequence[float], end: float, rate: float) -> list[tuple[float, int]]:
    """Instants k/rate before the end, each with its picture; the first instant in any case."""
    found, k = [], 0
    while k == 0 or k / rate < end - 1e-9:
        found.append((k / rate, shown_at(stamps, k / rate)))
        k += 1
    return found
