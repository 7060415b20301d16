"""The frame rate at which editors should count a source of a mean rate.

Editors count in frames of a handful of rates. A rate is a :class:`~fractions.Fraction`, since
29.97 is 30000/1001 and a float of it drifts. The rule, the same as that of the cut itself:

- a source near one of the usual rates has that rate;
- a slower one (10, 12.5, 15 …) lies on a usual rate of which it is a part, so that each of its
  pictures begins with a frame; a faster one (90, 100, 120, 240) on one that is a part of it;
- any other rate is a mean over varying intervals: the source lies on the lowest usual rate that is
  not below it (48 and 47.952 aside, which not every editor knows), which shows at each instant what
  the source showed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

USUAL = (
    *(Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30)),
    *(Fraction(48000, 1001), Fraction(48), Fraction(50), Fraction(60000, 1001), Fraction(60)),
)
"""What editors count at: film, television and their doubles."""
RARE = {Fraction(48000, 1001), Fraction(48)}
"""Rates that not every editor knows: for sources that have them or a part of them."""
UNKNOWN = Fraction(30)
"""For a timeline that knows no rate."""
SAME = Fraction(4, 10_000)
"""Relative difference within which two rates are one; 23.976 and 24 differ by ten."""
SHORT = Fraction(99, 100)
"""A mean rate may exceed the nominal one by this much: the last picture's time is an estimate."""
TWIN = Fraction(1002, 1000)
"""Up to this factor two usual rates are the same but for the 1001."""
MOST = 601
"""Multiples and parts of a rate are tried below this number: ten seconds a picture are a 600th of
60 pictures a second."""


def edit_rate(fps: float) -> Fraction:
    """Choose the rate at which editors should count a source of a mean rate.

    Args:
        fps: pictures a second; where it is no rate, :data:`UNKNOWN` is chosen.

    Returns:
        one of :data:`USUAL`.
    """
    if not math.isfinite(fps) or fps <= 0:
        return UNKNOWN
    rate = Fraction(fps)
    least = max(1, math.ceil(rate * SHORT / USUAL[-1]))
    if least == 1 and (found := _near(rate * n for n in range(1, MOST))) is not None:
        return found
    if least > 1 and (found := _near(rate / n for n in range(least, MOST))) is not None:
        return found
    rate /= least
    common = [u for u in USUAL if u not in RARE]
    lowest = next((u for u in common if u >= rate * SHORT), common[-1])
    # 23.976 and 24, 29.97 and 30 are neighbours too close for "lowest" to decide between.
    twins = [u for u in common if lowest <= u <= lowest * TWIN]
    return min(twins, key=lambda usual: abs(usual - rate))


def is_own_rate(fps: float) -> bool:
    """Tell whether a source of a mean rate is counted at that very rate."""
    rate = edit_rate(fps)
    return math.isfinite(fps) and abs(Fraction(fps) - rate) <= SAME * rate


def _near(rates: Iterable[Fraction]) -> Fraction | None:
    """The usual rate that the first of some rates has of which one has it."""
    for rate in rates:
        for usual in USUAL:
            if abs(rate - usual) <= SAME * usual:
                return usual
    return None


def nearest(value: Fraction) -> int:
    """Round to the nearest whole number, halves up."""
    return math.floor(value + Fraction(1, 2))
