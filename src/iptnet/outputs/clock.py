"""Seconds as people read them: ``m:ss``, ``h:mm:ss``, with decimals where they matter."""

from __future__ import annotations


def clock(seconds: float, decimals: int = 0) -> str:
    """``65.254`` as ``1:05``, or ``1:05.25`` with two decimals; ``3725`` as ``1:02:05``.

    Rounds half up in decimal places shown, so that ``59.999`` is ``1:00`` and never ``0:60``.

    Args:
        seconds: zero or more; finite.
        decimals: digits after the second's point.
    """
    unit = 10**decimals
    ticks = int(seconds * unit + 0.5 + 1e-6)
    whole, fraction = divmod(ticks, unit)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{text}.{fraction:0{decimals}}" if decimals else text
