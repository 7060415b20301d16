"""F-score of a machine summary against several users: the maximum (SumMe) or the mean (TVSum)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

How = Literal["max", "mean"]
LENGTH_SLACK = 30  # frames; decoders disagree by a few, more than a second is another video


@dataclass(frozen=True, slots=True)
class FScore:
    """Harmonic mean of precision and recall, all in [0, 1].

    Over users by ``mean``, each field is its own mean, so ``f`` is not the harmonic mean of the
    other two. By ``max``, all three belong to the user with the largest F (the first on a tie).
    """

    f: float
    precision: float
    recall: float


def f_score(machine: ArrayLike, users: ArrayLike, how: How) -> FScore:
    """Overlap of a machine summary with the users' summaries, frame by frame.

    Precision is the selected frames' share that the user selected too, recall the reverse; an empty
    summary on either side scores 0 throughout. A machine summary up to 30 frames longer than
    the users' is cut at their end, a shorter one is continued with zeros, as in the literature.

    Args:
        machine: ``(F,)`` of 0 and 1.
        users: ``(U, F)`` of 0 and 1.
        how: ``"max"`` or ``"mean"`` over users.

    Raises:
        ValueError: other values than 0 and 1, wrong shapes, no users, lengths that differ by more
            than 30 frames, or an unknown ``how``.
    """
    if how not in ("max", "mean"):
        raise ValueError(f'users are combined by "max" or "mean", not {how!r}')
    truth = _binary(users, "user summaries", 2)
    mine = _fit(_binary(machine, "a machine summary", 1), truth.shape[1])
    overlap = truth @ mine
    precision = _ratio(overlap, mine.sum())
    recall = _ratio(overlap, truth.sum(axis=1))
    # From the counts, not from P and R: equal scores then are equal floats, and ties are ties.
    f = _ratio(2 * overlap, mine.sum() + truth.sum(axis=1))
    if how == "mean":
        return FScore(float(f.mean()), float(precision.mean()), float(recall.mean()))
    best = int(f.argmax())
    return FScore(float(f[best]), float(precision[best]), float(recall[best]))


def _ratio(top: NDArray[np.float64], bottom: Any) -> NDArray[np.float64]:
    """The quotient, 0 where the denominator is 0."""
    out = np.zeros(len(top))
    np.divide(top, bottom, out=out, where=np.asarray(bottom) != 0)
    return out


def _fit(machine: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    if abs(len(machine) - length) > LENGTH_SLACK:
        raise ValueError(
            f"the machine summary has {len(machine)} frames and the users' have {length}: "
            "these are not the same video"
        )
    return np.pad(machine[:length], (0, max(0, length - len(machine))))


def _binary(summary: ArrayLike, what: str, ndim: int) -> NDArray[np.float64]:
    raw: NDArray[Any] = np.asarray(summary)
    if raw.ndim != ndim or not raw.size:
        raise ValueError(f"{what} of shape {raw.shape}: expected {ndim} dimension(s), none empty")
    if raw.dtype.kind not in "biuf" or not ((raw == 0) | (raw == 1)).all():
        raise ValueError(f"{what} holds other values than 0 and 1")
    return raw.astype(np.float64)
