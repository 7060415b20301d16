"""Kernel temporal segmentation as the textbook has it: kernel, scatter loops, table over m.

Written from Potapov et al. (2014), slow on purpose.
"""

from __future__ import annotations

import math

import numpy as np


def scatter(features: np.ndarray, i: int, j: int) -> float:
    """Σ K_tt − (1 / len) Σ_tu K_tu over the steps i … j - 1 of the linear kernel."""
    block = features[i:j].astype(np.float64)
    kernel = [[float(np.dot(a, b)) for b in block] for a in block]
    trace = math.fsum(kernel[t][t] for t in range(j - i))
    return max(0.0, trace - math.fsum(math.fsum(row) for row in kernel) / (j - i))


def table(features: np.ndarray, most: int, max_steps: int) -> list[tuple[float, list[int]]]:
    """Least scatter and its change points for each m in 0 … most."""
    n = len(features)
    cost = {
        (i, j): scatter(features, i, j)
        for i in range(n)
        for j in range(i + 1, min(n, i + max_steps) + 1)
    }
    best: dict[tuple[int, int], tuple[float, list[int]]] = {(0, 0): (0.0, [])}
    for shots in range(1, most + 2):
        for j in range(1, n + 1):
            found: tuple[float, list[int]] = (math.inf, [])
            for i in range(j):
                before = best.get((shots - 1, i))
                if before is None or (i, j) not in cost:
                    continue
                value = before[0] + cost[i, j]
                if value < found[0]:
                    found = (value, before[1] + [i])
            if found[0] < math.inf:
                best[shots, j] = found
    # Each list begins with the 0 of the first shot.
    return [
        (best[m + 1, n][0], best[m + 1, n][1][1:]) if (m + 1, n) in best else (math.inf, [])
        for m in range(most + 1)
    ]


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
    values = [objective(total, m, n, penalty) for m, (total, _) in enumerate(rows)]
    least = min(values)
    scale = scatter(features, 0, n) / n
    m = next(m for m, value in enumerate(values) if value <= least + 1e-10 * scale)
    return rows[m][1], values[m]
