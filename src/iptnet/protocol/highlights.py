"""How clip saliency is scored: highlight mAP and HIT@1, as QVHighlights' official evaluation does.

Three annotators graded each relevant two-second clip from 0 (Very Bad) to 4 (Very Good); all other
clips count as 0. A clip is positive for an annotator from a least grade on: 2 Fair, 3 Good,
4 VeryGood. mAP averages over annotators and queries; HIT@1 asks whether *any* annotator finds the
top clip positive. The AP is the interpolated one of the video2gif benchmark: the mean of the
interpolated precision over the points where recall grows, so clips with equal scores count as *one*
point. An annotator without positives scores 0; one with nothing but positives scores 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.protocol.moments import percent

GRADES = {"Fair": 2, "Good": 3, "VeryGood": 4}
"""Least saliency of a positive clip."""

Floats = NDArray[np.float64]


def highlight_metrics(
    predictions: Sequence[ArrayLike], truths: Sequence[ArrayLike]
) -> dict[str, float]:
    """Highlight detection over all queries.

    Args:
        predictions: Q lists of one score per clip, higher is better. A list shorter than its
            video is continued with zeros and a longer one is cut, for the mAP; the top clip is
            sought in the list as it is, and one beyond the video is a miss.
        truths: Q arrays (C, A) of the A annotators' saliency of every clip of the video, C ≥ 1.

    Returns:
        Percentages with two digits: ``HL-min-Fair-mAP``, ``HL-min-Fair-Hit1`` and the same for
        ``Good`` and ``VeryGood``.

    Raises:
        ValueError: no query at all, the lists do not pair up, or one is empty or not finite.
    """
    if len(predictions) != len(truths):
        raise ValueError(f"{len(predictions)} lists of saliency for {len(truths)} queries")
    if not truths:
        raise ValueError("there is no query to score")
    least = np.array(list(GRADES.values()), dtype=np.float64)
    precisions = np.zeros((len(truths), len(GRADES)))
    hits = np.zeros((len(truths), len(GRADES)))
    for q, (scores, grades) in enumerate(zip(map(_scores, predictions), truths, strict=True)):
        saliency = np.asarray(grades, dtype=np.float64)
        if saliency.ndim != 2 or saliency.size == 0:
            raise ValueError(f"saliency is (clips, annotators), not of shape {saliency.shape}")
        positive = saliency[:, None, :] >= least[:, None]  # (C, grades, A)
        clips = len(saliency)
        fitted = np.zeros(clips)
        fitted[: len(scores)] = scores[:clips]
        by_label = average_precision(fitted, positive.reshape(clips, -1))
        precisions[q] = by_label.reshape(len(GRADES), -1).mean(axis=1)
        top = int(np.argmax(scores))
        if top < clips:
            hits[q] = positive[top].any(axis=1)
    table: dict[str, float] = {}
    for k, name in enumerate(GRADES):
        table[f"HL-min-{name}-mAP"] = percent(float(precisions[:, k].mean()))
        table[f"HL-min-{name}-Hit1"] = percent(float(hits[:, k].mean()))
    return table


def average_precision(scores: ArrayLike, labels: ArrayLike) -> Floats:
    """Interpolated AP of one ranking against several sets of labels.

    Args:
        scores: (C,) one per clip, higher is better.
        labels: (C, N) of 0/1, N independent sets.

    Returns:
        (N,) in [0, 1]; 0 for a set without positives.

    Raises:
        ValueError: the lengths differ or a score is not finite.
    """
    values, positive = _scores(scores), np.asarray(labels, dtype=bool)
    if positive.ndim != 2 or len(positive) != len(values):
        raise ValueError(f"labels of shape {positive.shape} for {len(values)} scores")
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    # Only the last clip of a run of equal scores is a threshold that a user could choose.
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    found = np.cumsum(positive[order], axis=0)[last]  # (E, N)
    precision = found / (last + 1)[:, None]
    interpolated = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    grows = np.diff(found, axis=0, prepend=0) > 0
    points = grows.sum(axis=0)
    return np.asarray((interpolated * grows).sum(axis=0) / np.maximum(points, 1))


def _scores(row: ArrayLike) -> Floats:
    scores = np.asarray(row, dtype=np.float64)
    if scores.ndim != 1 or len(scores) == 0:
        raise ValueError("saliency scores are a list of one number per clip")
    if not np.isfinite(scores).all():
        raise ValueError("saliency scores must be finite")
    return scores
