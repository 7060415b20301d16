"""What a shot is still worth when something like it is already in the summary.

A summary is a sparse, redundancy-free version of what matters (the paper's introduction), but an
importance map judges each step alone: five visits to one room may all score high. Shots are taken
in order of what they are still worth, and each one taken makes its likes worth less.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ALIKE = 0.7
"""Cosine from which on two shots show the same; around the features' mean, different scenes of one
video lie below .5 and two visits to one scene above .9."""
COARSE = 1e-3
"""More than single precision can be wrong about a cosine."""
REPEAT = 0.5
"""What a shot keeps of its worth when exactly the same is already there."""


def discounts(scores: ArrayLike, lengths: ArrayLike, vectors: ArrayLike, budget: int) -> Floats:
    """Factors in (0, 1] for the worth of each shot.

    Args:
        scores: (S,) importance of each shot, not negative.
        lengths: (S,) ticks that each would play.
        vectors: (S, D) what each shows, relative to the features' mean; zero for unknown.
        budget: ticks to spend: only shots that fit, taken in order, make others redundant.
    """
    worth, ticks = np.asarray(scores, np.float64), np.asarray(lengths, np.int64)
    shown = np.asarray(vectors, np.float64)
    norms = np.linalg.norm(shown, axis=1, keepdims=True)
    shown = shown / np.where(norms > 0, norms, 1.0)
    # Most are not alike at all, which half the bytes tell: reading them is what takes the time.
    coarse = shown.astype(np.float32)
    factors = np.ones(len(worth))
    waiting = np.ones(len(worth), bool)
    while waiting.any():
        still = np.where(waiting, worth * factors, -1.0)
        best = int(np.argmax(still))
        waiting[best] = False
        if ticks[best] > budget:
            continue
        budget -= int(ticks[best])
        alike = np.flatnonzero(waiting & (coarse @ coarse[best] > ALIKE - COARSE))
        likeness = np.clip((shown[alike] @ shown[best] - ALIKE) / (1 - ALIKE), 0.0, 1.0)
        factors[alike] *= 1 - (1 - REPEAT) * likeness
    return factors
