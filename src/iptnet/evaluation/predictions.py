"""Predicted moments on disk, in the form that QVHighlights' evaluation reads and its server takes.

One JSON object a line: ``{"qid", "query", "vid", "pred_relevant_windows": [[start, end, score], …],
"pred_saliency_scores": […]}``. For Charades-STA there is also a list of text lines in the form of
its annotations, ``video start end [score]##sentence``, the lines of one sentence in rank order.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iptnet.atomic import write_text
from iptnet.data.annotation_file import number, parse_json, short, text_lines
from iptnet.data.json_lines import require_object_lines
from iptnet.errors import InputError

_LINE = re.compile(r"\s*(\S+)\s+(\S+)\s+(\S+)(?:\s+(\S+))?\s*##(.*)", re.DOTALL)
_REMEDY = "correct the line, or write the file again"


@dataclass(frozen=True, slots=True)
class MomentPrediction:
    """Ranked windows, and perhaps clip saliency, for one query.

    Attributes:
        qid: the query's name; ``None`` in a Charades-style list.
        video: the video's name; ``None`` where the file does not say.
        query: the sentence; ``None`` where the file does not say.
        windows: start, end and score, in file order; ``None`` where the file has no windows.
        saliency: one score per two-second clip; ``None`` where the file has none.
        line: line of the file, from 1; 0 for predictions made in memory.
        duration: the video's seconds, where the file says them.
    """

    qid: int | str | None
    video: str | None
    query: str | None
    windows: tuple[tuple[float, float, float], ...] | None
    saliency: tuple[float, ...] | None = None
    line: int = 0
    duration: float | None = None


def read_predictions(path: Path) -> tuple[MomentPrediction, ...]:
    """Read JSONL predictions, or a Charades-style list, told apart by the first character.

    Raises:
        InputError: unreadable or empty, or a bad line, named by its number: not JSON, a missing
            field, a wrong type, NaN or infinity, a window that ends before it starts.
    """
    lines = list(text_lines(path))
    if not lines:
        raise InputError(f"{path} holds no predictions", "check that it is the right file")
    require_object_lines(path)
    if lines[0][1].lstrip().startswith("{"):
        return tuple(_from_json(text, f"{path}, line {number}", number) for number, text in lines)
    return _from_list(path, lines)


def write_predictions(path: Path, predictions: Iterable[MomentPrediction]) -> None:
    """Write JSONL predictions; :func:`read_predictions` reads them back equal but for ``line``.

    Raises:
        ValueError: a number is not finite.
        MachineError: the file cannot be written.
    """
    rows = []
    for p in predictions:
        row: dict[str, Any] = {"qid": p.qid, "query": p.query, "vid": p.video}
        if p.windows is not None:
            row["pred_relevant_windows"] = p.windows
        if p.saliency is not None:
            row["pred_saliency_scores"] = p.saliency
        rows.append(json.dumps(row, ensure_ascii=False, allow_nan=False))
    write_text(path, "".join(f"{row}\n" for row in rows))


def _from_json(text: str, where: str, line: int) -> MomentPrediction:
    try:
        row = parse_json(text)
    except ValueError as error:
        raise InputError(f"{where}: not JSON: {error}", _REMEDY) from error
    if not isinstance(row, dict):
        raise InputError(f"{where}: not an object", _REMEDY)
    qid = row.get("qid")
    if isinstance(qid, bool) or not isinstance(qid, int | str | None):
        raise InputError(f"{where}: qid {short(qid)} is neither a whole number nor a text", _REMEDY)
    for name in ("vid", "query"):
        if not isinstance(row.get(name), str | None):
            raise InputError(f"{where}: {name} {short(row[name])} is not a text", _REMEDY)
    windows, saliency = row.get("pred_relevant_windows"), row.get("pred_saliency_scores")
    if windows is None and saliency is None:
        swapped = "relevant_windows" in row
        raise InputError(
            f"{where}: neither pred_relevant_windows nor pred_saliency_scores",
            "this is a ground truth: name the predictions first" if swapped else _REMEDY,
        )
    try:
        lasts = row.get("duration")
        duration = None if lasts is None else number(lasts)
        ranked = None if windows is None else tuple(map(_window, _list(windows)))
        scores = None if saliency is None else tuple(map(number, _list(saliency)))
    except ValueError as error:
        raise InputError(f"{where}: {error}", _REMEDY) from error
    if scores is not None and not scores:
        raise InputError(f"{where}: pred_saliency_scores is empty", _REMEDY)
    return MomentPrediction(qid, row.get("vid"), row.get("query"), ranked, scores, line, duration)


def _from_list(path: Path, lines: list[tuple[int, str]]) -> tuple[MomentPrediction, ...]:
    windows: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    first: dict[tuple[str, str], int] = {}
    for line, text in lines:
        where = f"{path}, line {line}"
        parts = _LINE.fullmatch(text)
        if parts is None:
            raise InputError(
                f"{where}: {short(text)} is neither a JSON object nor video start end##sentence",
                _REMEDY,
            )
        key = (parts[1], parts[5].strip())
        ranked = windows.setdefault(key, [])
        first.setdefault(key, line)
        try:
            start, end = _plain(parts[2]), _plain(parts[3])
            # Without scores the order of the lines is the ranking.
            score = -float(len(ranked)) if parts[4] is None else _plain(parts[4])
            ranked.append(_window([start, end, score]))
        except ValueError as error:
            raise InputError(f"{where}: {error}", _REMEDY) from error
    return tuple(
        MomentPrediction(None, video, sentence, tuple(ranked), None, first[video, sentence])
        for (video, sentence), ranked in windows.items()
    )


def _window(value: Any) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError(f"window {short(value)} is not [start, end, score]")
    start, end, score = (number(v) for v in value)
    if end < start:
        raise ValueError(f"window {short(value)} ends before it starts")
    return start, end, score


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{short(value)} is not a list")
    return value


def _plain(text: str) -> float:
    if "," in text:
        raise ValueError(f"{short(text)} has a comma; numbers here have a decimal point")
    try:
        # float alone would also take 1_000.
        value = float(text if "_" not in text else "nan")
    except ValueError:
        raise ValueError(f"{short(text)} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{short(text)} is not finite")
    return value
