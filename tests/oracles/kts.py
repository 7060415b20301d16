"""Kernel temporal segmentation as the textbook has it: kernel, scatter loops, table over m.

Written from Potapov et al. (2014), slow on purpose, and in exact fractions: equal solutions are
equal here, so the rule that chooses among them can be compared too.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

Solution = tuple[Fraction, list[int]]


def kernel_of(features: np.ndarray) -> tuple[list[list[int]], int]:
    """The linear kernel as whole numbers over a common denominator."""
    rows = [[Fraction(float(v)) for v in row] for row in features]
    scale = max((v.denominator for row in rows for v in row), default=1)
    whole = [[int(v * scale) for v in row] for row in rows]
    return [[sum(map(int.__mul__, a, b)) for b in whole] for a in whole], scale * scale


def block_scatter(kernel: list[list[int]], i: int, j: int) -> Fraction:
    """Σ K_tt − (1 / len) Σ_tu K_tu over the steps i … j - 1."""
    block = sum(sum(row[i:j]) for row in kernel[i:j])
    return sum(kernel[t][t] for t in range(i, j)) - Fraction(block, j - i)


def scatter(features: np.ndarray, i: int, j: int) -> float:
    """The scatter of the steps i … j - 1."""
    kernel, scale = kernel_of(features[i:j])
    return float(block_scatter(kernel, 0, j - i) / scale)


def table(features: np.ndarray, most: int, max_steps: int) -> list[Solution | None]:
    """Least scatter and its change points for each m in 0 … most; None where there is no way.

    Of equally good ones, those whose last shot begins earliest, and so on back.
    """
    n = len(features)
    kernel, scale = kernel_of(features)
    cost = {
        (i, j): block_scatter(kernel, i, j) / scale
        for i in range(n)
        for j in range(i + 1, min(n, i + max_steps) + 1)
    }
    best: dict[tuple[int, int], Solution] = {(0, 0): (Fraction(0), [])}
    for shots in range(1, most + 2):
        for j in range(1, n + 1):
            found: Solution | None = None
            for i in range(j):
                before = best.get((shots - 1, i))
                if before is None or (i, j) not in cost:
                    continue
                value = before[0] + cost[i, j]
                if found is None or value < found[0]:
                    found = (value, before[1] + [i])
            if found is not None:
                best[shots, j] = found
    # Each list begins with the 0 of the first shot.
    rows = [best.get((m + 1, n)) for m in range(most + 1)]
    return [None if row is None else (row[0], row[1][1:]) for row in rows]


def objective(total: float, m: int, n: int, penalty: float) -> float:
    """J(m) / n + penalty · m / (2n) · (log(n / m) + 1)."""
    return total / n + (penalty * m / (2 * n) * (math.log(n / m) + 1) if m else 0.0)


def change_points(
    features: np.ndarray,
    max_shots: int | None = None,
    max_steps: int | None = None,
    penalty: float = 1.0,
) -> tuple[list[int], float]:
    """The best change points over all m, fewest first among equals, and their objective."""
    n = len(features)
    if n <= 1:
        return [], 0.0
    rows = table(features, min(max_shots or n, n) - 1, max_steps or n)
    values = [
        math.inf if row is None else objective(float(row[0]), m, n, penalty)
        for m, row in enumerate(rows)
    ]
    least = min(values)
    scale = scatter(features, 0, n) / n
    m = next(m for m, value in enumerate(values) if value <= least + 1e-10 * scale)
    row = rows[m]
    assert row is not None
    return row[1], values[m]
