"""From a score to a probability that means something: P(IoU with the truth ≥ 0.5).

Platt's logistic on the score's logit, fitted on validation queries whose answers are known and on
queries from other videos, for which nothing is right. Words that training never saw take their
share of the confidence; a query of nothing but such words gets at most :data:`GUESS`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

GUESS = 0.02
"""Confidence in the answer to a query of which no word is known."""


@dataclass(frozen=True)
class Calibration:
    """confidence = share · 1 / (1 + exp(−(slope · logit(score) + offset)))."""

    slope: float = 1.0
    offset: float = 0.0

    def confidence(self, score: float, known_share: float = 1.0) -> float:
        """Probability in [0, 1] for a score in [0, 1] and the share of known words."""
        probability = 1 / (1 + math.exp(-_bounded(self.slope * logit(score) + self.offset)))
        return min(probability, GUESS) if known_share == 0 else probability * known_share


def logit(score: float) -> float:
    """log(p / (1 − p)), kept finite."""
    p = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def fit_calibration(
    scores: Sequence[float], right: Sequence[bool], weights: Sequence[float] | None = None
) -> Calibration:
    """Maximum likelihood by Newton's method, with a whisper of ridge so that it always ends.

    Args:
        scores: in [0, 1].
        right: whether the answer was right.
        weights: of each; 1 without them.
    """
    slope, offset, ridge = 1.0, 0.0, 1e-3
    x = [logit(s) for s in scores]
    each = weights or [1.0] * len(x)
    for _ in range(50):
        g0, g1 = ridge * offset, ridge * (slope - 1)
        h00, h01, h11 = ridge, 0.0, ridge
        for value, truth, weight in zip(x, right, each, strict=True):
            p = 1 / (1 + math.exp(-_bounded(slope * value + offset)))
            error, curve = weight * (p - truth), weight * p * (1 - p)
            g0, g1 = g0 + error, g1 + error * value
            h00, h01, h11 = h00 + curve, h01 + curve * value, h11 + curve * value * value
        determinant = h00 * h11 - h01 * h01
        step0 = (h11 * g0 - h01 * g1) / determinant
        step1 = (h00 * g1 - h01 * g0) / determinant
        offset, slope = offset - step0, slope - step1
        if abs(step0) + abs(step1) < 1e-9:
            break
    return Calibration(slope, offset)


def _bounded(x: float) -> float:
    return min(max(x, -50.0), 50.0)
