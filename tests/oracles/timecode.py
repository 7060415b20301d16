"""Timecode by counting: every label of a day in order, the dropped ones left out."""

from __future__ import annotations

from collections.abc import Iterator


def labels(base: int, dropped: int) -> Iterator[str]:
    """Labels of the frames 0, 1, 2 …

    Args:
        base: labels a second, 30 for 29.97.
        dropped: labels that minutes not divisible by ten begin without; 0 for non-drop.
    """
    separator = ";" if dropped else ":"
    for hour in range(24):
        for minute in range(60):
            for second in range(60):
                for frame in range(base):
                    if second == 0 and frame < dropped and minute % 10:
                        continue
                    yield f"{hour:02}:{minute:02}:{second:02}{separator}{frame:02}"
