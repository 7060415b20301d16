"""Scores of a prediction file against a ground truth file: no model, no features, no guessing.

The rules are :mod:`iptnet.protocol.moments` and :mod:`iptnet.protocol.highlights`. Every query of
the ground truth must be predicted exactly once; anything else is refused with file and line, as the
official evaluation refuses it, since a table over a part of the queries looks like one over all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iptnet.data.annotation_file import short, text_lines
from iptnet.data.charades import load_charades
from iptnet.data.moments import MomentQuery, clip_saliency
from iptnet.data.own_moments import COLUMNS, load_moments_csv
from iptnet.data.qvhighlights import load_qvhighlights
from iptnet.data.spreadsheet import is_table
from iptnet.errors import InputError
from iptnet.evaluation.prediction_checks import check_saliency, check_windows, require_durations
from iptnet.evaluation.predictions import MomentPrediction, read_predictions
from iptnet.protocol.highlights import highlight_metrics
from iptnet.protocol.moments import moment_metrics


@dataclass(frozen=True, slots=True)
class MomentScores:
    """A table, and what it is over.

    Attributes:
        metrics: percentages with two digits by their published names; ``None`` where the ground
            truth has no moment of that length.
        queries: queries scored.
        missing: queries of the ground truth without a prediction, left out (0 unless allowed).
        unknown: predictions about no query of the ground truth, left out (0 unless allowed).
        warnings: what makes the figures other than a reader may think, each a sentence.
    """

    metrics: dict[str, float | None]
    queries: int
    missing: int = 0
    unknown: int = 0
    warnings: tuple[str, ...] = ()


def score_moments(predictions: Path, truth: Path, *, allow_partial: bool = False) -> MomentScores:
    """Score a prediction file.

    Args:
        predictions: JSONL as QVHighlights has it, or, where sentences are matched, also text
            lines ``video start end [score]##sentence`` in rank order.
        truth: QVHighlights JSONL, Charades-STA text or a CSV of moments, plain or gzip, told apart
            by content. QVHighlights queries are matched by qid, others by video and sentence.
        allow_partial: score the queries that both files have, and count the rest.

    Returns:
        The moment metrics if the predictions have windows, the highlight metrics if they have
        saliency and the ground truth has grades.

    Raises:
        InputError: a file is unreadable or a line is bad, a query is predicted twice, not at all
            or under another video's name, only some lines have windows or saliency, or a list of
            saliency is for another number of clips.
    """
    predictions, truth = Path(predictions), Path(truth)
    queries, by_qid, warnings = _read_truth(truth)
    found = read_predictions(predictions)
    prediction_of = _by_key(found, predictions, _qid_key if by_qid else _sentence_key)
    keys = [_truth_key(q, by_qid) for q in queries]
    scored = [
        (prediction_of[k], q) for k, q in zip(keys, queries, strict=True) if k in prediction_of
    ]
    missing = [q for k, q in zip(keys, queries, strict=True) if k not in prediction_of]
    known = set(keys)
    unknown = [p for k, p in prediction_of.items() if k not in known]
    if missing and (not allow_partial or not scored):
        raise InputError(
            f"{predictions} lacks {len(missing)} of {len(queries)} queries of {truth}, first "
            f"{_name(missing[0], by_qid)} of its line {missing[0].line}",
            "predict every query, or allow a partial score"
            + _other_type(missing[0], prediction_of, by_qid),
        )
    if unknown and not allow_partial:
        raise InputError(
            f"{predictions}, line {unknown[0].line}: no such query in {truth} "
            f"({len(unknown)} such predictions)",
            "choose the ground truth of the same split, or allow a partial score",
        )
    for p, q in scored:
        if p.video is not None and p.video != q.video:
            raise InputError(
                f"{predictions}, line {p.line}: qid {p.qid!r} is about {short(p.video)}, but in "
                f"{truth} about {short(q.video)}",
                "choose the ground truth that was predicted",
            )
    require_durations(predictions, scored)
    used = [p for p, _ in scored]
    metrics: dict[str, float | None] = {}
    if _all_or_none(predictions, used, "pred_relevant_windows", lambda p: p.windows is not None):
        metrics |= moment_metrics(
            [p.windows or () for p in used], [q.window_array for _, q in scored]
        )
        warnings += check_windows(predictions, scored)
    ungraded = [q for _, q in scored if not q.saliency]
    salient = _all_or_none(
        predictions, used, "pred_saliency_scores", lambda p: p.saliency is not None
    )
    if salient and 0 < len(ungraded) < len(used):
        raise InputError(
            f"{truth}, line {ungraded[0].line}: no saliency_scores, which other lines have",
            "get the ground truth again",
        )
    if salient and not ungraded:
        warnings += check_saliency(predictions, scored)
        metrics |= highlight_metrics(
            [np.array(p.saliency) for p in used], [clip_saliency(q) for _, q in scored]
        )
    if not metrics:
        raise InputError(
            f"{predictions} has saliency only, and {truth} has no grades to compare",
            "predict windows, or use a ground truth with saliency_scores",
        )
    return MomentScores(metrics, len(scored), len(missing), len(unknown), warnings)


def load_truth(path: Path) -> tuple[tuple[MomentQuery, ...], bool]:
    """Ground truth of any of the three forms, complete or refused.

    Returns:
        The queries, and whether they go by qid rather than by video and sentence.

    Raises:
        InputError: unreadable, empty, or any line is bad.
    """
    queries, by_qid, _ = _read_truth(path)
    return queries, by_qid


def _read_truth(path: Path) -> tuple[tuple[MomentQuery, ...], bool, tuple[str, ...]]:
    """Ground truth as :func:`load_truth`, with what was repaired in it."""
    if is_table(path, COLUMNS):
        found, by_qid = load_moments_csv(path, max_bad=0.0), False
    else:
        first = next((text for _, text in text_lines(path)), "").lstrip()
        by_qid = first.startswith(("{", "["))
        found = (
            load_qvhighlights(path, max_bad=0.0, keep_overruns=True)
            if by_qid
            else load_charades(path, max_bad=0.0)
        )
    return found.queries, by_qid, tuple(f"{path}: {what}" for what in found.report.repaired)


def _other_type(
    query: MomentQuery, prediction_of: dict[Hashable, MomentPrediction], by_qid: bool
) -> str:
    """A hint where a qid is a number in one file and a text in the other."""
    same = [q for q in prediction_of if str(q) == str(query.qid)] if by_qid else []
    kinds = {int: "number", str: "text"}
    return (
        f"; qid {same[0]!r} is a {kinds.get(type(same[0]), 'value')} in the predictions and a "
        f"{kinds[type(query.qid)]} in the ground truth"
        if same
        else ""
    )


def _by_key(
    found: tuple[MomentPrediction, ...], path: Path, key: Callable[[MomentPrediction], Hashable]
) -> dict[Hashable, MomentPrediction]:
    by_key: dict[Hashable, MomentPrediction] = {}
    for prediction in found:
        name = key(prediction)
        if name is None:
            raise InputError(
                f"{path}, line {prediction.line}: does not say which query it answers",
                "give qid for QVHighlights, vid and query otherwise",
            )
        if name in by_key:
            raise InputError(
                f"{path}, line {prediction.line}: predicts {short(name)} again, first on line "
                f"{by_key[name].line}",
                "keep one line a query",
            )
        by_key[name] = prediction
    return by_key


def _qid_key(prediction: MomentPrediction) -> Hashable:
    return prediction.qid


def _sentence_key(prediction: MomentPrediction) -> Hashable:
    if prediction.video is None or prediction.query is None:
        return None
    return prediction.video, prediction.query.strip()


def _truth_key(query: MomentQuery, by_qid: bool) -> Hashable:
    return query.qid if by_qid else (query.video, query.query)


def _name(query: MomentQuery, by_qid: bool) -> str:
    return f"qid {query.qid!r}" if by_qid else f"{query.video} {short(query.query)}"


def _all_or_none(
    path: Path,
    predictions: list[MomentPrediction],
    name: str,
    has: Callable[[MomentPrediction], bool],
) -> bool:
    lacking = [p for p in predictions if not has(p)]
    if lacking and len(lacking) < len(predictions):
        raise InputError(
            f"{path}, line {lacking[0].line}: no {name}, which other lines have",
            "write it for every query or for none",
        )
    return not lacking
