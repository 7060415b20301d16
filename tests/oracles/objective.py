"""The naive twin of the objective: loops over pieces, and every set that fits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

Rows = Sequence[Sequence[float]]


def value(
    chosen: Sequence[int],
    repeats: Rows,
    subjects: Rows,
    worth: Sequence[float],
    standing: Sequence[float],
    lengths: Sequence[int],
    coverage: float,
) -> float:
    """F of a set, as docs/summarization.md writes it, in units of the mean length."""
    unit = sum(lengths) / len(lengths)
    total = 0.0
    for weight, alike, good in ((1.0, repeats, worth), (coverage, subjects, standing)):
        for i in range(len(lengths)):
            like = sum(n * alike[i][j] for j, n in enumerate(lengths)) / lengths[i]
            served = max((alike[i][p] * good[p] for p in chosen), default=0.0)
            total += weight * lengths[i] / unit / like * served
    return total


def best_set(
    repeats: Rows,
    subjects: Rows,
    worth: Sequence[float],
    standing: Sequence[float],
    lengths: Sequence[int],
    coverage: float,
    budget: int,
) -> float:
    """The largest F of any set within the budget, by trying all of them."""
    best = 0.0
    for size in range(len(lengths) + 1):
        for chosen in combinations(range(len(lengths)), size):
            if sum(lengths[i] for i in chosen) <= budget:
                found = value(chosen, repeats, subjects, worth, standing, lengths, coverage)
                best = max(best, found)
    return best
