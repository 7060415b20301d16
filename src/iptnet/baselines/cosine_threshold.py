"""Moments without training: where the smoothed cosine of frames and sentence stays high.

The floor every trained localizer has to beat. The level and the smoothing are those that serve it
best on QVHighlights' validation queries, so the comparison favours the baseline.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.moments.candidates import runs

SMOOTHING = 2.0
"""Deviation of the Gaussian, in steps of the grid."""

LEVEL = 0.6
"""Share of the map's range above which a run is a moment."""


def cosine_map(vectors: ArrayLike, sentence: ArrayLike) -> NDArray[np.float64]:
    """Cosine of each step (T, D) and a sentence vector (D,), smoothed; (T,)."""
    from scipy.ndimage import gaussian_filter1d

    v, s = np.asarray(vectors, np.float64), np.asarray(sentence, np.float64)
    lengths = np.linalg.norm(v, axis=1) * np.linalg.norm(s)
    return np.asarray(gaussian_filter1d(v @ s / np.maximum(lengths, 1e-9), SMOOTHING))


def threshold_moments(
    edges: ArrayLike, vectors: ArrayLike, sentence: ArrayLike, top: int = 10
) -> NDArray[np.float64]:
    """Runs above the level, by their greatest cosine.

    Args:
        edges: (T + 1,) seconds.
        vectors: (T, D) steps.
        sentence: (D,).
        top: how many at most.

    Returns:
        (P, 3) start, end, score, best first; P ≥ 1.
    """
    bounds = np.asarray(edges, np.float64)
    smooth = cosine_map(vectors, sentence)
    low, high = smooth.min(), smooth.max()
    rows = [
        (bounds[a], bounds[b], smooth[a:b].max())
        for a, b in runs(smooth >= low + LEVEL * (high - low))
    ]
    return np.array(sorted(rows, key=lambda r: -r[2])[:top])
