"""Stretches worth scoring: where a map stays above a level, and where the picture changes.

Every map is smoothed at several widths and cut at several levels of its range (temporal actionness
grouping); each run above a level is a candidate, as is the whole video, every shot, and each run
with its bounds moved to the nearest change. On QVHighlights some eighty candidates a query hold one
with IoU ≥ 0.5 for 96 % of the queries, ≥ 0.7 for 85 % — and ranking eighty well is far easier to
learn from a thousand queries than ranking all 2,850 pairs. All windows of a long video go through
together: an hour costs one call, not thirty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.model.smoothing import gaussian

SMOOTHING = (1.0, 2.0, 3.0, 5.0)
"""Deviations of the Gaussians, in steps."""

LEVELS = tuple(k / 20 for k in range(3, 20, 2))
"""Shares of a map's range: .15, .25 … .95."""

NEAR = 2
"""Steps that a bound may be moved to a change."""

Pairs = NDArray[np.int64]


def runs(above: ArrayLike) -> list[tuple[int, int]]:
    """Maximal stretches [first, after) of True."""
    edge = np.diff(np.concatenate([[0], np.asarray(above, bool).astype(np.int8), [0]]))
    return list(
        zip(np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist(), strict=True)
    )


@dataclass(frozen=True)
class Shots:
    """What candidates take from the pictures alone, of W windows of T steps.

    Attributes:
        own: (S, 3) window, first, after: every window as a whole and all of its shots.
        moved: (W, T + 1) where a bound at each step is moved to.
    """

    own: Pairs
    moved: Pairs

    @classmethod
    def of(cls, changes: Sequence[Sequence[int]], steps: int) -> Shots:
        """From each window's steps at which another shot begins, ascending, in 1 … T − 1."""
        own, moved = set[tuple[int, int, int]](), []
        here = np.arange(steps + 1)
        for k, at in enumerate(changes):
            bounds = [0, *at, steps]
            own |= {(k, 0, steps), *((k, a, b) for a, b in pairwise(bounds))}
            moved.append(_near(here, np.array(bounds)) if at else here)
        return cls(np.array(sorted(own), np.int64), np.stack(moved))


def candidates(maps: ArrayLike, shots: Shots) -> Pairs:
    """Candidates of one query.

    Args:
        maps: (W, K, T) values of K maps in W windows of T ≥ 1 steps.
        shots: of the same windows.

    Returns:
        (P, 3) window and [first, after), sorted, each once, at least one a window.
    """
    values = np.asarray(maps, np.float64)
    T = values.shape[2]
    found = [shots.own]
    for width in SMOOTHING:
        smooth = gaussian(values, width)
        low, high = smooth.min(axis=2, keepdims=True), smooth.max(axis=2, keepdims=True)
        levels = (low + np.array(LEVELS) * (high - low))[..., None]
        # A rim of 0 on both sides, so that every run has both edges; rows in the same order.
        above = np.zeros((*levels.shape[:3], T + 2), np.int8)
        above[..., 1:-1] = smooth[:, :, None] >= levels
        edge = np.diff(above, axis=3)
        begins, ends = np.nonzero(edge == 1), np.nonzero(edge == -1)
        found.append(np.stack([begins[0], begins[3], ends[3]], axis=1))
    every = _once(np.concatenate(found), T)
    window = every[:, 0]
    moved = np.stack(
        [window, shots.moved[window, every[:, 1]], shots.moved[window, every[:, 2]]], axis=1
    )
    return _once(np.concatenate([every, moved[moved[:, 1] < moved[:, 2]]]), T)


def _once(found: Pairs, steps: int) -> Pairs:
    """Sorted, without repetitions."""
    size = steps + 1
    codes = np.unique((found[:, 0] * size + found[:, 1]) * size + found[:, 2])
    return np.stack([codes // size**2, codes // size % size, codes % size], axis=1)


def _near(steps: Pairs, bounds: Pairs) -> Pairs:
    """Each step, or the nearest bound where one is near; of equals the earlier."""
    right = np.clip(np.searchsorted(bounds, steps), 0, len(bounds) - 1)
    left = np.clip(right - 1, 0, None)
    closer = np.abs(bounds[left] - steps) <= np.abs(bounds[right] - steps)
    best = np.where(closer, bounds[left], bounds[right])
    return np.asarray(np.where(np.abs(best - steps) <= NEAR, best, steps))
