"""Ticks of a time axis that fall on times people name: half minutes, quarters of an hour."""

from __future__ import annotations

import math

from iptnet.outputs.clock import clock

STEPS = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600),
)


def ticks(duration: float, most: int) -> list[tuple[float, str]]:
    """Times from 0 to at most ``duration`` seconds with their labels, no more than ``most`` + 1."""
    wanted = duration / max(most, 1)
    step = next((s for s in STEPS if s >= wanted), None) or math.ceil(wanted / 86400) * 86400
    decimals = 2 if step < 0.1 else 1 if step < 1 else 0
    return [(k * step, clock(k * step, decimals)) for k in range(int(duration / step + 1e-9) + 1)]
