"""Seconds as whole frames at an exact rate, and frames as SMPTE timecode."""

from __future__ import annotations

import math
from fractions import Fraction

from iptnet.rates import nearest
from iptnet.timecode import label_of

SLACK = Fraction(1, 100)
"""Part of a frame that rounding of durations may cost without costing the frame."""


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


def timecode(frame: int, rate: Fraction, drop: bool | None = None) -> str:
    """``hh:mm:ss:ff``, or ``hh:mm:ss;ff`` where numbers are dropped.

    Args:
        frame: counted from 0.
        rate: frames a second.
        drop: whether numbers are dropped; ``None`` for what is usual at that rate.
    """
    return label_of(frame, nearest(rate), drops_frames(rate) if drop is None else drop)
