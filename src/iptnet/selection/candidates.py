"""The pieces of a video from which its summary is chosen, on the grid of its frames.

Everything here depends on the video alone, so that another length costs only the choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.selection.content import Content
from iptnet.selection.likeness import Scales, distances, repeats, spreads, subjects, unit
from iptnet.selection.objective import Objective
from iptnet.selection.pieces import LEAST, cut_into_pieces
from iptnet.selection.stretch import Floats, samples_inside

MILLISECONDS = 1000.0
Ticks = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Weights:
    """What the choice weighs; ``python -m benchmarks.judgement --tune`` finds these values.

    Attributes:
        coverage: λ of the objective.
        plain: how well a piece of no importance stands for others, of 1.
        power: of importance.
        scales: of likeness.
    """

    coverage: float = 1.0
    plain: float = 0.02
    power: float = 3.0
    scales: Scales = field(default_factory=Scales)


DEFAULT = Weights()


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pieces on the grid, and what sets of them are worth.

    Attributes:
        times: (T,) seconds of the samples.
        values: (T,) importance in [0, 1].
        telling: (T,) how good a picture each sample is.
        rate: ticks a second.
        total: ticks of the video.
        duration: of the video in seconds.
        least: ticks of the shortest summary.
        shots: first tick and tick after the last, of each shot.
        pieces: likewise, of each piece.
        home: (P,) number of the shot of each piece.
        scores: (P,) mean importance.
        objective: what sets of pieces are worth.
    """

    times: Floats
    values: Floats
    telling: Floats
    rate: float
    total: int
    duration: float
    least: int
    shots: Ticks
    pieces: Ticks
    home: NDArray[np.int64]
    scores: Floats
    objective: Objective


def candidates(
    times: ArrayLike,
    values: ArrayLike,
    bounds: ArrayLike,
    duration: float,
    *,
    frame_interval: float | None = None,
    content: Content | None = None,
    repeated: bool = False,
    weights: Weights = DEFAULT,
) -> Candidates:
    """Cut shots into pieces and compare these.

    Args:
        times: (T,) sample times in seconds, strictly increasing, T ≥ 1.
        values: (T,) importance, read as lying in [0, 1].
        bounds: (S, 2) shots in seconds, in order, not overlapping, S ≥ 1.
        duration: of the source, in seconds.
        frame_interval: seconds between frames at a constant rate; ``None`` at a variable one.
        content: what the samples show; ``None``: each piece counts for itself.
        repeated: who asks for one thing wants all of it, repeats included.
        weights: tuned.

    Raises:
        ValueError: the arrays are malformed.
    """
    times, values, bounds = checked(times, values, bounds, duration)
    if content is not None and len(content.vectors) != len(times):
        raise ValueError(f"content of {len(content.vectors)} samples, not {len(times)}")
    rate = _whole(1 / frame_interval) if frame_interval else MILLISECONDS
    total = max(1, math.floor(duration * rate + 1e-3))
    shots = joined(snapped(bounds, rate, total), math.ceil(LEAST * rate))
    seconds = np.array(shots, np.float64) / rate
    motion = None if content is None else content.motion
    pieces = snapped(cut_into_pieces(seconds, times, motion), rate, total)
    starts = np.array([a for a, _ in pieces])
    home = np.searchsorted([a for a, _ in shots], starts, side="right") - 1
    inside = [samples_inside(times, a / rate, b / rate) for a, b in pieces]

    def mean(rows: Floats) -> Floats:
        return np.stack([rows[part].mean(axis=0) for part in inside])

    scores = mean(values)
    worth = scores**weights.power
    standing = weights.plain + (1 - weights.plain) * worth
    same = alike = np.eye(len(pieces), dtype=np.float32)
    telling, unlike = np.ones(len(times)), None
    if content is not None:
        telling = content.telling
    if content is not None and not repeated:  # who asks for a blank picture gets it
        quality = mean(content.quality)
        worth, standing = worth * quality, standing * quality
        rows = unit(content.vectors)
        apart = distances(unit(mean(rows.astype(np.float64))))
        spread, moving = mean(spreads(rows, content.scene)), mean(content.moving)
        same = repeats(apart, spread, moving, weights.scales)
        middle = np.array([(a + b) / (2 * rate) for a, b in pieces])
        alike = subjects(apart, middle, weights.scales)
        unlike = apart >= weights.scales.scene
    lengths = np.array([b - a for a, b in pieces], np.int64)
    objective = Objective(
        repeats=same,
        subjects=alike,
        worth=worth.astype(np.float32),
        standing=standing.astype(np.float32),
        lengths=lengths,
        coverage=0.0 if repeated else weights.coverage,
        unlike=unlike,
    )
    # Without a constant rate a tick may hold no frame at all; a tenth of a second does.
    least = 1 if frame_interval else math.ceil(rate / 10)
    return Candidates(
        times, values, telling, rate, total, duration, min(least, total), shots, pieces,
        home.astype(np.int64), scores, objective,
    )  # fmt: skip


def checked(
    times: ArrayLike, values: ArrayLike, bounds: ArrayLike, duration: float
) -> tuple[Floats, Floats, Floats]:
    """The three arrays as float64, importance within [0, 1].

    Raises:
        ValueError: malformed.
    """
    t, v, b = (np.asarray(x, dtype=np.float64) for x in (times, values, bounds))
    if t.ndim != 1 or t.shape != v.shape or not len(t):
        raise ValueError(f"times {t.shape} and values {v.shape} should be one equal (T,), T ≥ 1")
    if b.ndim != 2 or b.shape[1] != 2 or not len(b):
        raise ValueError(f"bounds {b.shape} should be (S, 2), S ≥ 1")
    if not (math.isfinite(duration) and duration > 0):
        raise ValueError(f"a duration of {duration} is not above 0")
    if not all(np.isfinite(x).all() for x in (t, v, b)):
        raise ValueError("times, values and bounds should be finite")
    if (np.diff(t) <= 0).any():
        raise ValueError("times should increase strictly")
    flat = b.ravel()
    if (np.diff(flat) < 0).any() or flat[0] < 0:
        raise ValueError("shots should follow each other from 0 on, without overlap")
    return t, np.clip(v, 0.0, 1.0), b


def snapped(bounds: Floats, rate: float, total: int) -> Ticks:
    """Bounds on the grid; what vanishes there is dropped, and at least one stays."""
    grid: NDArray[Any] = np.clip(np.rint(bounds * rate), 0, total).astype(np.int64)
    ticks = [(int(a), int(b)) for a, b in grid if b > a]
    return ticks or [(0, total)]


def joined(ticks: Ticks, least: int) -> Ticks:
    """Join shots shorter than ``least`` to the one they run into, the last to the one before."""
    done: Ticks = []
    for first, last in ticks:
        if done and done[-1][1] == first and done[-1][1] - done[-1][0] < least:
            done[-1] = (done[-1][0], last)
        else:
            done.append((first, last))
    if len(done) > 1 and done[-1][1] - done[-1][0] < least and done[-2][1] == done[-1][0]:
        done[-2:] = [(done[-2][0], done[-1][1])]
    return done


def _whole(rate: float) -> float:
    """1 / 0.04 as exactly 25, so that times come out as people write them."""
    return float(round(rate)) if abs(rate - round(rate)) < 1e-6 else rate
