"""Measure search on the rated videos: natural videos, short moments, one- and two-word queries.

python -m benchmarks.rated_search --data DATA [--checkpoint C] [--per-video]

The sentences and their true intervals are those of DATA/rated (README there). Five videos are
for choosing constants, the other five for reporting; both are shown. Beside ours stand the plain
peak and the plain run of the smoothed cosine (baselines/), and chance.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.protocol.moments import iou

CHOOSING = (
    "agent327_animation",
    "dogs_tv",
    "drone_beach",
    "screenrec_go",
    "surveillance_person",
)
"""Videos that constants may be chosen on; the others report."""

SLACK = 1.0
"""Seconds that the first answer's middle may lie outside of a true interval."""

TOP = 5
COLUMNS = ("middle", "1-2 words", "any of 5", "IoU≥.3", "plausible", "other video", "repeats")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """What a method says of one sentence about one video.

    Attributes:
        windows: (P, 2) seconds, best first, P ≥ 1.
        presence: higher where the video rather shows the thing at all.
    """

    windows: Floats
    presence: float


@dataclass(frozen=True)
class Rated:
    """One sentence and its true intervals (G, 2) in a video; G = 0 where it is not shown."""

    video: str
    query: str
    truth: Floats


Ask = Callable[[str, str], Answer]
"""From a video's name and a sentence to an answer."""


def read_queries(folder: Path) -> list[Rated]:
    """Read the sentences of the rated videos."""
    raw = json.loads((folder / "queries.json").read_text(encoding="utf-8"))
    return [
        Rated(video, q["query"], np.array(q["moments"] or [], np.float64).reshape(-1, 2))
        for video, own in raw.items()
        for q in own
    ]


def video_paths(data: Path) -> dict[str, Path]:
    """Find the rated videos' files by name."""
    found = {p.stem: p for p in sorted((data / "rated" / "videos").iterdir())}
    borrowed = data / "videos/natural/intel_one-by-one-person-detection.mp4"
    return found | {"surveillance_person": borrowed}


def is_right(window: ArrayLike, truth: ArrayLike, slack: float = SLACK) -> bool:
    """Tell whether a window's middle lies in a true interval (G, 2), give or take the slack."""
    start, end = np.asarray(window, np.float64)[:2]
    middle = (start + end) / 2
    return any(a - slack <= middle <= b + slack for a, b in np.asarray(truth, np.float64))


def repeats(windows: ArrayLike) -> bool:
    """Tell whether the second window overlaps the first by half of the shorter or more."""
    spans = np.asarray(windows, np.float64)
    if len(spans) < 2:
        return False
    (a, b), (c, d) = spans[0, :2], spans[1, :2]
    return bool(min(b, d) - max(a, c) >= min(b - a, d - c) / 2)


def pairs_won(high: Sequence[float], low: Sequence[float]) -> tuple[float, int]:
    """Count the pairs in which the first is greater, ties as a half, and all pairs."""
    a, b = np.array(high)[:, None], np.array(low)[None]
    return float((a > b).sum() + (a == b).sum() / 2), a.size * b.size


def measure(queries: Sequence[Rated], ask: Ask) -> dict[str, float]:
    """Compute one row of the table.

    Args:
        queries: of one or more videos.
        ask: the method.

    Returns:
        percentages by the names of :data:`COLUMNS`, and "seconds", the median length of the first
        answers. "plausible" compares all present sentences of a video with all absent ones of the
        same video; "other video" compares each present sentence's presence in its own video with
        that in each other video, so that its length decides nothing.
    """
    videos = list(dict.fromkeys(q.video for q in queries))
    shown = [q for q in queries if len(q.truth)]
    answers = [ask(q.video, q.query) for q in shown]
    first = [is_right(a.windows[0], q.truth) for a, q in zip(answers, shown, strict=True)]
    short = [right for right, q in zip(first, shown, strict=True) if len(q.query.split()) <= 2]
    pairs = list(zip(answers, shown, strict=True))
    plausible, elsewhere = np.zeros(2), np.zeros(2)
    for video in videos:
        here = [a.presence for a, q in pairs if q.video == video]
        absent = [q for q in queries if q.video == video and not len(q.truth)]
        if here and absent:
            plausible += pairs_won(here, [ask(video, q.query).presence for q in absent])
    for answer, query in pairs:
        others = [ask(v, query.query).presence for v in videos if v != query.video]
        if others:
            elsewhere += pairs_won([answer.presence], others)
    row = {
        "middle": np.mean(first),
        "1-2 words": np.mean(short) if short else 0.0,
        "any of 5": np.mean([any(is_right(w, q.truth) for w in a.windows[:TOP]) for a, q in pairs]),
        "IoU≥.3": np.mean([iou(a.windows[:1, :2], q.truth).max() >= 0.3 for a, q in pairs]),
        "plausible": plausible[0] / max(plausible[1], 1),
        "other video": elsewhere[0] / max(elsewhere[1], 1),
        "repeats": np.mean([repeats(a.windows) for a in answers]),
    }
    lengths = [a.windows[0, 1] - a.windows[0, 0] for a in answers]
    return {k: 100 * float(v) for k, v in row.items()} | {"seconds": float(np.median(lengths))}


def chance(queries: Sequence[Rated], seconds: Mapping[str, float]) -> dict[str, float]:
    """Compute the row of random answers of five seconds, the mean of twenty draws."""
    draw = np.random.default_rng(0)

    def ask(video: str, query: str) -> Answer:
        starts = draw.uniform(0, seconds[video] - 5, TOP)
        return Answer(np.stack([starts, starts + 5], axis=1), float(draw.random()))

    rows = [measure(queries, ask) for _ in range(20)]
    return {k: float(np.mean([row[k] for row in rows])) for k in rows[0]}


def methods(data: Path, checkpoint: Path | None) -> tuple[dict[str, Ask], dict[str, float]]:
    """Prepare ours and the baselines on the rated videos, and tell the videos' seconds."""
    from iptnet.api import load
    from iptnet.baselines.plain_run import plain_moments
    from iptnet.features.text import TextEncoder

    model, text = load(localizer=checkpoint), TextEncoder()
    indices, seconds = {}, {}
    for name, path in video_paths(data).items():
        encoded = model.encode(path)
        features, seconds[name] = encoded.features, encoded.source.duration
        indices[name] = model.localizer.encode(
            features.vectors, features.times, features.recipe, seconds[name], encoded.bounds
        )

    def ours(video: str, query: str) -> Answer:
        (found,) = indices[video].find([query], TOP)
        presence = indices[video].presence(query)
        return Answer(
            np.array([[m.start, m.end] for m in found]),
            found[0].score if presence is None else presence,
        )

    def plain(peak: bool) -> Ask:
        def ask(video: str, query: str) -> Answer:
            grid, sentence = indices[video].video, text.encode([query])[0]
            rows = plain_moments(grid.edges, grid.vectors, sentence, TOP, peak=peak)
            return Answer(rows[:, :2], float(rows[0, 2]))

        return ask

    asks = {"ours": ours, "plain peak": plain(True), "plain run": plain(False)}
    # The tables of the parts and of all ask the same again.
    return {name: cache(ask) for name, ask in asks.items()}, seconds


def table(queries: Sequence[Rated], asks: Mapping[str, Ask], seconds: Mapping[str, float]) -> str:
    """Lay out one table: a row a method."""
    rows = {name: measure(queries, ask) for name, ask in asks.items()}
    rows["chance"] = chance(queries, seconds)
    lines = [" " * 12 + "".join(f"{c:>13}" for c in (*COLUMNS, "seconds"))]
    for name, row in rows.items():
        cells = [f"{row[c]:13.1f}" for c in (*COLUMNS, "seconds")]
        lines.append(f"{name:12}" + "".join(cells))
    return "\n".join(lines)


def report(data: Path, checkpoint: Path | None = None, per_video: bool = False) -> None:
    """Print the tables."""
    queries = read_queries(data / "rated")
    asks, seconds = methods(data, checkpoint)
    parts = {
        "five videos for choosing": [q for q in queries if q.video in CHOOSING],
        "five videos for reporting": [q for q in queries if q.video not in CHOOSING],
        "all": queries,
    }
    if per_video:
        parts |= {v: [q for q in queries if q.video == v] for v in seconds}
    for title, part in parts.items():
        shown = sum(len(q.truth) > 0 for q in part)
        print(f"{title}: {shown} sentences shown, {len(part) - shown} not")
        print(table(part, asks, seconds))
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--per-video", action="store_true")
    asked = parser.parse_args()
    report(asked.data, asked.checkpoint, asked.per_video)


if __name__ == "__main__":
    main()
