"""From figures to a probability that means something: P(IoU with the truth ≥ 0.5).

A logistic on the score's logit and on what tells whether the video shows the thing at all
(:mod:`~iptnet.model.localization.presence`), fitted on queries whose answers are known and, as
often, on sentences asked of other videos, for which nothing is right. Words that training never saw
take their share of the confidence; a query of nothing but such words gets at most :data:`GUESS`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

GUESS = 0.02
"""Confidence in the answer to a query of which no word is known."""

LIMIT = 50.0


@dataclass(frozen=True)
class Calibration:
    """confidence = share · 1 / (1 + exp(−(slopes · [logit(score), figures…] + offset)))."""

    slopes: tuple[float, ...] = (1.0,)
    offset: float = 0.0

    def confidence(
        self, score: float, known_share: float = 1.0, figures: Sequence[float] = ()
    ) -> float:
        """Probability in [0, 1].

        Args:
            score: in [0, 1].
            known_share: of the sentence's words.
            figures: as many as there were in the fit.
        """
        row = (logit(score), *figures)
        total = sum(w * x for w, x in zip(self.slopes, row, strict=True)) + self.offset
        probability = 1 / (1 + math.exp(-min(max(total, -LIMIT), LIMIT)))
        return min(probability, GUESS) if known_share == 0 else probability * known_share


def logit(score: float) -> float:
    """log(p / (1 − p)), kept finite."""
    p = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def fit_calibration(
    rows: ArrayLike, right: Sequence[bool], weights: Sequence[float] | None = None
) -> Calibration:
    """Maximum likelihood by Newton's method, with a whisper of ridge so that it always ends.

    Args:
        rows: (N, 1 + F): the score's logit and the figures of each answer.
        right: whether the answer was right.
        weights: of each; 1 without them.
    """
    x = np.asarray(rows, np.float64)
    x = np.column_stack([x, np.ones(len(x))])
    truth = np.asarray(right, np.float64)
    each = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    found, ridge = np.zeros(x.shape[1]), 1e-3
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ found, -LIMIT, LIMIT)))
        gradient = x.T @ (each * (p - truth)) + ridge * found
        curvature = (x * (each * p * (1 - p))[:, None]).T @ x + ridge * np.eye(x.shape[1])
        step = np.linalg.solve(curvature, gradient)
        # Far from the optimum a whole step may overshoot.
        step *= min(1.0, 5.0 / (float(np.abs(step).max()) + 1e-12))
        found = found - step
        if float(np.abs(step).sum()) < 1e-9:
            break
    return Calibration(tuple(float(w) for w in found[:-1]), float(found[-1]))
