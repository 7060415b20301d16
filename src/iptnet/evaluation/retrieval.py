"""Text → picture retrieval: ranks, recall and median, and mean average precision of concepts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Retrieval:
    """Recall in percent of the queries whose own picture is among the first k; median rank."""

    r1: float
    r5: float
    r10: float
    median: float
    queries: int
    gallery: int

    def __str__(self) -> str:
        return (
            f"R@1/5/10 {self.r1:.1f} / {self.r5:.1f} / {self.r10:.1f}, median rank "
            f"{self.median:g} ({self.queries} queries, {self.gallery} in the gallery)"
        )


def ranks(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], own: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Rank of each query's own item; 1 is best, and a tie counts against it.

    Args:
        queries: (Q, D).
        gallery: (G, D).
        own: (Q,) index of each query's item.
    """
    scores = queries @ gallery.T
    mine = scores[np.arange(len(queries)), own]
    found: NDArray[np.int64] = (scores >= mine[:, None]).sum(axis=1)
    return found


def retrieval(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], own: NDArray[np.int64]
) -> Retrieval:
    """Recall and median of :func:`ranks`."""
    found = ranks(queries, gallery, own)
    first, five, ten = (100 * float((found <= k).mean()) for k in (1, 5, 10))
    return Retrieval(first, five, ten, float(np.median(found)), len(queries), len(gallery))


def average_precision(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> float:
    """Mean of the precision at each relevant item, by falling score, the earlier first in ties.

    Args:
        scores: (G,).
        relevant: (G,), at least one True.

    Raises:
        ValueError: nothing is relevant.
    """
    if not relevant.any():
        raise ValueError("average precision needs a relevant item")
    places = np.flatnonzero(relevant[np.argsort(-scores, kind="stable")])
    return float(((np.arange(len(places)) + 1) / (places + 1)).mean())
