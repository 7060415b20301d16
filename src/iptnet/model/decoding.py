"""From SM's outputs to one score per step (METHOD.md, "Inference").

``boxes`` is the paper's way: every step proposes a segment, non-maximum suppression keeps the best,
and a step is worth the best kept segment around it. ``importance`` takes the map as it is.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Decode = Literal["boxes", "importance"]
NMS_IOU = 0.4


def proposals(
    importance: Floats, offsets: Floats, centrality: Floats
) -> tuple[NDArray[np.int64], Floats]:
    """Each step's segment and score, before suppression.

    Args:
        importance: ``(T,)`` in [0, 1].
        offsets: ``(T, 2)`` steps to the left and right.
        centrality: ``(T,)`` in [0, 1].

    Returns:
        ``(T, 2)`` segments ``[lo, hi)`` in whole steps, and ``(T,)`` scores I·C over their maximum.
    """
    T = len(importance)
    at = np.arange(T)
    boxes = np.stack([at - offsets[:, 0], at + offsets[:, 1] + 1], axis=1)
    scores = importance * centrality
    return np.rint(boxes.clip(0, T)).astype(np.int64), scores / max(float(scores.max()), 1e-8)


def suppress(boxes: NDArray[np.int64], scores: Floats, iou: float = NMS_IOU) -> list[int]:
    """Indices of the segments that no better kept one overlaps by ``iou`` or more, best first.

    Args:
        boxes: ``(N, 2)`` segments ``[lo, hi)``.
        scores: ``(N,)``; ties go to the earlier one.
        iou: share of overlap from which the lesser one goes.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        lo = np.maximum(boxes[rest, 0], boxes[best, 0])
        hi = np.minimum(boxes[rest, 1], boxes[best, 1])
        overlap = (hi - lo).clip(0)
        lengths = boxes[rest, 1] - boxes[rest, 0] + (boxes[best, 1] - boxes[best, 0])
        order = rest[overlap < iou * np.maximum(lengths - overlap, 1)]
    return kept


def decode_boxes(importance: Floats, offsets: Floats, centrality: Floats) -> Floats:
    """The paper's step scores ``(T,)``: the maximum over kept segments around a step, else 0."""
    boxes, scores = proposals(importance, offsets, centrality)
    out = np.zeros(len(importance))
    for k in suppress(boxes, scores):
        lo, hi = boxes[k]
        out[lo:hi] = np.maximum(out[lo:hi], scores[k])
    return out
