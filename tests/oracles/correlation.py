"""Kendall's τ-b over all pairs and Spearman's ρ from counted ranks: O(n²), one value at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence


def tau_b(x: Sequence[float], y: Sequence[float]) -> float:
    concordance = untied_x = untied_y = 0
    for i in range(len(x)):
        for j in range(i):
            sx = (x[i] > x[j]) - (x[i] < x[j])
            sy = (y[i] > y[j]) - (y[i] < y[j])
            concordance += sx * sy
            untied_x += abs(sx)
            untied_y += abs(sy)
    return concordance / math.sqrt(untied_x * untied_y)


def midranks(x: Sequence[float]) -> list[float]:
    return [1 + sum(b < a for b in x) + (sum(b == a for b in x) - 1) / 2 for a in x]


def rho(x: Sequence[float], y: Sequence[float]) -> float:
    a, b = midranks(x), midranks(y)
    middle = (len(x) + 1) / 2
    top = sum((p - middle) * (q - middle) for p, q in zip(a, b, strict=True))
    bottom = sum((p - middle) ** 2 for p in a) * sum((q - middle) ** 2 for q in b)
    return top / math.sqrt(bottom)
