"""Seconds as whole frames at an exact rate, and frames as SMPTE timecode.

Editors count in frames of a handful of rates. A rate is a :class:`~fractions.Fraction`, since
29.97 is 30000/1001 and a float of it drifts. The rule, the same as that of the cut itself:

- a source near one of the usual rates has that rate;
- a slower one (10, 12.5, 15 …) lies on a usual rate of which it is a part, so that each of its
  pictures begins with a frame; a faster one (100, 120, 240) on one that is a part of it;
- any other rate is a mean over varying intervals: the source lies on the lowest usual rate that is
  not below it, which shows at each instant what the source showed.

Drop-frame timecode (29.97 and 59.94 only) leaves out numbers, never frames: the first two (four)
numbers of each minute, but for every tenth, so that the count agrees with the clock.
"""

from __future__ import annotations

import math
from fractions import Fraction

USUAL = (
    *(Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30)),
    *(Fraction(50), Fraction(60000, 1001), Fraction(60)),
)
UNKNOWN = Fraction(30)
"""For a timeline that knows no rate."""
SAME = Fraction(4, 10_000)
"""Relative difference within which two rates are one; 23.976 and 24 differ by ten."""
SHORT = Fraction(99, 100)
"""A mean rate may exceed the nominal one by this much: the last picture's time is an estimate."""
TWIN = Fraction(1002, 1000)
SLACK = Fraction(1, 100)
"""Part of a frame that rounding of durations may cost without costing the frame."""


def edit_rate(fps: float) -> Fraction:
    """The rate at which editors should count a source of a mean rate; one of :data:`USUAL`."""
    if not math.isfinite(fps) or fps <= 0:
        return UNKNOWN
    rate = Fraction(fps)
    rate /= max(1, math.ceil(rate * SHORT / USUAL[-1]))
    for usual in USUAL:
        times = max(1, nearest(usual / rate))
        if abs(times * rate - usual) <= SAME * usual:
            return usual
    lowest = next((u for u in USUAL if u >= rate * SHORT), USUAL[-1])
    # 23.976 and 24, 29.97 and 30 are neighbours too close for "lowest" to decide between.
    twins = [u for u in USUAL if lowest <= u <= lowest * TWIN]
    return min(twins, key=lambda usual: abs(usual - rate))


def nearest(value: Fraction) -> int:
    """The nearest whole number, halves up."""
    return math.floor(value + Fraction(1, 2))


def to_frame(seconds: float, rate: Fraction) -> int:
    """The frame that begins nearest to a time."""
    return nearest(Fraction(seconds) * rate)


def whole_frames(seconds: float, rate: Fraction) -> int:
    """How many frames fit into a duration, at least one."""
    return max(1, math.floor(Fraction(seconds) * rate + SLACK))


def to_frames(start: float, end: float, rate: Fraction, total: int) -> tuple[int, int]:
    """A stretch as frames ``[first, after)``, one at least, of a source of ``total`` frames.

    Both ends follow one rule, so that adjoining stretches share their border. Only what begins
    behind the last whole frame gets one more than the source has.
    """
    last = total - 1 if Fraction(start) * rate < total else total
    first = min(to_frame(start, rate), last)
    return first, max(min(to_frame(end, rate), total), first + 1)


def drops_frames(rate: Fraction) -> bool:
    """Whether timecode at this rate is drop-frame by default."""
    return rate in {Fraction(30000, 1001), Fraction(60000, 1001)}


def timecode(frame: int, rate: Fraction) -> str:
    """``hh:mm:ss:ff``, or ``hh:mm:ss;ff`` where numbers are dropped.

    Args:
        frame: counted from 0.
        rate: frames a second.
    """
    base = nearest(rate)
    separator = ":"
    if drops_frames(rate):
        separator = ";"
        dropped = base // 15
        minute = 60 * base - dropped
        tens, rest = divmod(frame, 10 * minute + dropped)
        # The first minute of ten keeps all its numbers.
        passed = max(0, rest - dropped) // minute
        frame += dropped * (9 * tens + passed)
    seconds, frames = divmod(frame, base)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{frames:02}"
