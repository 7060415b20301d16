"""What SM learns from: segments of the keyshot summary, or the users' own curves.

METHOD.md's targets come from a 0/1 keyshot summary sampled at the picks. They throw away most of
what twenty people said; :func:`user_ranks` keeps it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class SegmentTargets(NamedTuple):
    """Per step: 0/1 importance ``(T,)``, offsets ``(T, 2)`` and centrality ``(T,)``, float32."""

    importance: NDArray[np.float32]
    offsets: NDArray[np.float32]
    centrality: NDArray[np.float32]


def segment_targets(summary: ArrayLike) -> SegmentTargets:
    """Importance, boundary offsets and centrality from a 0/1 summary.

    Each run ``[lo, hi)`` of ones is a segment. A step i in it has left = i − lo, right = hi − 1 − i
    and centrality min/max of the two, without a square root; a one-step segment is its own centre.

    Args:
        summary: ``(T,)`` of 0 and 1, the keyshot summary at the picks.

    Raises:
        ValueError: another shape, or other values.
    """
    row = np.asarray(summary)
    if row.ndim != 1 or not ((row == 0) | (row == 1)).all():
        raise ValueError(f"a summary is a row of 0 and 1, not {row.dtype} of shape {row.shape}")
    offsets = np.zeros((len(row), 2), np.float32)
    edges = np.diff(row.astype(np.int8), prepend=0, append=0)
    for lo, hi in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        steps = np.arange(hi - lo, dtype=np.float32)
        offsets[lo:hi, 0], offsets[lo:hi, 1] = steps, steps[::-1]
    low, high = offsets.min(axis=1), offsets.max(axis=1)
    centrality = np.where(high > 0, low / np.maximum(high, 1), row).astype(np.float32)
    return SegmentTargets(row.astype(np.float32), offsets, centrality)


def user_ranks(users: ArrayLike) -> NDArray[np.float32]:
    """The curve whose order agrees best with all users: the mean of their standardised midranks.

    Spearman's ρ is the correlation of ranks, so no other curve has a larger mean correlation with
    the users' ranks. Users who order nothing have no say; the result is standardised.

    Args:
        users: ``(U, T)`` scores or 0/1 summaries at the picks.

    Returns:
        ``(T,)`` of mean 0 and variance 1; all 0 when nobody orders anything.
    """
    from scipy.stats import rankdata

    ranks = rankdata(np.asarray(users, np.float64), axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    spread = ranks.std(axis=1)
    if not (spread > 0).any():
        return np.zeros(ranks.shape[1], np.float32)
    mean = (ranks[spread > 0] / spread[spread > 0, None]).mean(axis=0)
    standard: NDArray[np.float32] = (mean / max(float(mean.std()), 1e-9)).astype(np.float32)
    return standard
