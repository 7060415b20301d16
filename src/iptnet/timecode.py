"""SMPTE timecode (ST 12-1): labels of frames, ``hh:mm:ss:ff``, and the frames that they count.

A label's last number runs to the base: the rate rounded to a whole number, 30 at 29.97. Drop-frame
timecode leaves out numbers, never frames: at base 30 the first two of each minute (four at 60,
eight at 120), but for every tenth, so that 29.97 frames a second agree with the clock. It is
written with a semicolon before the frames, in some files with a full stop or a comma.
"""

from __future__ import annotations

import re
from typing import NamedTuple

DAY = 24 * 3600
"""Seconds after which timecode begins anew."""

DROPPING = 30
"""Drop-frame timecode exists at multiples of this base only."""

LABEL = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})([:;.,])(\d{1,3})", re.ASCII)


class Label(NamedTuple):
    """The numbers of a label, and whether its separator says drop-frame."""

    hours: int
    minutes: int
    seconds: int
    frames: int
    drop: bool


def read_label(text: str) -> Label | None:
    """Read a label; ``None`` when the text is none, or names a time that no clock shows."""
    found = LABEL.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds, frames = (int(found[n]) for n in (1, 2, 3, 5))
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    return Label(hours, minutes, seconds, frames, found[4] != ":")


def can_drop(base: int) -> bool:
    """Tell whether drop-frame timecode exists at a base."""
    return base % DROPPING == 0


def exists(label: Label, base: int, drop: bool) -> bool:
    """Tell whether counting at this base comes across a label."""
    left_out = drop and label.seconds == 0 and label.minutes % 10
    return (base // 15 if left_out else 0) <= label.frames < base


def frame_of(label: Label, base: int, drop: bool) -> int:
    """Count the frames from 00:00:00:00 to a label.

    Args:
        label: its own mark of drop-frame is not looked at.
        base: frame numbers in a second.
        drop: whether numbers are left out.
    """
    minutes = 60 * label.hours + label.minutes
    frame = (60 * minutes + label.seconds) * base + label.frames
    return frame - base // 15 * (minutes - minutes // 10) if drop else frame


def label_of(frame: int, base: int, drop: bool) -> str:
    """Write the label of a frame; hours run on beyond 23.

    Args:
        frame: counted from 00:00:00:00.
        base: frame numbers in a second.
        drop: whether numbers are left out.
    """
    if drop:
        dropped = base // 15
        minute = 60 * base - dropped
        tens, rest = divmod(frame, 10 * minute + dropped)
        # The first minute of ten keeps all its numbers.
        passed = max(0, rest - dropped) // minute
        frame += dropped * (9 * tens + passed)
    seconds, frames = divmod(frame, base)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{';' if drop else ':'}{frames:02}"


def frames_a_day(base: int, drop: bool) -> int:
    """Count the frames after which labels begin anew."""
    return DAY * base - (base // 15 * (1440 - 144) if drop else 0)
