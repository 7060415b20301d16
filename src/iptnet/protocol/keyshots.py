"""From importance to keyshots: step-hold, shot means, and the knapsack at 15 % of the frames.

Frames are benchmark frames. ``picks`` (T,) are the frames that were sampled, ascending; a change
point row is one shot, ``[first, last]`` inclusive. The rules are those of the public SumMe and
TVSum evaluation (Zhang et al., ECCV 2016, and every repository since).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.protocol.knapsack import knapsack

RATIO = 0.15


def frame_scores(step_scores: ArrayLike, picks: ArrayLike, n_frames: int) -> NDArray[np.float64]:
    """Hold each step's score until the next pick.

    Frames before the first pick score 0 and frames after the last pick hold its score, as in the
    literature's code.

    Args:
        step_scores: ``(T,)`` finite scores.
        picks: ``(T,)`` frame indices, strictly ascending, in ``[0, n_frames)``.
        n_frames: length of the video.

    Returns:
        ``(n_frames,)`` scores.

    Raises:
        ValueError: lengths differ, a score is not finite, or the picks do not ascend in the video.
    """
    scores = _finite_row(step_scores, "step scores")
    at = check_picks(picks, n_frames)
    if len(scores) != len(at):
        raise ValueError(f"{len(scores)} step scores but {len(at)} picks")
    held = np.zeros(n_frames)
    held[at[0] :] = np.repeat(scores, np.diff(at, append=n_frames))
    return held


def shot_scores(scores: ArrayLike, change_points: ArrayLike) -> NDArray[np.float64]:
    """Mean frame score of each shot.

    Args:
        scores: ``(F,)`` finite frame scores.
        change_points: ``(S, 2)`` inclusive ``[first, last]`` frames.

    Returns:
        ``(S,)`` means.

    Raises:
        ValueError: a score is not finite, or the shots leave the video, overlap or run backwards.
    """
    row = _finite_row(scores, "frame scores")
    shots = check_change_points(change_points, len(row))
    return np.array([row[first : last + 1].mean() for first, last in shots])


def select_shots(scores: ArrayLike, change_points: ArrayLike, ratio: float = RATIO) -> list[int]:
    """Indices of the shots that the knapsack keeps, ascending.

    A shot's value is the integer part of 1000 x its mean frame score and its weight its length in
    frames; the capacity is ``int(n_frames * ratio)``. Shots worth less than 0.001 are never kept,
    so scores have to come in a sensible scale ([0, 1], or a user's 1 to 5).

    Args:
        scores: ``(F,)`` finite frame scores.
        change_points: ``(S, 2)`` inclusive ``[first, last]`` frames.
        ratio: share of the frames that the summary may have, in [0, 1].

    Raises:
        ValueError: as :func:`shot_scores`, or the ratio is outside [0, 1].
    """
    if not 0 <= ratio <= 1:
        raise ValueError(f"the ratio is a share of the frames, 0 to 1, not {ratio}")
    row = _finite_row(scores, "frame scores")
    shots = check_change_points(change_points, len(row))
    # The hair's breadth keeps a shot of constant 0.3 at 300, whatever the order of summation.
    values = np.floor(1000 * shot_scores(row, shots) + 1e-6)
    lengths = shots[:, 1] - shots[:, 0] + 1
    return knapsack(values, lengths, int(len(row) * ratio))


def summary_of_frames(
    scores: ArrayLike, change_points: ArrayLike, ratio: float = RATIO
) -> NDArray[np.uint8]:
    """The 0/1 keyshot summary ``(F,)`` of frame scores ``(F,)``; see :func:`select_shots`."""
    row = _finite_row(scores, "frame scores")
    shots = check_change_points(change_points, len(row))
    summary = np.zeros(len(row), dtype=np.uint8)
    for shot in select_shots(row, shots, ratio):
        summary[shots[shot, 0] : shots[shot, 1] + 1] = 1
    return summary


def keyshot_summary(
    step_scores: ArrayLike,
    picks: ArrayLike,
    change_points: ArrayLike,
    n_frames: int,
    ratio: float = RATIO,
) -> NDArray[np.uint8]:
    """The machine summary: step-hold, shot means, knapsack.

    Args:
        step_scores: ``(T,)`` predicted importance, used as it is: no rescaling.
        picks: ``(T,)`` frame of each step.
        change_points: ``(S, 2)`` inclusive ``[first, last]`` frames.
        n_frames: length of the video.
        ratio: share of the frames that the summary may have.

    Returns:
        ``(n_frames,)`` of 0 and 1, at most ``int(n_frames * ratio)`` ones; all zeros when no shot
        fits or none scores 0.001.

    Raises:
        ValueError: as :func:`frame_scores` and :func:`select_shots`.
    """
    return summary_of_frames(frame_scores(step_scores, picks, n_frames), change_points, ratio)


def ground_truth_summary(
    importance: ArrayLike,
    picks: ArrayLike,
    change_points: ArrayLike,
    n_frames: int,
    ratio: float = RATIO,
) -> NDArray[np.uint8]:
    """The training target: :func:`keyshot_summary` of the users' mean importance, min-max scaled.

    Args:
        importance: ``(T,)`` ground-truth importance (``gtscore``); constant importance scales to 0
            and gives an empty summary.
        picks: ``(T,)`` frame of each step.
        change_points: ``(S, 2)`` inclusive ``[first, last]`` frames.
        n_frames: length of the video.
        ratio: share of the frames that the summary may have.

    Returns:
        ``(n_frames,)`` of 0 and 1.

    Raises:
        ValueError: as :func:`keyshot_summary`.
    """
    row = _finite_row(importance, "importance")
    span = np.ptp(row)
    scaled = (row - row.min()) / span if span > 0 else np.zeros_like(row)
    return keyshot_summary(scaled, picks, change_points, n_frames, ratio)


def user_summaries_from_scores(
    user_scores: ArrayLike, change_points: ArrayLike, ratio: float = RATIO
) -> NDArray[np.uint8]:
    """Each TVSum user's keyshot summary, from that user's 1-to-5 scores as they are.

    Args:
        user_scores: ``(U, F)`` frame scores.
        change_points: ``(S, 2)`` inclusive ``[first, last]`` frames.
        ratio: share of the frames that a summary may have.

    Returns:
        ``(U, F)`` of 0 and 1.

    Raises:
        ValueError: not two-dimensional, or as :func:`select_shots`.
    """
    scores = np.asarray(user_scores)
    if scores.ndim != 2 or not len(scores):
        raise ValueError(f"user scores are (users, frames), not of shape {scores.shape}")
    return np.stack([summary_of_frames(row, change_points, ratio) for row in scores])


def check_picks(picks: ArrayLike, n_frames: int) -> NDArray[np.int64]:
    """The picks as int64 ``(T,)``.

    Raises:
        ValueError: none, not whole numbers, not strictly ascending, or outside the video.
    """
    at = _whole_numbers(picks, "picks")
    if at.ndim != 1 or not len(at):
        raise ValueError(f"picks are one row of frame indices, not of shape {at.shape}")
    if at[0] < 0 or at[-1] >= n_frames or (np.diff(at) <= 0).any():
        raise ValueError(f"picks must ascend strictly within the video's {n_frames} frames")
    return at


def check_change_points(change_points: ArrayLike, n_frames: int) -> NDArray[np.int64]:
    """The shots as int64 ``(S, 2)``; gaps between shots are allowed and never selected.

    Raises:
        ValueError: none, not whole numbers, overlapping, running backwards, or outside the video.
    """
    shots = _whole_numbers(change_points, "change points")
    if shots.ndim != 2 or shots.shape[1] != 2 or not len(shots):
        raise ValueError(f"change points are rows of [first, last], not of shape {shots.shape}")
    bounds = shots.ravel()
    backwards = (shots[:, 0] > shots[:, 1]).any() or (shots[1:, 0] <= shots[:-1, 1]).any()
    if backwards or bounds[0] < 0 or bounds[-1] >= n_frames:
        raise ValueError(f"shots must follow each other within the video's {n_frames} frames")
    return shots


def _whole_numbers(numbers: ArrayLike, what: str) -> NDArray[np.int64]:
    raw: NDArray[Any] = np.asarray(numbers)
    if raw.dtype.kind not in "iuf" or not np.isfinite(raw).all() or (raw != np.floor(raw)).any():
        raise ValueError(f"{what} are whole numbers")
    return raw.astype(np.int64)


def _finite_row(numbers: ArrayLike, what: str) -> NDArray[np.float64]:
    raw: NDArray[Any] = np.asarray(numbers)
    if raw.ndim != 1 or not len(raw) or raw.dtype.kind not in "biuf":
        raise ValueError(f"{what} are one row of numbers, not {raw.dtype} of shape {raw.shape}")
    if not np.isfinite(raw).all():
        raise ValueError(f"{what} hold a value that is not finite")
    return raw.astype(np.float64)
