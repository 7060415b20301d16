"""Algorithm 1 of the paper, one step and one pair at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def cosine(x: Floats, y: Floats) -> float:
    lengths = math.sqrt(float(x @ x)) * math.sqrt(float(y @ y))
    return float(x @ y) / lengths if lengths > 0 else 0.0


def spread(
    importance: Floats,
    hidden: Floats,
    s: int,
    *,
    clamp: bool = True,
    divisor: str = "window",
    in_place: bool = False,
) -> Floats:
    """Stage 1: lines 2 to 7."""
    T = len(importance)
    old, new = importance.copy(), np.zeros(T)
    for i in range(T):
        total = weight = 0.0
        window = range(max(0, i - s), min(i + s + 1, T))
        for j in window:
            o = cosine(hidden[i], hidden[j])
            o = max(o, 0.0) if clamp else o
            total += old[j] * o
            weight += o
        share = len(window) if divisor == "window" else weight
        new[i] = total / share if abs(share) > 1e-8 else total
        if in_place:
            old[i] = new[i]
    return new


def distances(values: Floats, s: int) -> list[int]:
    """Signed steps to the maximum of each window: the nearest, and of two the earlier."""
    T, found = len(values), []
    for i in range(T):
        window = list(range(max(0, i - s), min(i + s + 1, T)))
        top = max(values[j] for j in window)
        peaks = [j - i for j in window if values[j] == top]
        found.append(min(peaks, key=lambda d: (abs(d), d)))
    return found


def propagate(
    importance: Floats, hidden: Floats, s: int, gamma: Floats, *, decay: bool = True, **how: object
) -> Floats:
    """Both stages; ``gamma`` is Γ of each step, already computed."""
    first = spread(importance, hidden, s, **how)  # type: ignore[arg-type]
    sigma = s / 2
    deltas = [math.exp(-(d**2) / (2 * sigma**2)) if decay else 1.0 for d in distances(first, s)]
    return np.array([i * d + g for i, d, g in zip(first, deltas, gamma, strict=True)])
