"""The 0/1 knapsack by trying every subset, in exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def best_subset(values: Sequence[float], weights: Sequence[int], capacity: int) -> list[int]:
    """The best subset; among equals the smallest binary number with bit i for item i."""
    best_value, best_mask = Fraction(0), 0
    for mask in range(1 << len(values)):
        inside = [i for i in range(len(values)) if mask >> i & 1]
        if sum(int(weights[i]) for i in inside) > capacity:
            continue
        value = sum((Fraction(values[i]) for i in inside), Fraction(0))
        if value > best_value:  # masks ascend, so a tie keeps the smaller one
            best_value, best_mask = value, mask
    return [i for i in range(len(values)) if best_mask >> i & 1]
