"""How ranked moments are scored: R@n at an IoU, mIoU, and the moment mAP of QVHighlights.

The definitions are those of the official QVHighlights evaluation ("Detecting Moments and Highlights
in Videos via Natural Language Queries", NeurIPS 2021), so that published prediction files score to
the published digits: R1 takes the *first* window of a list (file order, whatever its score) against
the true window it overlaps best; AP takes the first ten windows, ranks them by score, lets each hit
the free true window of highest IoU, and integrates the interpolated precision; every figure is a
percentage rounded to two digits. R@5, R1@0.3 and mIoU, as Charades-STA tables report them, follow
the same conventions. A query with an empty list counts as missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

IOU_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""IoU thresholds over which the moment mAP is averaged."""

RECALL_THRESHOLDS = (0.3, 0.5, 0.7)
"""IoU thresholds of R@1 and R@5."""

LENGTHS = {"short": (0.0, 10.0), "middle": (10.0, 30.0), "long": (30.0, np.inf)}
"""Ranges (above, up to] of a true window's seconds; in QVHighlights no video exceeds 150."""

RANKED = 10
"""Windows of a list that the mAP looks at."""

Floats = NDArray[np.float64]


def iou(spans: ArrayLike, others: ArrayLike) -> Floats:
    """Intersection over union of every pair; 0 for two windows without any length.

    Args:
        spans: (N, 2) start and end, seconds.
        others: (M, 2) the same.

    Returns:
        (N, M), each in [0, 1].
    """
    a, b = _windows(spans)[:, None, :2], _windows(others)[None, :, :2]
    shared = np.clip(np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0]), 0, None)
    union = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - shared
    return _ratio(shared, union)


def best_ious(
    predictions: Sequence[ArrayLike], truths: Sequence[ArrayLike], *, top: int = 1
) -> Floats:
    """The best IoU that the first windows of each list reach with any true window of its query.

    Args:
        predictions: Q lists of (P, 2 or more) windows in file order.
        truths: Q lists of (G, 2) true windows, G ≥ 1.
        top: how many windows of each list count.

    Returns:
        (Q,), 0 for an empty list.

    Raises:
        ValueError: the lists do not pair up, or a window or list is malformed.
    """
    ranked, true = _paired(predictions, truths)
    found = np.zeros(len(true))
    for q, (windows, moments) in enumerate(zip(ranked, true, strict=True)):
        head = windows[:top, :2]
        if len(head):
            nearest = moments[np.argmax(iou(head, moments), axis=1)]
            # The official R1 divides by the hull of the pair it chose: the same number except in
            # the last bit, where a threshold may lie.
            shared = np.minimum(head[:, 1], nearest[:, 1]) - np.maximum(head[:, 0], nearest[:, 0])
            hull = np.maximum(head[:, 1], nearest[:, 1]) - np.minimum(head[:, 0], nearest[:, 0])
            found[q] = _ratio(np.clip(shared, 0, None), hull).max()
    return found


def average_precisions(
    predictions: Sequence[ArrayLike],
    truths: Sequence[ArrayLike],
    *,
    thresholds: Sequence[float] = IOU_THRESHOLDS,
    top: int = RANKED,
) -> Floats:
    """Interpolated average precision of each query at each IoU threshold.

    Equal scores keep file order; of true windows with equal IoU the later one is hit.

    Args:
        predictions: Q lists of (P, 3) start, end, score in file order.
        truths: Q lists of (G, 2) true windows, G ≥ 1.
        thresholds: K IoUs from which on a window hits.
        top: how many windows of each list count, before ranking by score.

    Returns:
        (Q, K) in [0, 1].

    Raises:
        ValueError: the lists do not pair up, or a window or list is malformed.
    """
    ranked, true = _paired(predictions, truths)
    ranked = [w[:top] for w in ranked]
    if any(len(w) and w.shape[1] < 3 for w in ranked):
        raise ValueError("average precision ranks by score: windows need start, end and score")
    P = max((len(w) for w in ranked), default=0)
    G = max((len(w) for w in true), default=0)
    if P == 0:
        return np.zeros((len(true), len(thresholds)))
    # Padding can never hit: its IoU is below every threshold.
    overlap = np.full((len(true), P, G), -1.0)
    for q, (windows, moments) in enumerate(zip(ranked, true, strict=True)):
        if len(windows):
            order = np.argsort(-windows[:, 2], kind="stable")
            overlap[q, : len(windows), : len(moments)] = iou(windows[order], moments)
    hits = _greedy_hits(overlap, np.asarray(thresholds, dtype=np.float64))  # (Q, K, P)
    count = np.array([len(m) for m in true], dtype=np.float64)[:, None, None]
    true_positives = np.cumsum(hits, axis=2)
    precision = true_positives / np.arange(1, P + 1)
    interpolated = np.maximum.accumulate(precision[..., ::-1], axis=2)[..., ::-1]
    gained = np.diff(true_positives / count, axis=2, prepend=0.0)
    return np.asarray((gained * interpolated).sum(axis=2))


def moment_metrics(
    predictions: Sequence[ArrayLike], truths: Sequence[ArrayLike]
) -> dict[str, float | None]:
    """The table of a moment benchmark, under the names the community uses.

    Args:
        predictions: Q lists of (P, 3) start, end, score, in file order, seconds.
        truths: Q lists of (G, 2) true windows, G ≥ 1, seconds.

    Returns:
        Percentages with two digits: ``MR-full-mAP`` (mean over the ten thresholds),
        ``MR-full-mAP@0.5``, ``MR-full-mAP@0.75``, ``MR-short-mAP``, ``MR-middle-mAP``,
        ``MR-long-mAP`` (only true windows of that length, only queries that have one; ``None``
        where no query has), ``MR-full-R1@t`` and ``MR-full-R5@t`` for t in 0.3, 0.5, 0.7, and
        ``MR-full-mIoU``.

    Raises:
        ValueError: no query at all, the lists do not pair up, or a window or list is malformed.
    """
    ranked, true = _paired(predictions, truths)
    if not true:
        raise ValueError("there is no query to score")
    by_threshold = average_precisions(ranked, true).mean(axis=0)
    table: dict[str, float | None] = {
        "MR-full-mAP": percent(float(by_threshold.mean())),
        "MR-full-mAP@0.5": percent(float(by_threshold[IOU_THRESHOLDS.index(0.5)])),
        "MR-full-mAP@0.75": percent(float(by_threshold[IOU_THRESHOLDS.index(0.75)])),
    }
    for name, (above, up_to) in LENGTHS.items():
        kept = [_within(m, above, up_to) for m in true]
        some = [q for q, moments in enumerate(kept) if len(moments)]
        table[f"MR-{name}-mAP"] = (
            percent(
                float(
                    average_precisions([ranked[q] for q in some], [kept[q] for q in some])
                    .mean(axis=0)
                    .mean()
                )
            )
            if some
            else None
        )
    first, five = best_ious(ranked, true), best_ious(ranked, true, top=5)
    for name, reached in (("R1", first), ("R5", five)):
        for t in RECALL_THRESHOLDS:
            table[f"MR-full-{name}@{t}"] = percent(float(np.mean(reached >= t)))
    table["MR-full-mIoU"] = percent(float(first.mean()))
    return table


def percent(share: float) -> float:
    """A share as the percentage with two digits that tables print."""
    return float(f"{100 * share:.2f}")


def _greedy_hits(overlap: Floats, thresholds: Floats) -> NDArray[np.bool_]:
    """Which ranked windows hit (Q, K, P): each takes the free true window of highest IoU."""
    Q, P, G = overlap.shape
    K = len(thresholds)
    free = np.ones((Q, K, G), dtype=bool)
    hits = np.zeros((Q, K, P), dtype=bool)
    for rank in range(P):
        near = overlap[:, rank, None, :]  # (Q, 1, G)
        open_to_hit = free & (near >= thresholds[:, None])
        candidates = np.where(open_to_hit, near, -1.0)
        # argmax finds the first of equals; the official ranking reverses an ascending sort.
        chosen = G - 1 - np.argmax(candidates[..., ::-1], axis=2)  # (Q, K)
        hits[..., rank] = open_to_hit.any(axis=2)
        taken = (np.arange(G) == chosen[..., None]) & hits[..., rank, None]
        free &= ~taken
    return hits


def _within(moments: Floats, above: float, up_to: float) -> Floats:
    length = moments[:, 1] - moments[:, 0]
    return np.asarray(moments[(above < length) & (length <= up_to)])


def _paired(
    predictions: Sequence[ArrayLike], truths: Sequence[ArrayLike]
) -> tuple[list[Floats], list[Floats]]:
    if len(predictions) != len(truths):
        raise ValueError(f"{len(predictions)} lists of windows for {len(truths)} queries")
    true = [_windows(t)[:, :2] for t in truths]
    if any(len(t) == 0 for t in true):
        raise ValueError("every query needs at least one true window")
    return [_windows(p) for p in predictions], true


def _windows(rows: ArrayLike) -> Floats:
    """(N, 2 or more) finite float64 rows that do not end before they start."""
    windows = np.asarray(rows, dtype=np.float64)
    if windows.size == 0:
        return np.zeros((0, 3))
    if windows.ndim != 2 or windows.shape[1] < 2:
        raise ValueError(f"windows are rows of start, end[, score], not of shape {windows.shape}")
    if not np.isfinite(windows).all():
        raise ValueError("windows and scores must be finite")
    if (windows[:, 1] < windows[:, 0]).any():
        raise ValueError("a window ends before it starts")
    return windows


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))
