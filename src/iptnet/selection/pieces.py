"""Pieces of shots, short enough to choose from: 1.5 to four seconds, cut where least moves.

A shot of twelve seconds in which something happens for three is not all or nothing. Shots of up to
four seconds stay whole; longer ones are cut by dynamic programming into pieces whose length is
near :data:`USUAL` and whose bounds lie where the picture moves least.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST = 1.5
"""Seconds; below it a viewer grasps nothing. Shorter shots join a neighbour."""
SHORT, USUAL, LONG = 1.5, 2.0, 4.0
"""Seconds: of a shot that is cut, no piece is shorter than the first or longer than the last."""
STEP = 0.5
"""Seconds between two places where a shot may be cut."""
LENGTH_WEIGHT = 2.0
"""How much an unusual length counts against a cut in the midst of motion."""
STILLEST = 3.0
"""Times the shot's median motion, from which a cut is as bad as it gets."""


def cut_into_pieces(bounds: Floats, times: Floats, motion: Floats | None) -> Floats:
    """Cut shots into pieces.

    Args:
        bounds: (S, 2) shots in seconds, in order, not overlapping.
        times: (T,) sample times in seconds.
        motion: (T,) how much moved since the sample before, on any scale; ``None`` when unknown.

    Returns:
        (P, 2) pieces in seconds; each lies inside one shot, and together they are the shots.
    """
    pieces: list[tuple[float, float]] = []
    for start, end in bounds.tolist():
        count = int((end - start) / STEP)
        if end - start <= LONG or count < 2 * int(SHORT / STEP):
            pieces.append((start, end))
            continue
        cost = _cut_costs(start, count, times, motion)
        inner = [start + STEP * k for k in _cheapest_cuts(cost, (end - start) / STEP)]
        edges = [start, *inner, end]
        pieces += pairwise(edges)
    return np.array(pieces, dtype=np.float64).reshape(-1, 2)


def _cut_costs(start: float, count: int, times: Floats, motion: Floats | None) -> Floats:
    """What a cut after k steps of a shot costs, (count + 1,), 0 to 1."""
    if motion is None:
        return np.zeros(count + 1)
    at = start + STEP * np.arange(count + 1)
    # Motion of a sample is what changed since the one before; the cut lies between the two.
    found = np.clip(np.searchsorted(times, at), 0, len(times) - 1)
    moved = motion[found]
    usual = float(np.median(moved))
    return np.clip(moved / (STILLEST * usual), 0, 1) if usual > 0 else (moved > 0).astype(float)


def _cheapest_cuts(cost: Floats, length: float) -> list[int]:
    """Steps after which to cut a shot of ``length`` steps, ascending."""
    count = len(cost) - 1
    shortest, longest, usual = SHORT / STEP, LONG / STEP, USUAL / STEP
    best, before = [0.0] + [np.inf] * count, [0] * (count + 1)
    total, last = np.inf, 0
    prices = cost.tolist()
    for k in range(int(shortest), count + 1):
        for j in range(max(0, k - int(longest)), k - int(shortest) + 1):
            odd = LENGTH_WEIGHT * ((k - j) / usual - 1) ** 2
            if best[j] + odd + prices[k] < best[k]:
                best[k], before[k] = best[j] + odd + prices[k], j
        rest = length - k
        if shortest <= rest <= longest:
            odd = LENGTH_WEIGHT * (rest / usual - 1) ** 2
            if best[k] + odd < total:
                total, last = best[k] + odd, k
    cuts = []
    while last > 0:
        cuts.append(last)
        last = before[last]
    return cuts[::-1]


def jumps(motion: Floats, isolated: float = 4.0, least: float = 0.05) -> NDArray[np.int64]:
    """Samples at which the picture changes at once and then rests, as slides do.

    Shots by kernel temporal segmentation miss them where the vectors barely move.

    Args:
        motion: (T,) mean difference to the sample before beyond the camera's and the codec's.
        isolated: how many times the motion around it.
        least: grey levels; 0.05 is a line of text on a slide.
    """
    around = 4
    padded = np.pad(motion, around, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1)
    # The three quarters that move least: a second jump nearby does not hide the first.
    usual = np.sort(windows, axis=1)[:, (3 * (2 * around + 1)) // 4]
    found = (motion >= least) & (motion >= isolated * usual)
    found[:1] = False
    result: NDArray[np.int64] = np.flatnonzero(found).astype(np.int64)
    return result
