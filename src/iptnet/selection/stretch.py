"""The best contiguous stretch of a given length inside one shot.

Needed where a whole shot does not fit the budget. The curve is read as linear between the samples
inside the shot and constant beyond them, so that nothing leaks in across a cut; its integral is
exact at any time, whatever the sampling.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MAX_STARTS = 5000


def samples_inside(times: Floats, start: float, end: float) -> slice:
    """The samples in ``[start, end)``; the one nearest to the middle when there is none.

    Args:
        times: (T,) strictly increasing, seconds; T ≥ 1.
        start: first second of the stretch.
        end: second after its last.
    """
    first, last = np.searchsorted(times, [start, end])
    if first == last:
        first = int(np.argmin(np.abs(times - (start + end) / 2)))
        last = first + 1
    return slice(int(first), int(last))


def best_stretch(
    times: Floats, values: Floats, ticks: tuple[int, int], length: int, rate: float
) -> tuple[int, float]:
    """Where a shot is most important for ``length`` ticks.

    Ties go to the stretch nearest to the middle of the shot: its ends are where fades and slates
    are. Of a long shot, at most ``MAX_STARTS`` evenly spaced starts are tried.

    Args:
        times: (T,) sample times in seconds.
        values: (T,) importance.
        ticks: first tick of the shot and the one after its last.
        length: ticks wanted, at most the shot's own.
        rate: ticks a second.

    Returns:
        The first tick of the stretch, and the mean importance over it.
    """
    first, last = ticks
    inside = samples_inside(times, first / rate, last / rate)
    area = _integral(times[inside], values[inside])
    count = last - first - length + 1
    middle = (first + last - length) // 2
    starts = np.linspace(first, last - length, min(count, MAX_STARTS)).round()
    starts = np.unique(np.append(starts, middle))
    means = (area((starts + length) / rate) - area(starts / rate)) * rate / length
    off_centre = np.abs(starts + length / 2 - (first + last) / 2)
    best = np.lexsort((starts, off_centre, -means.round(9)))[0]
    return int(starts[best]), float(means[best])


def _integral(times: Floats, values: Floats) -> Callable[[Floats], Floats]:
    """The antiderivative of the curve, constant outside its samples."""
    gaps = np.diff(times)
    sums = np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2 * gaps)])

    def area(at: Floats) -> Floats:
        k = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 1)
        past = at - times[k]
        slopes = np.append(np.diff(values) / gaps, 0.0)
        # Before the first sample `past` is negative: constant there too.
        slope = np.where(past < 0, 0.0, slopes[k])
        result: Floats = sums[k] + values[k] * past + slope * past**2 / 2
        return result

    return area
