"""Kernel temporal segmentation (Potapov et al., ECCV 2014) with a linear kernel, exact.

For m change points over n steps the published objective is

    J(m) / n + penalty · m / (2n) · (log(n / m) + 1),

J(m) being the least within-shot scatter. Instead of the cubic table over all m, we use that the
penalty is concave in m: the optimum lies on a vertex of the lower convex hull of J, and every such
vertex minimises J(m) + λm for some λ, which one pass over the steps solves. Intervals of m are
split at their chord's slope until a lower bound shows that nothing better is left in any of them.
Only when ``max_shots`` cuts the hull between two vertices is the table over m needed, and then no
further than ``max_shots``. Among equal solutions (to about 1e-10 of the total scatter) the one
with the fewest shots wins; within one m, the one whose last shot begins earliest, and so on back.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from iptnet.errors import InputError, UsageError
from iptnet.shots.scatter import Floats, Ints, Scatter

TOLERANCE = 1e-10


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
            one step. Time and memory grow with T · min(T, max_steps).
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
    return _search(Scatter(x, longest), most - 1, penalty)


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
    if not np.isfinite(x).all() or (x.size and float(np.abs(x).max()) > 1e100):
        raise InputError("features hold NaN, infinity or huge numbers", "extract them again")
    return x


def _price(m: float, n: int, penalty: float) -> float:
    """The published penalty times n, for m change points."""
    return 0.5 * penalty * m * (math.log(n / m) + 1) if m > 0 else 0.0


class _Vertex:
    """A solution on the hull: m change points, scatter J, and a λ for which it is optimal."""

    def __init__(self, cuts: Ints, scatter: float, slope: float) -> None:
        self.cuts, self.m, self.scatter, self.slope = cuts, len(cuts), scatter, slope


def _search(costs: Scatter, most: int, penalty: float) -> Ints:
    """The best of all solutions with at most ``most`` change points."""
    n = costs.n
    # Beyond the scatter of the whole, one more cut never pays: this finds the fewest possible.
    whole = costs.total
    first = _Vertex(*costs.solve(2 * whole + 1.0), math.inf)
    last = _Vertex(np.arange(1, n), 0.0, 0.0)
    slack = TOLERANCE * whole
    best, value = first, first.scatter + _price(first.m, n, penalty)

    def improve(candidate: _Vertex) -> None:
        nonlocal best, value
        own = candidate.scatter + _price(candidate.m, n, penalty)
        if own < value - slack or (own <= value + slack and candidate.m < best.m):
            best, value = candidate, own

    def hopeless(left: _Vertex, right: _Vertex) -> bool:
        # J lies above the supporting lines of both ends; lines plus a concave price are least at
        # the ends of the pieces: where the lines cross, and where max_shots cuts the interval.
        span = right.m - left.m
        if span <= 1 or left.m >= most:
            return True
        if math.isinf(left.slope):
            cross = float(left.m)
        elif left.slope > right.slope:
            rise = left.scatter - right.scatter - right.slope * span
            cross = left.m + rise / (left.slope - right.slope)
        else:
            cross = float(right.m)
        corners = [min(max(cross, left.m), right.m, most)] + ([most] if most < right.m else [])
        return all(bound(left, right, m) + _price(m, n, penalty) >= value - slack for m in corners)

    def bound(left: _Vertex, right: _Vertex, m: float) -> float:
        lower = right.scatter + right.slope * (right.m - m)
        return (
            lower
            if math.isinf(left.slope)
            else max(lower, left.scatter - left.slope * (m - left.m))
        )

    if last.m <= most:
        improve(last)
    gaps = [(first, last)]
    edge: tuple[_Vertex, _Vertex] | None = None
    while gaps:
        left, right = gaps.pop()
        if hopeless(left, right):
            continue
        slope = (left.scatter - right.scatter) / (right.m - left.m)
        cuts, scatter = costs.solve(slope)
        middle = _Vertex(cuts, scatter, slope)
        chord = left.scatter + slope * left.m
        if left.m < middle.m < right.m and scatter + slope * middle.m < chord - slack:
            if middle.m <= most:
                improve(middle)
            gaps += [(left, middle), (middle, right)]
        elif left.m < most < right.m and (
            left.scatter - slope * (most - left.m) + _price(most, n, penalty) < value - slack
        ):
            edge = (left, right)
    if edge is not None and not hopeless(*edge):
        for cuts, scatter in costs.table(most)[edge[0].m + 1 :]:
            improve(_Vertex(cuts, scatter, 0.0))
    return best.cuts


__all__ = ["change_points", "frame_bounds", "shot_bounds"]
