"""Rated videos: a folder of films with people's marks for every two seconds.

FOLDER/ratings_A.json, ratings_B.json, …   {name: [mark of 0–2 s, mark of 2–4 s, …]}, 1 to 5
FOLDER/videos/NAME.mp4                     any format that is read elsewhere
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.data.annotation_file import read_json, short
from iptnet.errors import InputError

SEGMENT = 2.0
"""Seconds that one mark is for."""
MARKS = (1, 5)
"""The lowest mark, of what is useless in a summary, and the highest, of what has to be in it."""
ELSEWHERE = {"surveillance_person": "../videos/natural/intel_one-by-one-person-detection.mp4"}
"""A video of our research data that another folder holds already."""


@dataclass(frozen=True, eq=False)
class RatedVideo:
    """A video with the marks of R raters for its S segments.

    Attributes:
        name: its name in the files of marks.
        path: the film.
        marks: ``(R, S)`` int64, 1 to 5.
    """

    name: str
    path: Path
    marks: NDArray[np.int64]


def load_rated(folder: Path | str) -> tuple[RatedVideo, ...]:
    """Read a folder of rated videos, in the order of their names.

    Raises:
        InputError: no files of marks, marks that are none, raters who disagree on what there is to
            mark, or a film that is missing.
    """
    folder = Path(folder)
    files = sorted(folder.glob("ratings_*.json"))
    if not files:
        raise InputError(f"{folder} holds no ratings_*.json", "name the folder of rated videos")
    tables = [_marks(path) for path in files]
    if any(table.keys() != tables[0].keys() for table in tables):
        raise InputError(f"{folder}: the raters marked different videos", "complete the files")
    videos = []
    for name in sorted(tables[0]):
        rows = [table[name] for table in tables]
        if len({len(row) for row in rows}) > 1:
            raise InputError(f"{folder}: {name} has rows of different lengths", "complete them")
        videos.append(RatedVideo(name, _film(folder, name), np.array(rows, np.int64)))
    return tuple(videos)


def per_segment(times: ArrayLike, values: ArrayLike, count: int) -> NDArray[np.float64]:
    """Means of values within each segment.

    Args:
        times: ``(T,)`` seconds, ascending.
        values: ``(T,)`` or ``(T, K)``.
        count: segments; one without any sample has the value of the sample before it.

    Returns:
        ``(count,)`` or ``(count, K)``.
    """
    at, rows = np.asarray(times, np.float64), np.asarray(values, np.float64)
    edges = np.searchsorted(at, SEGMENT * np.arange(count + 1) - 1e-6)
    means = [
        rows[a:b].mean(axis=0) if b > a else rows[min(max(a - 1, 0), len(rows) - 1)]
        for a, b in pairwise(edges)
    ]
    return np.array(means)


def _marks(path: Path) -> dict[str, list[int]]:
    table: Any = read_json(path)
    if not isinstance(table, dict) or not table:
        raise InputError(f"{path} holds no table of marks", 'write {"name": [3, 2, …]}')
    for name, row in table.items():
        if not isinstance(row, list) or len(row) < 2:
            raise InputError(f"{path}: {short(name)} has no row of marks", "give one a segment")
        for mark in row:
            if isinstance(mark, bool) or mark not in range(MARKS[0], MARKS[1] + 1):
                raise InputError(f"{path}: {short(name)} has a mark {short(mark)}", "give 1 to 5")
    return table


def _film(folder: Path, name: str) -> Path:
    known = folder / ELSEWHERE.get(name, "")
    if name in ELSEWHERE and known.is_file():
        return known
    found = sorted(p for p in (folder / "videos").glob("*") if p.stem == name)
    if not found:
        raise InputError(f"{folder / 'videos'} holds no film {name}", "add it, or drop its marks")
    return found[0]
