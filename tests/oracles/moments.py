"""Brute-force twins of protocol/moments and protocol/highlights: loops over one pair at a time."""

from __future__ import annotations

from collections.abc import Sequence

Window = Sequence[float]


def iou(a: Window, b: Window) -> float:
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - shared
    return shared / union if union > 0 else 0.0


def best_iou(windows: Sequence[Window], truth: Sequence[Window], top: int) -> float:
    return max((iou(w, t) for w in windows[:top] for t in truth), default=0.0)


def average_precision(
    windows: Sequence[Window], truth: Sequence[Window], threshold: float, top: int = 10
) -> float:
    """VOC-2011 AP of one query: rank, hit greedily, then step through the recall."""
    ranked = sorted(windows[:top], key=lambda w: -w[2])
    free = list(range(len(truth)))
    points = []  # (recall, precision) after each rank
    found = 0
    for rank, window in enumerate(ranked, start=1):
        best, best_overlap = None, -1.0
        for index in free:
            overlap = iou(window, truth[index])
            if overlap >= threshold and overlap >= best_overlap:
                best, best_overlap = index, overlap
        if best is not None:
            free.remove(best)
            found += 1
        points.append((found / len(truth), found / rank))
    area, recall = 0.0, 0.0
    for here, _ in points:
        if here > recall:
            area += (here - recall) * max(p for r, p in points if r >= here)
            recall = here
    return area


def in_range(truth: Sequence[Window], above: float, up_to: float) -> list[Window]:
    return [t for t in truth if above < t[1] - t[0] <= up_to]


def highlight_ap(scores: Sequence[float], labels: Sequence[int]) -> float:
    """Mean interpolated precision over the score thresholds at which recall grows."""
    positives = sum(labels)
    if positives == 0:
        return 0.0
    curve = []
    for threshold in sorted(set(scores), reverse=True):
        shown = [y for s, y in zip(scores, labels, strict=True) if s >= threshold]
        curve.append((sum(shown) / positives, sum(shown) / len(shown)))
    terms, before = [], 0.0
    for recall, _ in curve:
        if recall > before:
            terms.append(max(p for r, p in curve if r >= recall))
            before = recall
    return sum(terms) / len(terms)


def highlight_table(
    predictions: Sequence[Sequence[float]], truths: Sequence[Sequence[Sequence[int]]], least: int
) -> tuple[float, float]:
    """(mAP, HIT@1) as shares of 1 for one least grade."""
    precisions, hits = [], []
    for scores, grades in zip(predictions, truths, strict=True):
        fitted = [scores[i] if i < len(scores) else 0.0 for i in range(len(grades))]
        for annotator in range(len(grades[0])):
            labels = [int(clip[annotator] >= least) for clip in grades]
            precisions.append(highlight_ap(fitted, labels))
        top = scores.index(max(scores))
        hits.append(top < len(grades) and max(grades[top]) >= least)
    return sum(precisions) / len(precisions), sum(hits) / len(hits)
