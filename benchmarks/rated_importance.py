"""Importance against people's marks on real videos: ours, each simple cue, and ridges of them.

    python -m benchmarks.rated_importance ../shared/data/rated [--summaries]

Rows by how a two-second piece is scored; nothing is fitted on the video that it judges. τ is
Kendall's τ-b with each rater, averaged. F compares the best 15 % of the pieces with each rater's
own best 15 %; where marks or scores are equal, equal pieces share what is left to take, so that F
does not depend on their order. ``--summaries`` adds F of the keyshots that the package chooses.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

import iptnet
from iptnet.data.rated import SEGMENT, load_rated, per_segment
from iptnet.encoded import Encoded
from iptnet.features.cues import NAMES
from iptnet.model.pictures import INPUTS, PictureReading
from iptnet.protocol.correlation import rank_correlation
from iptnet.training.rated import RatedSample, fit, sample, seen, subject

BUDGET = 0.15
DRAWS = 20
CHOSEN_ON = (
    "agent327_animation",
    "dogs_tv",
    "drone_beach",
    "screenrec_go",
    "surveillance_person",
)
"""Videos that the README of the data names for choosing; the others report."""
LOGARITHMS = ("change", "motion", "camera", "sharpness", "colour")
STRENGTH = 0.3

Floats = NDArray[np.float64]
Score = Callable[[RatedSample], Floats]


@dataclass(frozen=True)
class Row:
    """What one way of scoring is worth: τ and F of each video."""

    name: str
    tau: dict[str, float]
    f: dict[str, float]


def best(values: ArrayLike, share: float = BUDGET) -> Floats:
    """How much of each piece belongs to the best share of them, 0 to 1; equals share alike.

    Args:
        values: ``(S,)``.
        share: of the pieces.

    Returns:
        ``(S,)`` that sums to ``share · S`` in whole pieces, one at least.
    """
    row = np.asarray(values, np.float64)
    left, taken = float(max(1, round(share * len(row)))), np.zeros(len(row))
    for value in np.unique(row)[::-1]:
        equal = row == value
        taken[equal] = min(1.0, left / equal.sum())
        left -= taken[equal].sum()
        if left <= 0:
            break
    return taken


def agreement(taken: ArrayLike, marks: ArrayLike) -> float:
    """Mean F of what was taken of each piece ``(S,)`` with each rater's own best ``(R, S)``."""
    own = np.asarray(taken, np.float64)
    wanted = [best(rater) for rater in np.asarray(marks)]
    return float(np.mean([2 * (own * w).sum() / (own.sum() + w.sum()) for w in wanted]))


def samples_of(folder: Path, model: iptnet.Model) -> list[RatedSample]:
    """The rated videos as the package sees them, from its cache where it has them."""
    direction = subject()
    return [
        sample(video, seen(video, model.encoder, model.cache), model.summarizer, direction)
        for video in load_rated(folder)
    ]


def measure(samples: Sequence[RatedSample]) -> list[Row]:
    """Every row of the table."""
    rows = [_row(name, score, samples) for name, score in _scores().items()]
    rows.append(_random(samples))
    for name, made in _ridges(samples).items():
        scores = dict(zip([s.video.name for s in samples], _left_out(made), strict=True))
        rows.append(_row(name, lambda s, found=scores: found[s.video.name], samples))
    rows.append(_raters(samples))
    return rows


def table(rows: Sequence[Row]) -> str:
    """Markdown: a row a way of scoring, τ per video, τ of both halves and all, F."""
    names = list(rows[0].tau)
    halves = (
        ("chosen on", [n for n in names if n in CHOSEN_ON]),
        (
            "reported",
            [n for n in names if n not in CHOSEN_ON],
        ),
    )
    head = ["importance", *(n.split("_")[0] for n in names), *(h for h, _ in halves), "τ", "F"]
    lines = ["| " + " | ".join(head) + " |", "| --- " + "| ---: " * (len(head) - 1) + "|"]
    for row in rows:
        cells = [f"{row.tau[n]:.2f}" for n in names]
        cells += [f"{np.mean([row.tau[n] for n in half]):.3f}" for _, half in halves if half]
        spread = np.std(list(row.tau.values()))
        cells.append(f"{np.mean(list(row.tau.values())):.3f} ± {spread:.2f}")
        cells.append(f"{np.mean(list(row.f.values())):.3f}")
        lines.append("| " + " | ".join([row.name, *cells]) + " |")
    return "\n".join(lines)


def summaries(samples: Sequence[RatedSample], model: iptnet.Model) -> dict[str, float]:
    """F of the keyshots of each video, chosen with weights that were fitted on the other videos."""
    found = {}
    for one, encoded in left_out(samples, model):
        taken = np.zeros(one.video.marks.shape[1])
        starts = SEGMENT * np.arange(len(taken))
        for shot in encoded.summarize(BUDGET).keyshots:
            inside = np.minimum(shot.end, starts + SEGMENT) - np.maximum(shot.start, starts)
            taken += np.clip(inside, 0, None) / SEGMENT
        found[one.video.name] = agreement(taken, one.video.marks)
    return found


def left_out(
    samples: Sequence[RatedSample], model: iptnet.Model
) -> Iterator[tuple[RatedSample, Encoded]]:
    """Each video as a model sees it that was fitted on the others; use it before the next."""
    shipped = model.summarizer.pictures
    for k, one in enumerate(samples):
        weights = fit([*samples[:k], *samples[k + 1 :]], STRENGTH)
        model.summarizer.pictures = PictureReading(weights, subject())
        yield one, model.encode(one.video.path)
    model.summarizer.pictures = shipped


def _row(name: str, score: Score, samples: Sequence[RatedSample]) -> Row:
    found = {s.video.name: score(s) for s in samples}
    marks = {s.video.name: s.video.marks for s in samples}
    return Row(
        name,
        {n: rank_correlation(v, marks[n]).tau for n, v in found.items()},
        {n: agreement(best(v), marks[n]) for n, v in found.items()},
    )


def _random(samples: Sequence[RatedSample]) -> Row:
    rng = np.random.default_rng(0)
    draws = [_row("", lambda s: rng.random(s.video.marks.shape[1]), samples) for _ in range(DRAWS)]
    mean = {
        key: {n: float(np.mean([getattr(d, key)[n] for d in draws])) for n in draws[0].tau}
        for key in ("tau", "f")
    }
    return Row("random, mean of 20 draws", mean["tau"], mean["f"])


def _raters(samples: Sequence[RatedSample]) -> Row:
    tau, f = {}, {}
    for one in samples:
        pairs = [(a, b[None]) for a, b in permutations(one.video.marks, 2)]
        tau[one.video.name] = float(np.mean([rank_correlation(a, b).tau for a, b in pairs]))
        f[one.video.name] = float(np.mean([agreement(best(a), b) for a, b in pairs]))
    return Row("one rater against the other", tau, f)


def _scores() -> dict[str, Score]:
    """Ways of scoring that need no marks."""
    simple: dict[str, Score] = {
        "every seventh piece": lambda s: (np.arange(s.video.marks.shape[1]) % 7 == 3).astype(float),
        "representativeness: facility location": lambda s: _facility(_vectors(s)),
        "novelty against the piece before": lambda s: _before(_vectors(s)),
        "novelty against all shown before": lambda s: s.rows[:, INPUTS.index("novelty")],
    }
    for name in NAMES:
        sign = -1 if name in {"flat", "damage"} else 1
        simple[f"{'little ' if sign < 0 else ''}{name}"] = lambda s, name=name, sign=sign: (
            sign * _cue(s, name)
        )
    simple["SM trained on captions"] = lambda s: s.rows[:, INPUTS.index("map")]
    return simple


def _ridges(samples: Sequence[RatedSample]) -> dict[str, list[RatedSample]]:
    """Samples whose rows hold the inputs of a ridge."""

    def cues(s: RatedSample) -> Floats:
        rows = [_cue(s, n) for n in NAMES]
        logs = [np.log1p(r) if n in LOGARITHMS else r for n, r in zip(NAMES, rows, strict=True)]
        return _standard(np.column_stack(logs))

    def vectors(s: RatedSample) -> Floats:
        x = _vectors(s)
        return (x - x.mean(axis=0)) / x.std() / 4

    ways: dict[str, Score] = {
        "ridge: ten cues": cues,
        "ridge: vectors": vectors,
        "ridge: cues and vectors": lambda s: np.column_stack([cues(s), vectors(s)]),
        "ours without novelty": lambda s: np.delete(s.rows, INPUTS.index("novelty"), axis=1),
        "ours without SM's map": lambda s: np.delete(s.rows, INPUTS.index("map"), axis=1),
        "ours without subject": lambda s: np.delete(s.rows, INPUTS.index("subject"), axis=1),
        "**ours**": lambda s: s.rows,
    }
    return {name: [replace(s, rows=way(s)) for s in samples] for name, way in ways.items()}


def _left_out(samples: Sequence[RatedSample]) -> list[Floats]:
    return [
        one.rows @ fit([*samples[:k], *samples[k + 1 :]], STRENGTH).astype(np.float64)
        for k, one in enumerate(samples)
    ]


def _cue(s: RatedSample, name: str) -> Floats:
    row = s.features.metadata["cues"][name]
    return per_segment(s.features.times, row, s.video.marks.shape[1])


def _vectors(s: RatedSample) -> Floats:
    rows = per_segment(s.features.times, s.features.vectors, s.video.marks.shape[1])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _before(vectors: Floats) -> Floats:
    unlike = 1 - (vectors[1:] * vectors[:-1]).sum(axis=1)
    return np.concatenate([[unlike.mean()], unlike])


def _facility(vectors: Floats) -> Floats:
    """Greedy facility location: the earlier a piece is taken, the more it represents."""
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9
    like, covered = np.clip(centred @ centred.T, 0, None), np.zeros(len(vectors))
    score, left = np.zeros(len(vectors)), np.ones(len(vectors), bool)
    for rank in range(len(vectors)):
        gain = np.where(left, np.maximum(like - covered, 0).sum(axis=1), -1.0)
        pick = int(gain.argmax())
        score[pick], left[pick] = -rank, False
        covered = np.maximum(covered, like[pick])
    return score


def _standard(rows: Floats) -> Floats:
    return (rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-3)


def report(folder: Path, keyshots: bool = True) -> None:
    """Print the table, and F of our keyshots."""
    model = iptnet.load()
    samples = samples_of(folder, model)
    print(table(measure(samples)))
    if keyshots:
        found = summaries(samples, model)
        print(f"\nF of our keyshots: {np.mean(list(found.values())):.3f}")
        print(", ".join(f"{name} {value:.2f}" for name, value in found.items()))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--summaries", action="store_true", help="also F of our keyshots")
    given = parser.parse_args()
    report(given.folder, given.summaries)


if __name__ == "__main__":
    main()
