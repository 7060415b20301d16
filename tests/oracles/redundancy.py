"""The naive twin of the redundancy discount: one shot, one pair, one number at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """Cosine of two vectors; 0 where one is zero."""
    length = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / length if length else 0.0


def discounts(
    scores: Sequence[float],
    lengths: Sequence[int],
    vectors: Sequence[Sequence[float]],
    budget: int,
    alike: float,
    repeat: float,
) -> list[float]:
    """Take the shot that is worth most, lower its likes, and so on."""
    factors = [1.0] * len(scores)
    waiting = list(range(len(scores)))
    while waiting:
        best = waiting[0]
        for i in waiting[1:]:
            if scores[i] * factors[i] > scores[best] * factors[best]:
                best = i
        waiting.remove(best)
        if lengths[best] > budget:
            continue
        budget -= lengths[best]
        for i in waiting:
            same = min(max((cosine(vectors[i], vectors[best]) - alike) / (1 - alike), 0.0), 1.0)
            factors[i] *= 1 - (1 - repeat) * same
    return factors
