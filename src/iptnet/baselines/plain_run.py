"""Moments in ten lines: the peak of the smoothed cosine, and the run around it.

Neither is trained, and no constant was tuned: half-second steps are averaged over 2.5 s, and a run
goes on while the cosine stays above 60 % of the way from its least value to the peak.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH = 2.5
"""Seconds of the moving mean."""

LEVEL = 0.6
"""Share of the peak's height above the map's minimum that a run stays above."""

PEAK_SECONDS = 5.0
"""Length of the answer around a peak alone."""

Floats = NDArray[np.float64]


def smoothed_cosine(vectors: ArrayLike, sentence: ArrayLike, step: float) -> Floats:
    """Compute the cosine of each step (T, D) and a sentence (D,), averaged over 2.5 s: (T,)."""
    v, s = np.asarray(vectors, np.float64), np.asarray(sentence, np.float64)
    cosine = v @ s / np.maximum(np.linalg.norm(v, axis=1) * np.linalg.norm(s), 1e-9)
    half = max(round(WIDTH / step), 1) // 2
    padded = np.pad(cosine, half, mode="edge")
    return np.asarray(np.convolve(padded, np.full(2 * half + 1, 1 / (2 * half + 1)), "valid"))


def plain_moments(
    edges: ArrayLike, vectors: ArrayLike, sentence: ArrayLike, top: int = 10, *, peak: bool = False
) -> Floats:
    """Answer with the runs around the highest peaks, one after the other.

    Args:
        edges: (T + 1,) seconds, equally far apart.
        vectors: (T, D) steps.
        sentence: (D,).
        top: how many answers at most.
        peak: answer with a few seconds around each peak instead of its run.

    Returns:
        (P, 3) start, end, cosine at the peak, best first; P ≥ 1.
    """
    bounds = np.asarray(edges, np.float64)
    step = float(bounds[1] - bounds[0])
    smooth = smoothed_cosine(vectors, sentence, step)
    low, free, found = smooth.min(), np.ones(len(smooth), bool), list[tuple[float, float, float]]()
    while free.any() and len(found) < top:
        best = int(np.argmax(np.where(free, smooth, -np.inf)))
        high = smooth >= low + LEVEL * (smooth[best] - low)
        if peak:
            high = np.abs(np.arange(len(smooth)) - best) * step <= PEAK_SECONDS / 2
        first = after = best
        while first > 0 and free[first - 1] and high[first - 1]:
            first -= 1
        while after < len(smooth) and free[after] and high[after]:
            after += 1
        found.append((float(bounds[first]), float(bounds[after]), float(smooth[best])))
        free[first:after] = False
    return np.array(found)
