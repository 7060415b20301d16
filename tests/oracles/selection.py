"""Naive twins of the selection room: every subset, every stretch, one sample after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations


def best_subset(worth: Sequence[float], lengths: Sequence[int], budget: int) -> float:
    """The largest total worth of any subset that fits, by trying all of them."""
    best = 0.0
    for size in range(len(worth) + 1):
        for subset in combinations(range(len(worth)), size):
            if sum(lengths[i] for i in subset) <= budget:
                best = max(best, sum(worth[i] for i in subset))
    return best


def mean_inside(times: Sequence[float], values: Sequence[float], start: float, end: float) -> float:
    """Mean of the samples in [start, end), or the sample nearest to its middle."""
    inside = [v for t, v in zip(times, values, strict=True) if start <= t < end]
    if inside:
        return sum(inside) / len(inside)
    middle = (start + end) / 2
    return min(zip(times, values, strict=True), key=lambda tv: abs(tv[0] - middle))[1]


def curve_mean(
    times: Sequence[float], values: Sequence[float], start: float, end: float, steps: int = 4000
) -> float:
    """Mean of the linear curve, constant outside the samples, by the midpoint rule."""
    total = 0.0
    for k in range(steps):
        at = start + (k + 0.5) * (end - start) / steps
        if at <= times[0]:
            total += values[0]
        elif at >= times[-1]:
            total += values[-1]
        else:
            i = max(j for j, t in enumerate(times) if t <= at)
            share = (at - times[i]) / (times[i + 1] - times[i])
            total += values[i] + share * (values[i + 1] - values[i])
    return total / steps
