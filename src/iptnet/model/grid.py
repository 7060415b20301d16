"""Samples at true times → the LM's grid of equal bins, and back (METHOD.md, LM and ambiguity 11).

A grid is T + 1 edges in seconds. Its steps are as fine as the model's reach allows, so that a short
video is seen in detail and a long one still in as few windows as possible. Bins average the samples
that fall into them; a bin without one (variable rates, gaps) takes the nearest sample.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

FINEST, COARSEST = 0.5, 2.0
"""Seconds of a step: no finer than the lite recipe samples, no coarser than QVHighlights' clips."""


def step_seconds(duration: float, steps: int) -> float:
    """The step with which ``steps`` of them reach over the video, within the two bounds above."""
    return min(max(duration / steps, FINEST), COARSEST)


def grid(duration: float, step: float) -> Floats:
    """Edges of equal bins of about ``step`` seconds from 0 to the duration, at least one bin.

    Raises:
        ValueError: the duration or the step is not positive and finite.
    """
    if not (0 < duration < math.inf and 0 < step < math.inf):
        raise ValueError(f"no grid of {step} s over {duration} s")
    return np.linspace(0.0, duration, max(round(duration / step), 1) + 1)


def pool(times: ArrayLike, vectors: ArrayLike, edges: ArrayLike) -> NDArray[np.float32]:
    """Mean vector of each bin.

    Args:
        times: (N,) seconds, ascending, N ≥ 1; samples beyond the last edge count to the last bin.
        vectors: (N, D).
        edges: (T + 1,) ascending.

    Returns:
        (T, D) float32.

    Raises:
        ValueError: no samples, or times and vectors differ in number.
    """
    at, rows = np.asarray(times, np.float64), np.asarray(vectors, np.float32)
    bounds = np.asarray(edges, np.float64)
    if rows.ndim != 2 or at.shape != rows.shape[:1] or len(at) == 0:
        raise ValueError(f"{at.shape} times for vectors {rows.shape}")
    T = len(bounds) - 1
    bins = np.clip(np.searchsorted(bounds, at, side="right") - 1, 0, T - 1)
    count = np.bincount(bins, minlength=T)
    total = np.zeros((T, rows.shape[1]), np.float64)
    # Times ascend, and so do the bins: each is a stretch of rows.
    first = np.flatnonzero(np.diff(bins, prepend=-1))
    total[bins[first]] = np.add.reduceat(rows, first, axis=0, dtype=np.float64)
    result = total / np.maximum(count, 1)[:, None]
    if (count == 0).any():
        empty = np.flatnonzero(count == 0)
        middle = (bounds[empty] + bounds[empty + 1]) / 2
        right = np.clip(np.searchsorted(at, middle), 0, len(at) - 1)
        left = np.clip(right - 1, 0, None)
        nearer = np.where(np.abs(at[left] - middle) <= np.abs(at[right] - middle), left, right)
        result[empty] = rows[nearer]
    return result.astype(np.float32)


def overlaps(edges: ArrayLike, windows: ArrayLike) -> Floats:
    """IoU of every pair (first, last) of bins with its best window, (T, T), 0 for crossed pairs.

    Args:
        edges: (T + 1,) seconds.
        windows: (G, 2) seconds; G may be 0.
    """
    bounds, true = np.asarray(edges, np.float64), np.asarray(windows, np.float64).reshape(-1, 2)
    start, end = bounds[:-1, None, None], bounds[None, 1:, None]
    shared = np.clip(np.minimum(end, true[:, 1]) - np.maximum(start, true[:, 0]), 0, None)
    union = np.clip(end - start, 0, None) + (true[:, 1] - true[:, 0]) - shared
    each = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    best = each.max(axis=2) if len(true) else np.zeros((len(bounds) - 1,) * 2)
    return np.triu(best)


def best_bins(edges: ArrayLike, window: ArrayLike) -> tuple[int, int]:
    """The pair of bins of maximal IoU with a window; the earliest of equals."""
    table = overlaps(edges, np.asarray(window, np.float64)[None])
    first, last = np.unravel_index(int(np.argmax(table)), table.shape)
    return int(first), int(last)


def foreground(edges: ArrayLike, windows: ArrayLike) -> NDArray[np.bool_]:
    """Bins whose middle lies in a window, (T,)."""
    bounds, true = np.asarray(edges, np.float64), np.asarray(windows, np.float64).reshape(-1, 2)
    middle = (bounds[:-1] + bounds[1:]) / 2
    inside = (middle[:, None] >= true[:, 0]) & (middle[:, None] < true[:, 1])
    return np.asarray(inside.any(axis=1))


def at_times(edges: ArrayLike, values: ArrayLike, times: ArrayLike) -> Floats:
    """A map's value at each time: that of the bin it lies in; the rims' beyond them."""
    bounds, row = np.asarray(edges, np.float64), np.asarray(values, np.float64)
    bins = np.searchsorted(bounds, np.asarray(times, np.float64), side="right") - 1
    return np.asarray(row[np.clip(bins, 0, len(row) - 1)])
