"""Moments on a folder of features: Charades-STA's lines or your own CSV, with any recipe.

A video beyond the modules' reach is cut into half-overlapping windows, and a sentence is asked of
those windows that show at least half of one of its moments.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.data.charades import load_charades, load_durations
from iptnet.data.feature_folder import FeatureFolder
from iptnet.data.moments import MomentQuery
from iptnet.data.own_moments import COLUMNS, GUESSED, load_moments_csv
from iptnet.data.spreadsheet import is_table
from iptnet.errors import InputError, IptnetWarning
from iptnet.model.localization.video import GridVideo, on_grid
from iptnet.model.localization.words import Reading, WordTable
from iptnet.model.video_index import LONGEST_QUERY
from iptnet.selection.moments import window_starts
from iptnet.training.moment_examples import Example, part_of, tokens_of

KIND = "moments"


def read_moments(path: Path, folder: FeatureFolder, durations: Path | None) -> list[MomentQuery]:
    """The queries of a file whose videos have features; a table is one's own.

    Raises:
        InputError: unreadable, too many unusable rows, or no query about a video at hand.
    """
    known = None if durations is None else load_durations(durations)
    own = path.suffix.lower() in (".csv", ".tsv") or is_table(path, COLUMNS)
    every = load_moments_csv(path, known) if own else load_charades(path, known)
    if every.report.rejected or GUESSED in every.report.repaired:
        text = every.report.text.replace("\n", "; ")
        warnings.warn(f"{text}; docs/your-data.md says why", IptnetWarning, stacklevel=2)
    # A CSV may name files (garden.mp4) where the features are named after their stems.
    named = {v: v for v in folder.videos} | {q.video: _stem(q.video, folder) for q in every.queries}
    found = [_renamed(q, named[q.video]) for q in every.queries if named[q.video] in folder.videos]
    if not found:
        raise InputError(f"{path} asks about no video of {folder.path}", "check their names")
    return found


def folder_examples(
    queries: Sequence[MomentQuery],
    folder: FeatureFolder,
    steps: int,
    parts: int,
    words: WordTable | None,
    *,
    whole: bool = False,
) -> list[Example]:
    """Examples of the queries.

    Args:
        queries: about videos of the folder.
        folder: of the features.
        steps: the modules' reach.
        parts: how many parts the data has.
        words: word vectors; WordLlama's tokens without them.
        whole: leave long videos whole, as evaluation asks them.
    """
    read = _reader(queries, words, steps)
    videos: dict[str, list[GridVideo]] = {}
    found = []
    for query in queries:
        if query.video not in videos:
            times, vectors = folder.read_middles(query.video, query.duration)
            step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
            duration = query.duration or float(times[-1]) + step / 2
            video = on_grid(vectors, times, duration, steps)
            videos[query.video] = [video] if whole else _windows(video, steps)
        reading, part = read(query.query), part_of(query.video, parts)
        for video in videos[query.video]:
            shown = query.window_array if whole else _shown(video, query.window_array)
            if len(shown):
                found.append(
                    Example(
                        KIND,
                        video,
                        query.query,
                        reading.vectors,
                        shown,
                        None,
                        part,
                        query,
                        reading.unknown,
                        reading.characters,
                    )
                )
    return found


def _windows(video: GridVideo, steps: int) -> list[GridVideo]:
    if len(video.vectors) <= steps:
        return [video]
    found = []
    for at in window_starts(len(video.vectors), steps):
        edges = video.edges[at : at + steps + 1]
        inside = (video.cuts > edges[0]) & (video.cuts < edges[-1])
        found.append(GridVideo(edges, video.vectors[at : at + steps], video.cuts[inside]))
    return found


def _shown(video: GridVideo, windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """What lies inside of the moments of which at least half does."""
    clipped = np.clip(windows, video.edges[0], video.edges[-1])
    lengths = windows[:, 1] - windows[:, 0]
    enough = clipped[:, 1] - clipped[:, 0] >= np.maximum(lengths / 2, 1e-6)
    return np.asarray(clipped[enough])


def _reader(
    queries: Sequence[MomentQuery], words: WordTable | None, steps: int
) -> Callable[[str], Reading]:
    if words is not None:
        table = words
        return lambda text: table.read(text, min(steps, LONGEST_QUERY))
    texts = list(dict.fromkeys(q.query for q in queries))
    rows = dict(zip(texts, tokens_of(texts), strict=True))
    return lambda text: Reading(rows[text])


def _stem(video: str, folder: FeatureFolder) -> str:
    return video if video in folder.videos else Path(video).stem


def _renamed(query: MomentQuery, video: str) -> MomentQuery:
    return query if query.video == video else replace(query, video=video)
