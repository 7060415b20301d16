"""Stretches worth scoring: where a map stays above a level, and shots, bounded by cuts.

Both maps are smoothed at several widths and cut at several levels of their range (temporal
actionness grouping). Each run above a level is a candidate, as it stands and with its bounds moved
to near cuts; so is each shot. None spans the whole video unless nothing in it stands out.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.model.smoothing import gaussian
from iptnet.moments.similarity import VideoVectors

SMOOTHING = (0.75, 1.5, 3.0, 6.0, 10.0)
"""Deviations of the Gaussians in seconds: moments of two seconds and of two minutes."""

LEVELS = tuple(k / 20 for k in range(3, 20, 2))
"""Shares of a map's range: .15, .25 … .95."""

NEAR = 1.0
"""Seconds that a bound may be moved to a cut; two steps at least."""

WHOLE = 0.9
"""Share of the video from which on a candidate counts as the whole of it."""

FLAT = 0.05
"""Range of the smoothed cosine below which nothing stands out."""

MOST = 3000
"""Candidates that are scored; an hour of video has more runs than anybody reads."""

Pairs = NDArray[np.int64]


def runs(above: ArrayLike) -> list[tuple[int, int]]:
    """Maximal stretches [first, after) of True."""
    edge = np.diff(np.concatenate([[0], np.asarray(above, bool).astype(np.int8), [0]]))
    return list(
        zip(np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist(), strict=True)
    )


def candidates(video: VideoVectors, maps: ArrayLike) -> Pairs:
    """Propose stretches of a video for one sentence.

    Args:
        video: T steps.
        maps: (K, T) cosine, centred cosine, and whatever else proposes.

    Returns:
        (P, 2) steps [first, after), sorted, 1 ≤ P ≤ MOST: of more, those with the greatest mean
        of the centred cosine.
    """
    values = np.asarray(maps, np.float64)
    T, step = values.shape[1], video.seconds
    found = [np.array(list(pairwise([0, *video.cuts.tolist(), T])), np.int64)]
    for deviation in SMOOTHING:
        smooth = gaussian(values, deviation / step, "edge") if deviation > step / 4 else values
        low, high = smooth.min(axis=1), smooth.max(axis=1)
        levels = low[:, None] + (high - low)[:, None] * np.array(LEVELS)
        above = np.zeros((*levels.shape, T + 2), np.int8)
        above[..., 1:-1] = smooth[:, None] >= levels[..., None]
        edge = np.diff(above, axis=2)
        found.append(np.stack([np.nonzero(edge == 1)[2], np.nonzero(edge == -1)[2]], axis=1))
    every = _unique(np.concatenate(found), T)
    bounds = np.concatenate([[0], video.cuts, [T]])
    moved = _nearest(bounds, every, max(round(NEAR / step), 2))
    every = _unique(np.concatenate([every, moved[moved[:, 1] > moved[:, 0]]]), T)
    part = every[:, 1] - every[:, 0] < WHOLE * T
    smooth = gaussian(values[0], SMOOTHING[1] / step, "edge")
    if part.any() and smooth.max() - smooth.min() >= FLAT:
        every = every[part]
    if len(every) <= MOST:
        return every
    total = np.concatenate([[0.0], np.cumsum(values[1])])
    mean = (total[every[:, 1]] - total[every[:, 0]]) / (every[:, 1] - every[:, 0])
    return every[np.sort(np.argsort(-mean, kind="stable")[:MOST])]


def _unique(pairs: Pairs, steps: int) -> Pairs:
    """Sort pairs and drop repetitions; one number a row sorts faster than two columns."""
    codes = np.unique(pairs[:, 0] * (steps + 1) + pairs[:, 1])
    return np.stack(np.divmod(codes, steps + 1), axis=1)


def _nearest(bounds: Pairs, steps: Pairs, reach: int) -> Pairs:
    """Move each step to the nearest bound within reach; of equals the earlier."""
    right = np.clip(np.searchsorted(bounds, steps), 0, len(bounds) - 1)
    left = np.clip(right - 1, 0, None)
    closer = np.abs(bounds[left] - steps) <= np.abs(bounds[right] - steps)
    best = np.where(closer, bounds[left], bounds[right])
    return np.asarray(np.where(np.abs(best - steps) <= reach, best, steps))
