"""Area pooling, one pair of steps at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def resample(values: Floats, source: Floats, target: Floats) -> Floats:
    """Mean of a step function over each target step, weighted by the time they share."""
    out = np.zeros(len(target) - 1)
    for t in range(len(out)):
        mass = covered = 0.0
        for s in range(len(values)):
            shared = min(source[s + 1], target[t + 1]) - max(source[s], target[t])
            if shared > 0:
                mass += shared * values[s]
                covered += shared
        out[t] = mass / covered if covered > 0 else 0.0
    return out
