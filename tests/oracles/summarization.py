"""SM's losses, targets and decoding, one step and one video at a time, as METHOD.md says them."""

from __future__ import annotations

import math
from collections.abc import Sequence

Row = Sequence[float]


def focal(p: Row, y: Row, gamma: float = 2.0, alpha: float = 0.25) -> float:
    """DSNet's form: the columns (1 - p, p) against the one-hot label, summed, over positives.

    In either column a 1 weighs alpha and a 0 weighs 1 - alpha: every step has one of each.
    """
    if not any(y):
        return 0.0
    total = 0.0
    for pi, yi in zip(p, y, strict=True):
        for probability, label in ((1 - pi, 1 - yi), (pi, yi)):
            right = probability if label else 1 - probability
            share = alpha if label else 1 - alpha
            total += -share * (1 - right) ** gamma * math.log(right)
    return total / sum(y)


def boundary_iou(predicted: Sequence[Row], true: Sequence[Row], y: Row) -> float:
    terms = []
    for (pl, pr), (tl, tr), yi in zip(predicted, true, y, strict=True):
        if not yi:
            continue
        if tl == tr == 0:
            terms.append(0.0)
            continue
        overlap = min(pl, tl) + min(pr, tr)
        union = pl + pr + tl + tr - overlap
        terms.append(-math.log(overlap / union + 1e-8))
    return sum(terms) / len(terms) if terms else 0.0


def centrality(c: Row, true: Row, y: Row) -> float:
    terms = [
        -(ti * math.log(ci) + (1 - ti) * math.log(1 - ci))
        for ci, ti, yi in zip(c, true, y, strict=True)
        if yi
    ]
    return sum(terms) / len(terms) if terms else 0.0


def correlation(x: Row, y: Row) -> float:
    mx, my = sum(x) / len(x), sum(y) / len(y)
    top = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    bottom = sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y)
    return top / math.sqrt(bottom)


def targets(summary: Sequence[int]) -> tuple[list[tuple[int, int]], list[float]]:
    offsets, central = [], []
    for i, inside in enumerate(summary):
        left = right = 0
        while inside and i - left - 1 >= 0 and summary[i - left - 1]:
            left += 1
        while inside and i + right + 1 < len(summary) and summary[i + right + 1]:
            right += 1
        offsets.append((left, right))
        largest = max(left, right)
        central.append(float(inside) if largest == 0 else min(left, right) / largest)
    return offsets, central


def boxes_to_scores(
    importance: Row, offsets: Sequence[Row], centrality: Row, threshold: float = 0.4
) -> list[float]:
    T = len(importance)
    scores = [i * c for i, c in zip(importance, centrality, strict=True)]
    top = max(*scores, 1e-8)
    boxes = []
    for i, (left, right) in enumerate(offsets):
        lo, hi = max(0.0, i - left), min(float(T), i + right + 1)
        boxes.append((scores[i] / top, i, round(lo), round(hi)))
    kept: list[tuple[float, int, int, int]] = []
    for box in sorted(boxes, key=lambda b: (-b[0], b[1])):
        mine = set(range(box[2], box[3]))
        if all(
            len(mine & set(range(k[2], k[3]))) / max(len(mine | set(range(k[2], k[3]))), 1)
            < threshold
            for k in kept
        ):
            kept.append(box)
    return [max((b[0] for b in kept if b[2] <= t < b[3]), default=0.0) for t in range(T)]


def blur(rows: Sequence[Row], radius: int) -> list[list[float]]:
    for _ in range(2):
        near = [rows[max(i - radius, 0) : i + radius + 1] for i in range(len(rows))]
        rows = [
            [sum(column) / len(window) for column in zip(*window, strict=True)] for window in near
        ]
    return [list(r) for r in rows]


def novelty(rows: Sequence[Row], ago: int, known: float) -> list[float]:
    """Logarithm of the unlikeness to the nearest step shown ``ago`` steps before or earlier."""
    if len(rows) <= ago:
        return [0.0] * len(rows)
    found = []
    for t in range(ago, len(rows)):
        nearest = max(
            sum(a * b for a, b in zip(rows[t], rows[s], strict=True)) for s in range(t - ago + 1)
        )
        found.append(math.log(max(1 - nearest, known)))
    return [sum(found) / len(found)] * ago + found
