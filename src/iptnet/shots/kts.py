"""Kernel temporal segmentation (Potapov et al., ECCV 2014) with a linear kernel, exact.

For m change points over n steps the published objective is

    J(m) / n + penalty · m / (2n) · (log(n / m) + 1),

J(m) being the least within-shot scatter. Instead of the cubic table over all m, we use that the
price of m is concave. One pass over the steps (:mod:`iptnet.shots.paths`) finds G(λ), the least of
scatter + λ · m over all segmentations, so J(m) ≥ G(λ) − λm for *every* m: a line below J. The
search goes on until these lines, plus the price, lie nowhere below the best objective found. That
is the proof of optimality, and it asks nothing of how λ is chosen. How it is chosen makes it fast:
between two known solutions the line through the finer one must reach the best value at the other
end, and since a line plus a concave price is least at an end, it then does so in between. When the
pass finds nothing new for that λ, the gap is closed; when it does, the gap is split. Started from
one shot a step, this is the fixed-point iteration on the price's slope: a few passes.

Only when ``max_shots`` falls between two neighbours on the lower hull of J is the table over m
needed, and then no further than ``max_shots``. Among equal solutions (to about 1e-10 of the total
scatter) the one with the fewest shots wins; within one m, the one whose last shot begins earliest,
and so on back. Sums of costs are exact, so that this rule decides and not the rounding
(:mod:`iptnet.shots.scatter`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from iptnet.errors import InputError, UsageError
from iptnet.shots.paths import Paths
from iptnet.shots.scatter import Floats, Ints, Scatter

SLACK = 8.0
"""Units of scatter, about 1e-10 of the whole: solutions no further apart are equal."""


def change_points(
    features: ArrayLike,
    *,
    max_shots: int | None = None,
    max_steps: int | None = None,
    penalty: float = 1.0,
) -> Ints:
    """Steps at which a new shot begins.

    Args:
        features: (T, D) one vector per step; the published setting expects unit-length rows.
        max_shots: at most so many shots; ``None`` for no bound.
        max_steps: no shot longer than so many steps; ``None`` for no bound. Shots have at least
            one step. With a bound, time grows with T · max_steps; without one, with T times the
            length of the longest shots, and with T² where nothing ever changes but by noise.
        penalty: the published ``vmax``: larger means fewer shots. It is on the scale of the
            features' squared length.

    Returns:
        (m,) int64, strictly increasing, 0 excluded; empty for fewer than two steps.

    Raises:
        InputError: not a matrix, or NaN, infinity or overflowing numbers in it.
        UsageError: a bound below one, bounds that contradict each other, or a penalty that is not
            positive and finite.
    """
    x = _checked(features)
    n = len(x)
    longest = n if max_steps is None else min(max_steps, n)
    most = n if max_shots is None else min(max_shots, n)
    if (max_steps is not None and max_steps < 1) or (max_shots is not None and max_shots < 1):
        raise UsageError("max_shots and max_steps start at 1", "raise them or leave them out")
    if not (math.isfinite(penalty) and penalty > 0):
        raise UsageError(
            f"penalty {penalty} is not positive and finite", "1.0 is the published one"
        )
    if n <= 1:
        return np.empty(0, np.int64)
    if most * longest < n:
        raise UsageError(
            f"{max_shots} shots of at most {max_steps} steps cannot cover {n} steps",
            "raise max_shots or max_steps",
        )
    return _search(Paths(Scatter(x, every_step=longest < n), longest), most - 1, penalty)


def shot_bounds(change_points: ArrayLike, n_steps: int) -> Ints:
    """(S, 2) first and last step of each shot, inclusive, covering ``0 … n_steps - 1``.

    Args:
        change_points: (m,) what :func:`change_points` returned.
        n_steps: T; 0 gives no shot at all.
    """
    return frame_bounds(change_points, np.arange(n_steps), n_steps)


def frame_bounds(change_points: ArrayLike, picks: ArrayLike, n_frames: int) -> Ints:
    """(S, 2) first and last frame of each shot as the benchmark files hold them, inclusive.

    A shot begins at the frame of its first step, the first one at frame 0; the last one ends with
    the video.

    Args:
        change_points: (m,) step indices.
        picks: (T,) frame of each step.
        n_frames: frames of the video.
    """
    if n_frames == 0:
        return np.empty((0, 2), np.int64)
    starts = np.asarray(picks, np.int64)[np.asarray(change_points, np.int64)]
    edges = np.concatenate([[0], starts, [n_frames]])
    return np.stack([edges[:-1], edges[1:] - 1], axis=1).astype(np.int64)


def _checked(features: ArrayLike) -> Floats:
    x = np.asarray(features)
    if x.ndim != 2 or x.dtype.kind not in "fiu":
        raise InputError(f"features of shape {x.shape} and type {x.dtype}", "give a (T, D) matrix")
    x = x.astype(np.float64)
    # Half of the range: squares and sums over the steps must stay finite as well.
    if x.size and not -1e100 <= float(x.min()) <= float(x.max()) <= 1e100:
        raise InputError("features hold NaN, infinity or huge numbers", "extract them again")
    return x


@dataclass(frozen=True, slots=True)
class _Solution:
    """The best one for its number of cuts; at prices from ``slope`` on, none with more is better.

    Scatter and slope are in units.
    """

    cuts: Ints
    scatter: float
    slope: float

    @property
    def m(self) -> int:
        return len(self.cuts)


def _search(paths: Paths, most: int, penalty: float) -> Ints:
    """The best of all solutions with at most ``most`` cuts."""
    n, total = paths.scatter.steps, paths.scatter.total
    finest = _Solution(paths.scatter.at[1:-1], 0.0, 0.0)
    ms = np.arange(finest.m + 1)
    price = 0.5 * penalty / paths.scatter.unit * ms * (np.log(n / np.maximum(ms, 1)) + 1)
    least = np.zeros(len(ms))  # J(m) is at least that
    least[: -(-n // paths.longest) - 1] = np.inf
    least[most + 1 :] = np.inf
    found = [finest]
    best, value = finest, float(price[-1])

    def improve(candidate: _Solution) -> None:
        nonlocal best, value
        own = candidate.scatter + float(price[candidate.m])
        if own < value - SLACK or (own <= value + SLACK and candidate.m < best.m):
            best, value = candidate, own

    edge, doubt = 0, least[:0]
    # One shot for everything costs nothing to know; with a bound on lengths, a pass.
    if finest.m and (most < finest.m or paths.longest >= n):
        coarsest = _coarsest(paths)
        found.insert(0, coarsest)
        least[coarsest.m] = coarsest.scatter
        if most < finest.m:
            best, value = coarsest, coarsest.scatter + float(price[coarsest.m])
        else:
            improve(coarsest)
    while len(unsure := np.flatnonzero(least + price < value - SLACK)):
        # The rightmost doubtful gap between solutions; the first one may lie left of them all.
        place = next(i for i, solution in enumerate(found) if solution.m > unsure[-1])
        right, left_m = found[place], found[place - 1].m if place else -1
        low = int(unsure[np.searchsorted(unsure, left_m, side="right")])
        if right.m <= most:
            slope = (value - float(price[low]) - right.scatter) / (right.m - low)
        else:
            slope = (found[place - 1].scatter - right.scatter) / (right.m - left_m)
        # Beyond the scatter of the whole, one more cut never pays.
        slope = min(max(math.ceil(slope), right.slope), total + 1)
        solution = _Solution(*paths.solve(slope), slope)
        least = np.maximum(least, solution.scatter + slope * (solution.m - ms))
        if left_m < solution.m < right.m:
            found.insert(place, solution)
            if solution.m <= most:
                improve(solution)
        else:
            # No vertex in between: what is left of the doubt is the rounding of the slope, …
            if right.m > most:  # … or the solution that would dispel it is not allowed
                edge, doubt = low, least[low:].copy()
            least[low : right.m] = np.inf
    if len(doubt) and (doubt + price[edge:] < value - SLACK).any():
        for cuts, scatter in paths.table(most)[edge:]:
            improve(_Solution(cuts, scatter, 0.0))
    return best.cuts


def _coarsest(paths: Paths) -> _Solution:
    """The fewest shots that the bound on their length allows."""
    price = paths.scatter.total + 1
    if paths.longest >= paths.scatter.steps:
        return _Solution(np.empty(0, np.int64), paths.scatter.total, price)
    return _Solution(*paths.solve(price), price)


__all__ = ["change_points", "frame_bounds", "shot_bounds"]
