"""What each benchmark asks, as a literal table, and one call that scores a video by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.protocol.correlation import Against, rank_correlation
from iptnet.protocol.keyshots import (
    RATIO,
    check_change_points,
    check_picks,
    frame_scores,
    keyshot_summary,
    user_summaries_from_scores,
)
from iptnet.protocol.scores import How, f_score


@dataclass(frozen=True, slots=True)
class Protocol:
    """How one benchmark turns importance into figures.

    Attributes:
        how: F over users, ``"max"`` or ``"mean"``.
        ratio: share of the frames that a summary may have.
        grid: where ranks are compared: at the ``"picks"``, or over all ``"frames"`` after holding
            each step's score.
        against: ranks are compared with ``"each"`` user, or with the users' ``"mean"``.
    """

    how: How
    ratio: float = RATIO
    grid: Literal["picks", "frames"] = "picks"
    against: Against = "each"


PROTOCOLS: dict[str, Protocol] = {
    "summe": Protocol(how="max"),
    "tvsum": Protocol(how="mean"),
}


@dataclass(frozen=True)
class Labels:
    """A video's human labels, on its own frames.

    Build with :meth:`of`, which checks and derives.

    Attributes:
        picks: ``(T,)`` sampled frames.
        change_points: ``(S, 2)`` inclusive shots.
        n_frames: length ``F`` of the video.
        user_summaries: ``(U, F)`` 0/1 summaries, for F.
        user_importance: ``(U, F)`` what users' ranks are taken from: the 1-to-5 scores where there
            are any, else the 0/1 summaries.
    """

    picks: NDArray[np.int64]
    change_points: NDArray[np.int64]
    n_frames: int
    user_summaries: NDArray[np.uint8]
    user_importance: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        picks: ArrayLike,
        change_points: ArrayLike,
        n_frames: int,
        *,
        user_summary: ArrayLike | None = None,
        user_scores: ArrayLike | None = None,
        ratio: float = RATIO,
    ) -> Labels:
        """Check the labels; derive TVSum users' summaries from their scores where none are given.

        Args:
            picks: ``(T,)``.
            change_points: ``(S, 2)``.
            n_frames: length of the video.
            user_summary: ``(U, F)`` of 0 and 1, or none.
            user_scores: ``(U, F)`` frame scores, or none.
            ratio: budget of the derived summaries.

        Raises:
            ValueError: neither summaries nor scores, or shapes that do not fit the video.
        """
        if user_summary is None and user_scores is None:
            raise ValueError("labels need user summaries, user scores, or both")
        for rows in (user_summary, user_scores):
            shape = (1, n_frames) if rows is None else np.shape(rows)
            if len(shape) != 2 or shape[1] != n_frames or not shape[0]:
                raise ValueError(f"labels of shape {shape} for a video of {n_frames} frames")
        shots = check_change_points(change_points, n_frames)
        if user_summary is None:
            assert user_scores is not None
            user_summary = user_summaries_from_scores(user_scores, shots, ratio)
        importance = user_summary if user_scores is None else user_scores
        return cls(
            picks=check_picks(picks, n_frames),
            change_points=shots,
            n_frames=n_frames,
            user_summaries=np.asarray(user_summary, dtype=np.uint8),
            user_importance=np.asarray(importance, dtype=np.float64),
        )

    def importance_on(self, grid: Literal["picks", "frames"]) -> NDArray[np.float64]:
        """The users' importance ``(U, T)`` at the picks or ``(U, F)`` on all frames."""
        return self.user_importance[:, self.picks] if grid == "picks" else self.user_importance


@dataclass(frozen=True, slots=True)
class VideoScore:
    """One video's figures: F, precision, recall in [0, 1]; τ and ρ in [-1, 1]."""

    f: float
    precision: float
    recall: float
    tau: float
    rho: float


def score_video(step_scores: ArrayLike, labels: Labels, protocol: Protocol) -> VideoScore:
    """Score predicted importance ``(T,)`` against a video's labels.

    Raises:
        ValueError: scores that are not finite or not one per pick.
    """
    summary = keyshot_summary(
        step_scores, labels.picks, labels.change_points, labels.n_frames, protocol.ratio
    )
    overlap = f_score(summary, labels.user_summaries, protocol.how)
    on_grid = (
        step_scores
        if protocol.grid == "picks"
        else frame_scores(step_scores, labels.picks, labels.n_frames)
    )
    ranks = rank_correlation(on_grid, labels.importance_on(protocol.grid), protocol.against)
    return VideoScore(overlap.f, overlap.precision, overlap.recall, ranks.tau, ranks.rho)


def mean_score(scores: list[VideoScore]) -> VideoScore:
    """The mean over videos; a video whose users order nothing (NaN) is left out of τ and ρ.

    Raises:
        ValueError: no scores.
    """
    if not scores:
        raise ValueError("the mean of no videos")
    table = np.array([(s.f, s.precision, s.recall, s.tau, s.rho) for s in scores])
    known = ~np.isnan(table)
    sums = np.where(known, table, 0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return VideoScore(*(float(v) for v in sums / known.sum(axis=0)))
