"""The tone map one pixel after the other, from the standards' formulas."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from iptnet.video.tone import TO_709, Light


def light_of(code: float, transfer: str) -> float:
    """Light in cd/m² of a code value from 0 to 1."""
    if transfer == "smpte2084":
        power = code ** (32 / 2523)
        numerator = max(power - 0.8359375, 0.0)
        return 10_000 * float((numerator / (18.8515625 - 18.6875 * power)) ** (8192 / 1305))
    if code <= 0.5:
        scene = code * code / 3
    else:
        scene = (math.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return 1000 * scene**1.2


def bent(x: float) -> float:
    """Hable's curve."""
    top = x * (0.15 * x + 0.05) + 0.004
    bottom = x * (0.15 * x + 0.50) + 0.06
    return top / bottom - 0.02 / 0.30


def tone_mapped(picture: NDArray[np.uint16], light: Light) -> NDArray[np.int64]:
    """(H, W, 3) codes to 8-bit levels."""
    out = np.zeros(picture.shape, np.int64)
    matrix = TO_709[light.primaries].tolist()
    for y, row in enumerate(picture.tolist()):
        for x, codes in enumerate(row):
            wide = [light_of(code / 65_535, light.transfer) / 100 for code in codes]
            linear = [sum(m * c for m, c in zip(line, wide, strict=True)) for line in matrix]
            brightest = max(*linear, 1e-6)
            scale = bent(brightest) / bent(10) / brightest
            for channel, value in enumerate(linear):
                shown = min(max(value * scale, 0.0), 1.0) ** (1 / 2.4)
                out[y, x, channel] = math.floor(255 * shown + 0.5)
    return out
