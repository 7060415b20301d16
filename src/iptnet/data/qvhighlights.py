"""QVHighlights: sentences with several windows and graded clips, one JSON object a line.

Its videos are 150-second cuts of longer ones on YouTube, named ``<11-character id>_<from>_<to>``;
several cuts share scenes, people and queries' wording, so folds keep every cut of one source
together.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from iptnet.data.annotation_file import number, parse_json, read_json, short, text_lines
from iptnet.data.json_lines import require_object_lines
from iptnet.data.moments import (
    CLIP_SECONDS,
    MAX_BAD,
    BadRowError,
    Ledger,
    MomentQuery,
    MomentSet,
    window,
)
from iptnet.errors import InputError
from iptnet.timeline import Span

FOLD_SEED = 22
"""Of the first 60 seeds, the one whose five folds of the validation split differ least in size."""

_CUT = re.compile(r"(.{11})_[0-9]+(?:\.[0-9]+)?_[0-9]+(?:\.[0-9]+)?", re.DOTALL)


def load_qvhighlights(
    path: Path,
    *,
    known_videos: Collection[str] | None = None,
    max_bad: float = MAX_BAD,
    keep_overruns: bool = False,
) -> MomentSet:
    """Read a QVHighlights annotation file.

    Args:
        path: JSONL, plain or gzip: ``qid``, ``query``, ``vid``, ``duration``, ``relevant_windows``
            and, together or not at all, ``relevant_clip_ids`` and ``saliency_scores``.
        known_videos: names of the videos at hand; rows about others are rejected.
        max_bad: share of rejected rows from which on the file is refused.
        keep_overruns: take windows that end beyond their video as they are, as scoring does;
            other sets converted to this form have some.

    Raises:
        InputError: unreadable, or too many rows are unusable.
    """
    require_object_lines(path)
    ledger, queries = Ledger(path), list[MomentQuery]()
    seen: dict[int | str, int] = {}
    for line, text in text_lines(path):
        with ledger.row(line):
            query = _query(text, line, keep_overruns)
            if query.qid in seen:
                raise BadRowError(
                    "duplicate qid", f"{query.qid!r}, first on line {seen[query.qid]}"
                )
            if known_videos is not None and query.video not in known_videos:
                raise BadRowError("unknown video", short(query.video))
            seen[query.qid] = line
            queries.append(query)
    return ledger.close(queries, max_bad)


def load_clip_captions(path: Path) -> dict[str, tuple[str, ...]]:
    """Captions of the two-second clips of each video: a JSON object of lists, plain or gzip.

    Raises:
        InputError: unreadable, or not an object of non-empty lists of texts.
    """
    raw = read_json(path)
    if not isinstance(raw, dict) or not raw:
        raise InputError(f"{path} is not an object of captions by video", "check the file")
    for video, captions in raw.items():
        if (
            not isinstance(captions, list)
            or not captions
            or not all(isinstance(c, str) for c in captions)
        ):
            raise InputError(f"{path}: {short(video)} is not a list of captions", "check the file")
    return {video: tuple(captions) for video, captions in raw.items()}


def source_video(vid: str) -> str:
    """The YouTube id that a QVHighlights video was cut from; any other name is its own source."""
    cut = _CUT.fullmatch(vid)
    return cut[1] if cut else vid


def fold_of(vid: str, folds: int = 5, seed: int = FOLD_SEED) -> int:
    """The fold of a video, by a hash of its source: the same whatever else is in the file."""
    digest = hashlib.sha256(f"{seed}:{source_video(vid)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % folds


def split_folds(
    queries: Iterable[MomentQuery], folds: int = 5, seed: int = FOLD_SEED
) -> tuple[tuple[tuple[MomentQuery, ...], tuple[MomentQuery, ...]], ...]:
    """Cross-validation by source video.

    Returns:
        ``folds`` pairs (train, validation), in file order; each query validates exactly once.
    """
    by_fold = [(fold_of(q.video, folds, seed), q) for q in queries]
    return tuple(
        (tuple(q for f, q in by_fold if f != k), tuple(q for f, q in by_fold if f == k))
        for k in range(folds)
    )


def _query(text: str, line: int, keep_overruns: bool) -> MomentQuery:
    try:
        row = parse_json(text)
    except ValueError as error:
        raise BadRowError("not JSON", str(error)) from error
    if not isinstance(row, dict):
        raise BadRowError("wrong type", "the line is not an object")
    try:
        duration = number(_field(row, "duration"))
        if duration <= 0:
            raise BadRowError("no duration", f"{duration:g} s")
        until = None if keep_overruns else duration
        windows = tuple(_window(w, until) for w in _list(row, "relevant_windows"))
        clips, saliency = _grades(row, duration)
    except BadRowError:
        raise
    except ValueError as error:
        raise BadRowError("wrong type", str(error)) from error
    if not windows:
        raise BadRowError("no window", "relevant_windows is empty")
    return MomentQuery(
        qid=query_id(_field(row, "qid")),
        video=_text(row, "vid"),
        query=_text(row, "query"),
        windows=windows,
        duration=duration,
        clips=clips,
        saliency=saliency,
        line=line,
    )


def query_id(value: Any) -> int | str:
    """A query's name: a whole number or a text.

    Raises:
        BadRowError: it is neither.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadRowError("wrong type", f"qid {short(value)} is neither a whole number nor a text")
    return value


def _window(value: Any, duration: float | None) -> Span:
    if not isinstance(value, list) or len(value) != 2:
        raise BadRowError("wrong type", f"window {short(value)} is not [start, end]")
    return window(number(value[0]), number(value[1]), duration)


def _grades(
    row: dict[str, Any], duration: float
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    if "relevant_clip_ids" not in row and "saliency_scores" not in row:
        return (), ()
    clips, saliency = _list(row, "relevant_clip_ids"), _list(row, "saliency_scores")
    if len(clips) != len(saliency):
        raise BadRowError("saliency", f"{len(saliency)} grades for {len(clips)} clips")
    count = int(duration / CLIP_SECONDS)
    for clip in clips:
        if isinstance(clip, bool) or not isinstance(clip, int) or not 0 <= clip < count:
            raise BadRowError("saliency", f"clip {short(clip)} of a video of {count} clips")
    if len(set(clips)) != len(clips):
        raise BadRowError("saliency", "a clip is graded twice")
    widths = {len(grades) if isinstance(grades, list) else 0 for grades in saliency}
    if saliency and (len(widths) != 1 or 0 in widths):
        raise BadRowError("saliency", "not the same number of grades for every clip")
    for grade in (g for grades in saliency for g in grades):
        if isinstance(grade, bool) or not isinstance(grade, int) or not 0 <= grade <= 4:
            raise BadRowError("saliency", f"{short(grade)} is not a grade from 0 to 4")
    return tuple(clips), tuple(tuple(grades) for grades in saliency)


def _field(row: dict[str, Any], name: str) -> Any:
    if name not in row:
        raise BadRowError("missing field", name)
    return row[name]


def _list(row: dict[str, Any], name: str) -> list[Any]:
    value = _field(row, name)
    if not isinstance(value, list):
        raise BadRowError("wrong type", f"{name} is not a list")
    return value


def _text(row: dict[str, Any], name: str) -> str:
    value = _field(row, name)
    if not isinstance(value, str):
        raise BadRowError("wrong type", f"{name} {short(value)} is not a text")
    if not value.strip():
        raise BadRowError("empty text", name)
    return value
