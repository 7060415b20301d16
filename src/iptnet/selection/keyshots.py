"""From an importance curve to the keyshots of a watchable summary, within a budget.

A 0/1 knapsack over shots, as in the benchmark protocol, with differences that serve viewers
(the protocol's own conversion is ``iptnet.protocol.keyshots`` and stays what papers use):

- A shot is worth its mean importance **times its length**. Worth its mean alone, ten dull shots of
  one second beat one splendid shot of ten.
- A shot longer than a third of the budget takes part with its best stretch of a third (1.75 seconds
  at least), so that a summary shows several things. When more than a fifth of the budget stays
  unused, the best shot left out contributes a stretch; then the shortened ones play on.
- A shot that shows what is already there is worth less (:mod:`iptnet.selection.redundancy`).
- Shots under one second join the shot that follows, so that nothing flickers by.

``python -m benchmarks.selection`` compares both rules by F against people left out: .39 against .32
on SumMe with the others' mean as importance, .36 against .26 with strong noise on top.

Everything is decided on an integer grid: frames of the source, milliseconds at variable rates. The
function is pure and fast; a slider can call it at every move. Where the curve says nothing (a black
video, all values equal) the knapsack fills the budget and stretches come from the middle of a shot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.errors import UsageError
from iptnet.protocol.knapsack import knapsack
from iptnet.selection.redundancy import discounts
from iptnet.selection.stretch import Floats, best_stretch, samples_inside
from iptnet.timeline import Keyshot, Shot

MIN_KEYSHOT = 1.0
"""Seconds; shorter shots join a neighbour, shorter keyshots exist only in shorter budgets."""
MIN_FILL = 1.5
"""Seconds; what a stretch that fills up the budget should at least be worth watching."""
UNUSED = 0.2
"""Share of the budget that may stay unused before a stretch fills it up."""
PARTS = 3
"""A summary of one single stretch shows one thing: longer shots are shortened to a third of it."""
MIN_PART = 1.75
"""Seconds; but not below this, under which a viewer grasps nothing."""
DULL = 0.2
"""What is worth less than this share of the best shot only plays when nothing else is left."""
MILLISECONDS = 1000.0
MAX_CELLS = 30_000_000
"""Size of the knapsack's table; beyond it, lengths are rounded up to a coarser unit. A video of ten
hours at 30 frames a second stays far below it unless thousands of shots are worth the same."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What :func:`select` decided.

    Attributes:
        shots: all shots on the grid, in order, with their mean importance.
        keyshots: what the summary plays, in order; each lies inside one selected shot.
        budget: seconds the summary could last, at least one frame.
    """

    shots: tuple[Shot, ...]
    keyshots: tuple[Keyshot, ...]
    budget: float


def select(
    times: ArrayLike,
    values: ArrayLike,
    bounds: ArrayLike,
    duration: float,
    *,
    ratio: float = 0.15,
    frame_interval: float | None = None,
    vectors: ArrayLike | None = None,
) -> Selection:
    """Choose keyshots whose total length is at most ``ratio`` of the video, and at least a frame.

    Args:
        times: (T,) sample times in seconds, strictly increasing, T ≥ 1.
        values: (T,) importance, read as lying in [0, 1].
        bounds: (S, 2) shots in seconds, in order, not overlapping, S ≥ 1.
        duration: of the source, in seconds.
        ratio: share of the duration to keep, in (0, 1]; 1 keeps every shot whole.
        frame_interval: seconds between frames at a constant rate; ``None`` at a variable one.
        vectors: (T, D) what each sample shows, relative to the features' mean; with them, shots
            like those already chosen are worth less. ``None``: each shot counts for itself.

    Raises:
        UsageError: the ratio is not in (0, 1].
        ValueError: the arrays are malformed.
    """
    if not 0 < ratio <= 1:
        raise UsageError(f"a ratio of {ratio} is not in (0, 1]", "give a share such as 0.15")
    times, values, bounds = _checked(times, values, bounds, duration)
    rate = _whole(1 / frame_interval) if frame_interval else MILLISECONDS
    total = max(1, math.floor(duration * rate + 1e-3))
    ticks = _joined(_snapped(bounds, rate, total), math.ceil(MIN_KEYSHOT * rate))
    scores = np.array([values[samples_inside(times, a / rate, b / rate)].mean() for a, b in ticks])

    # Without a constant rate a tick may hold no frame at all; a tenth of a second does.
    least = 1 if frame_interval else math.ceil(rate / 10)
    budget = min(total, max(least, math.floor(ratio * duration * rate + 1e-6)))
    if ratio == 1:
        chosen = {i: (a, b, scores[i]) for i, (a, b) in enumerate(ticks)}
    else:
        shown = None if vectors is None else _shown(times, vectors, ticks, rate)
        chosen = _chosen(times, values, ticks, scores, shown, budget=budget, rate=rate)

    def seconds(tick: int) -> float:
        return min(tick / rate, duration)

    # The last frame of a file may last longer than the others; the last shot keeps it, and so does
    # a summary that keeps everything.
    ends = [duration if b == total else seconds(b) for _, b in ticks]
    shots = tuple(
        Shot(seconds(a), end, score=float(scores[i]), selected=i in chosen)
        for i, ((a, _), end) in enumerate(zip(ticks, ends, strict=True))
    )
    keyshots = tuple(
        Keyshot(seconds(a), ends[i] if ratio == 1 else seconds(b), score=float(s))
        for i, (a, b, s) in sorted(chosen.items())
    )
    return Selection(shots, keyshots, budget / rate)


Ticks = list[tuple[int, int]]


def _chosen(
    times: Floats,
    values: Floats,
    ticks: Ticks,
    scores: Floats,
    shown: Floats | None,
    *,
    budget: int,
    rate: float,
) -> dict[int, tuple[int, int, float]]:
    """Shot index → (first tick, tick after the last, mean importance), within the budget."""

    def cut(i: int, length: int) -> tuple[int, int, float]:
        first, last = ticks[i]
        if last - first <= length:
            return first, last, float(scores[i])
        start, mean = best_stretch(times, values, ticks[i], length, rate)
        return start, start + length, mean

    # Equal parts, so that whatever two or three are chosen fill the budget.
    longest = budget // min(max(int(budget / (MIN_PART * rate)), 1), PARTS)
    offers = [cut(i, longest) for i in range(len(ticks))]
    lengths = np.array([b - a for a, b, _ in offers])
    still = np.array([s for _, _, s in offers])
    if shown is not None:
        still *= discounts(still, lengths, shown, budget)
    # Plus one millionth, so that time is worth something even where the curve is zero.
    worth = (np.rint(1e6 * still).astype(np.int64) + 1) * lengths
    # A dull shot that just fits the gap is worse than a good one that plays on.
    bright = np.flatnonzero(still >= DULL * still.max())
    picked = bright[knapsack(worth[bright], lengths[bright], budget, max_cells=MAX_CELLS)].tolist()
    chosen = {i: offers[i] for i in picked}

    unused = budget - sum(b - a for a, b, _ in chosen.values())

    def fill(shots: NDArray[np.int64]) -> None:
        nonlocal unused
        for i in shots[np.argsort(-still[shots], kind="stable")].tolist():
            if unused <= max(UNUSED * budget, MIN_FILL * rate):
                return
            if i not in chosen and ticks[i][1] - ticks[i][0] >= MIN_FILL * rate:
                chosen[i] = cut(i, min(unused, longest))
                unused -= chosen[i][1] - chosen[i][0]

    fill(bright)
    # What then is left lets the best of the shortened shots play on.
    for i in sorted(chosen, key=lambda i: -chosen[i][2]):
        length = chosen[i][1] - chosen[i][0]
        more = min(unused, ticks[i][1] - ticks[i][0] - length)
        if more > 0:
            chosen[i] = cut(i, length + more)
            unused -= more
    fill(np.arange(len(offers)))
    return chosen


def _shown(times: Floats, vectors: ArrayLike, ticks: Ticks, rate: float) -> Floats:
    """(S, D) the mean of what each shot shows."""
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or len(rows) != len(times) or not np.isfinite(rows).all():
        raise ValueError(f"vectors {rows.shape} should be finite, ({len(times)}, D)")
    return np.stack([rows[samples_inside(times, a / rate, b / rate)].mean(0) for a, b in ticks])


def _checked(
    times: ArrayLike, values: ArrayLike, bounds: ArrayLike, duration: float
) -> tuple[Floats, Floats, Floats]:
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


def _snapped(bounds: Floats, rate: float, total: int) -> Ticks:
    """Bounds on the grid; what vanishes there is dropped, and at least one shot stays."""
    grid: NDArray[Any] = np.clip(np.rint(bounds * rate), 0, total).astype(np.int64)
    ticks = [(int(a), int(b)) for a, b in grid if b > a]
    return ticks or [(0, total)]


def _joined(ticks: Ticks, least: int) -> Ticks:
    """Join shots shorter than ``least`` to the one they run into, the last to the one before."""
    joined: Ticks = []
    for first, last in ticks:
        if joined and joined[-1][1] == first and joined[-1][1] - joined[-1][0] < least:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    if len(joined) > 1 and joined[-1][1] - joined[-1][0] < least and joined[-2][1] == joined[-1][0]:
        joined[-2:] = [(joined[-2][0], joined[-1][1])]
    return joined


def _whole(rate: float) -> float:
    """1 / 0.04 as exactly 25, so that times come out as people write them."""
    return float(round(rate)) if abs(rate - round(rate)) < 1e-6 else rate
