"""Checks that compare predictions with the videos they speak of, before they are scored.

QVHighlights' official evaluation cuts a list of saliency that is longer than its video, continues a
shorter one with zeros, and takes the first window of a list for R1, whatever its score. It does so
without a word, and the table looks like any other. Here a list for another number of clips is
refused, and what the official rules make of the rest is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from iptnet.data.moments import CLIP_SECONDS, MomentQuery
from iptnet.errors import InputError
from iptnet.evaluation.predictions import MomentPrediction

Scored = Sequence[tuple[MomentPrediction, MomentQuery]]


def require_durations(path: Path, scored: Scored) -> None:
    """Refuse predictions that state another duration than the ground truth.

    Raises:
        InputError: they differ by a clip or more.
    """
    for prediction, query in scored:
        said, true = prediction.duration, query.duration
        if said is not None and true is not None and abs(said - true) >= CLIP_SECONDS:
            raise InputError(
                f"{_place(path, prediction)} is about a video of {said:g} s, which lasts {true:g} "
                "s in the ground truth",
                "choose the ground truth that was predicted",
            )


def check_windows(path: Path, scored: Scored) -> tuple[str, ...]:
    """Say where windows are not listed by score, or lie outside of their video."""
    unsorted, outside = list[MomentPrediction](), list[MomentPrediction]()
    for prediction, query in scored:
        windows = prediction.windows or ()
        scores = [score for _, _, score in windows]
        if scores != sorted(scores, reverse=True):
            unsorted.append(prediction)
        last = math.inf if query.duration is None else query.duration + CLIP_SECONDS
        if any(start < 0 or end > last for start, end, _ in windows):
            outside.append(prediction)
    notes = []
    if unsorted:
        notes.append(
            f"{_count(unsorted, scored)} of windows not sorted by score, first "
            f"{_place(path, unsorted[0])}: R1 takes the first window of a list, and R5 the first "
            "five, not those of the highest scores; mAP ranks by score"
        )
    if outside:
        notes.append(
            f"{_count(outside, scored)} of windows that reach outside of the video, first "
            f"{_place(path, outside[0])}"
        )
    return tuple(notes)


def check_saliency(path: Path, scored: Scored) -> tuple[str, ...]:
    """Compare the lengths of saliency lists with the clips of their videos.

    A video of 21 seconds has ten whole clips, and eleven with its last half: both are right. One
    clip more or fewer than that is what rounding in a feature extractor makes of it; such a list is
    scored as the official evaluation does, and said.

    Raises:
        InputError: a list that is off by more.
    """
    close = list[tuple[MomentPrediction, int]]()
    for prediction, query in scored:
        if prediction.saliency is None or query.duration is None:
            continue
        values, clips = len(prediction.saliency), int(query.duration / CLIP_SECONDS)
        most = math.ceil(query.duration / CLIP_SECONDS)
        if not clips - 1 <= values <= most + 1:
            raise InputError(
                f"{_place(path, prediction)}: {values} pred_saliency_scores for the {clips} clips "
                f"of {CLIP_SECONDS:g} s in a video of {query.duration:g} s",
                "predict one score a clip, or choose the ground truth that was predicted",
            )
        if not clips <= values <= most:
            close.append((prediction, clips))
    if not close:
        return ()
    first, clips = close[0]
    return (
        f"{_count(close, scored)} of saliency a clip shorter or longer than the video, first "
        f"{_place(path, first)} with {len(first.saliency or ())} values for {clips} clips: scored "
        "as the official evaluation does, which continues a short list with 0 and cuts a long one",
    )


def _place(path: Path, prediction: MomentPrediction) -> str:
    qid = "" if prediction.qid is None else f" (qid {prediction.qid!r})"
    return f"{path}, line {prediction.line}{qid}"


def _count(some: Sequence[object], scored: Scored) -> str:
    return f"{len(some)} of {len(scored)} lists"
