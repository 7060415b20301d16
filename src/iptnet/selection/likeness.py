"""How alike pieces are: as repeats of one picture, and as parts of one subject.

Vectors are compared by d = 1 − cosine around the features' mean. What counts as the same picture
depends on how steady the scene is: on a slide that rests, one more line is news; in a hand-held
shot it is not. So the scale of d is the spread of the scenes that two pieces come from, between an
absolute least and most. Subjects are coarser: their scale is absolute, so that a video of one
subject is covered by any piece of it, and pieces next to each other in time are taken for more
alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]

LEAST_SPREAD, MOST_SPREAD = 0.001, 0.1
"""Of d. Below the first, encoding the same picture twice makes a difference; two visits to one
room are closer than the second."""
STILL = 0.1
"""Share of the picture that moves from which a piece is not still at all."""


@dataclass(frozen=True, slots=True)
class Scales:
    """What :mod:`benchmarks.judgement` tunes.

    Attributes:
        same: d up to this many spreads is the same picture.
        other: d from this many spreads is no repeat at all.
        subject: d from here on is another subject.
        scene: d from here on is another scene, which may stand close by.
        alive: how far a piece in which something moves can repeat another; it shows something new.
        near: by how much d counts less for pieces at one place in time.
        seconds: over which that fades.
    """

    same: float = 1.0
    other: float = 1.5
    subject: float = 0.6
    scene: float = 0.7
    alive: float = 0.0
    near: float = 0.8
    seconds: float = 10.0


def unit(rows: Floats) -> Matrix:
    """(N, D) rows at length one; what is zero stays."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(norms > 0, norms, 1)).astype(np.float32)


def spreads(rows: Matrix, scene: NDArray[np.int64]) -> Floats:
    """Mean d of a scene's samples from their mean, for each sample.

    Args:
        rows: (T, D) unit rows.
        scene: (T,) number of each sample's scene, not falling.
    """
    starts = np.flatnonzero(np.diff(scene, prepend=-1))
    counts = np.diff(np.append(starts, len(scene)))
    means = unit(np.add.reduceat(rows.astype(np.float64), starts, axis=0))
    number = np.repeat(np.arange(len(starts)), counts)
    distance = 1 - np.einsum("td,td->t", rows, means[number], dtype=np.float64)
    each = np.add.reduceat(distance, starts) / counts
    result: Floats = each[number]
    return result


def repeats(distance: Matrix, spread: Floats, moving: Floats, scales: Scales) -> Matrix:
    """(P, P) in [0, 1]: how far a piece shows the picture of another.

    Args:
        distance: (P, P) d.
        spread: (P,) of the scene of each.
        moving: (P,) share of the picture that moves.
        scales: tuned.
    """
    own = np.clip(spread, LEAST_SPREAD, MOST_SPREAD).astype(np.float32)
    scale = np.maximum(own[:, None], own)
    # d in spreads, from `same` to `other`, on 1 to 0.
    alike = (scales.other - distance / scale) / (scales.other - scales.same)
    alive = np.clip(moving / STILL, 0, 1).astype(np.float32)
    most = 1 - (1 - scales.alive) * np.maximum(alive[:, None], alive)
    result: Matrix = np.clip(alike, 0, most)
    np.fill_diagonal(result, 1)
    return result


def subjects(distance: Matrix, middle: Floats, scales: Scales) -> Matrix:
    """(P, P) in [0, 1]: how far a piece stands for another.

    Args:
        distance: (P, P) d.
        middle: (P,) seconds, of each.
        scales: tuned.
    """
    apart = np.abs(middle[:, None] - middle).astype(np.float32)
    nearer = 1 - scales.near * np.exp(-apart / scales.seconds)
    result: Matrix = np.clip(1 - (distance * nearer / scales.subject) ** 2, 0, 1)
    np.fill_diagonal(result, 1)
    return result


def distances(rows: Matrix) -> Matrix:
    """(P, P) 1 − cosine of unit rows, not negative."""
    return np.asarray(np.maximum(1 - rows @ rows.T, 0), np.float32)
