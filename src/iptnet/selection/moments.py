"""From maps over a grid to a short ranked list of moments: decode, suppress, snap, merge.

The grid is a row of T + 1 edges in seconds; a pair (first, last) of its steps stands for the window
``[edges[first], edges[last + 1])``. Everything here is numpy, pure, and free of any model.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

Overlap = Literal["union", "shorter"]

CANDIDATES = 300
"""How many of the best pairs suppression looks at; a list of ten never needs more."""


def decode_span(start: ArrayLike, end: ArrayLike) -> tuple[int, int]:
    """The pair first ≤ last of greatest ``start[first] · end[last]``; the earliest of equals.

    Args:
        start: (T,) probabilities, T ≥ 1.
        end: (T,) probabilities.

    Raises:
        ValueError: lengths differ or are 0.
    """
    p, q = _row(start), _row(end)
    if len(p) != len(q) or len(p) == 0:
        raise ValueError(f"{len(p)} starts for {len(q)} ends")
    best_start = np.maximum.accumulate(p)
    last = int(np.argmax(best_start * q))
    return int(np.argmax(p[: last + 1])), last


def span_scores(start: ArrayLike, end: ArrayLike) -> Floats:
    """All products, (T, T): entry [first, last] is start[first]·end[last], 0 where crossed."""
    return np.triu(np.outer(_row(start), _row(end)))


def rank_pairs(scores: ArrayLike, top: int = CANDIDATES) -> tuple[NDArray[np.int64], Floats]:
    """The best pairs of a (T, T) map.

    Args:
        scores: entry [first, last]; only first ≤ last counts, and only finite values.
        top: how many at most.

    Returns:
        ``(pairs (N, 2), values (N,))``, best first, equals by first and last.
    """
    table = np.asarray(scores, np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"a map of pairs is square, not {table.shape}")
    first, last = np.triu_indices(len(table))
    values = table[first, last]
    kept = np.flatnonzero(np.isfinite(values))
    if len(kept) > top:
        # All that tie with the last one stay in, so that the order of equals is well defined.
        least = np.partition(values[kept], len(kept) - top)[len(kept) - top]
        kept = kept[values[kept] >= least]
    order = kept[np.argsort(-values[kept], kind="stable")][:top]
    return np.stack([first[order], last[order]], axis=1).astype(np.int64), values[order]


def suppress(
    windows: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    top: int,
    overlap: Overlap = "union",
) -> NDArray[np.int64]:
    """Non-maximum suppression: best first, dropping what overlaps a kept window too much.

    Args:
        windows: (N, 2) start and end.
        scores: (N,), higher is better; equals keep their order.
        threshold: a window goes when its overlap with a kept one exceeds this.
        top: how many to keep at most.
        overlap: what the shared length is a share of: the union of both windows (IoU), or the
            shorter of them, so that no window lies within another.

    Returns:
        indices of the kept windows, best first.
    """
    spans, values = _windows(windows), _row(scores)
    if len(spans) != len(values):
        raise ValueError(f"{len(values)} scores for {len(spans)} windows")
    order = np.argsort(-values, kind="stable")
    kept: list[int] = []
    while len(order) and len(kept) < top:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        shared = np.minimum(spans[best, 1], spans[order, 1])
        shared = np.clip(shared - np.maximum(spans[best, 0], spans[order, 0]), 0, None)
        length = spans[:, 1] - spans[:, 0]
        whole = np.minimum(length[best], length[order])
        if overlap == "union":
            whole = length[best] + length[order] - shared
        share = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
        order = order[share <= threshold]
    return np.asarray(kept, np.int64)


def snap(windows: ArrayLike, cuts: ArrayLike, tolerance: float) -> Floats:
    """Move bounds to the nearest cut at most ``tolerance`` seconds away, keeping windows non-empty.

    Args:
        windows: (N, 2) start < end, seconds.
        cuts: (C,) seconds, ascending; C may be 0.
        tolerance: seconds.

    Returns:
        (N, 2); a window that would become empty stays as it was.
    """
    spans, at = _windows(windows).copy(), _row(cuts)
    if len(at) == 0 or len(spans) == 0:
        return spans
    right = np.clip(np.searchsorted(at, spans), 0, len(at) - 1)
    left = np.clip(right - 1, 0, None)
    nearest = np.where(np.abs(at[left] - spans) <= np.abs(at[right] - spans), at[left], at[right])
    moved = np.where(np.abs(nearest - spans) <= tolerance, nearest, spans)
    good = moved[:, 1] > moved[:, 0]
    return np.where(good[:, None], moved, spans)


def window_starts(steps: int, size: int) -> list[int]:
    """First steps of overlapping windows that cover a grid.

    Windows start every half a size; the last one is moved back to end with the grid, so each has
    ``size`` steps unless the grid itself is shorter.

    Raises:
        ValueError: no steps, or a size below 2.
    """
    if steps < 1 or size < 2:
        raise ValueError(f"{steps} steps cannot be covered by windows of {size}")
    if steps <= size:
        return [0]
    starts = list(range(0, steps - size, size // 2))
    return [*starts, steps - size]


def merge_maps(maps: list[Any], starts: list[int], steps: int) -> Floats:
    """One map over the whole grid from maps of overlapping windows.

    Where two windows overlap, each counts by how far a step lies from that window's rim (a window
    knows least about its rim): a triangle, from 1 at the rim.

    Args:
        maps: one (size,) array a window.
        starts: first step of each.
        steps: of the whole grid; every step must be covered.
    """
    total, weight = np.zeros(steps), np.zeros(steps)
    for values, at in zip(maps, starts, strict=True):
        row = _row(values)
        here = np.arange(len(row))
        triangle = np.minimum(here, here[::-1]) + 1.0
        total[at : at + len(row)] += triangle * row
        weight[at : at + len(row)] += triangle
    if (weight == 0).any():
        raise ValueError("the windows leave a gap")
    return total / weight


def _row(values: ArrayLike) -> Floats:
    row = np.asarray(values, np.float64)
    if row.ndim != 1:
        raise ValueError(f"one value a step, not an array of shape {row.shape}")
    return row


def _windows(rows: ArrayLike) -> Floats:
    windows = np.asarray(rows, np.float64)
    if windows.size == 0:
        return np.zeros((0, 2))
    if windows.ndim != 2 or windows.shape[1] < 2:
        raise ValueError(f"windows are rows of start and end, not of shape {windows.shape}")
    return windows[:, :2]
