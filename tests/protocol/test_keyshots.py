from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.protocol.keyshots import (
    frame_scores,
    ground_truth_summary,
    keyshot_summary,
    select_shots,
    shot_scores,
    summary_of_frames,
    user_summaries_from_scores,
)
from tests.oracles import keyshots as oracle

score = st.integers(0, 64).map(lambda k: k / 64)


@st.composite
def videos(draw: st.DrawFn) -> tuple[list[float], list[int], list[tuple[int, int]], int]:
    """Step scores, picks, shots (with gaps now and then) and a length."""
    n_frames = draw(st.integers(6, 80))
    picks = sorted(draw(st.sets(st.integers(0, n_frames - 1), min_size=1, max_size=12)))
    scores = draw(st.lists(score, min_size=len(picks), max_size=len(picks)))
    cuts = sorted(draw(st.sets(st.integers(1, n_frames - 1), max_size=7)))
    starts, stops = [0, *cuts], [*cuts, n_frames]
    shots = [(a, b - 1) for a, b in zip(starts, stops, strict=True)]
    kept = [s for s in shots if draw(st.integers(0, 9))] or shots
    return scores, picks, kept, n_frames


@settings(deadline=None)
@given(videos(), st.sampled_from([0.0, 0.15, 0.5, 1.0]))
def test_keyshots_are_the_oracle_s(video: tuple, ratio: float) -> None:
    scores, picks, shots, n_frames = video
    held = oracle.hold(scores, picks, n_frames)
    assert frame_scores(scores, picks, n_frames).tolist() == held
    summary = keyshot_summary(scores, picks, shots, n_frames, ratio)
    assert summary.dtype == np.uint8
    assert summary.tolist() == oracle.summary(held, shots, ratio)
    assert summary.sum() <= int(n_frames * ratio)


@settings(deadline=None)
@given(videos())
def test_ground_truth_ignores_the_scale_of_importance(video: tuple) -> None:
    scores, picks, shots, n_frames = video
    once = ground_truth_summary(scores, picks, shots, n_frames)
    # Powers of two scale exactly, so that no rounding can move a shot across an integer.
    again = ground_truth_summary(np.array(scores) * 4 + 8, picks, shots, n_frames)
    assert once.tolist() == again.tolist()


def test_ground_truth_worked_by_hand() -> None:
    # Min-max: 0, .5, 1, .25 held over five frames each; shots of 3, 7, 5, 5 frames. The budget
    # of .4 * 20 = 8 frames: means 0, .357, 1, .25 -> the third shot (5), then nothing else but
    # the first (3 frames, worth 0: not taken).
    truth = ground_truth_summary(
        [2, 4, 6, 3], [0, 5, 10, 15], [[0, 2], [3, 9], [10, 14], [15, 19]], 20, 0.4
    )
    assert np.flatnonzero(truth).tolist() == [10, 11, 12, 13, 14]


def test_frames_before_the_first_pick_score_nothing() -> None:
    assert frame_scores([3, 5], [2, 4], 7).tolist() == [0, 0, 3, 3, 5, 5, 5]


def test_shot_means_are_inclusive_of_the_last_frame() -> None:
    assert shot_scores([1, 2, 3, 10], [[0, 2], [3, 3]]).tolist() == [2, 10]


def test_the_budget_is_the_floor() -> None:
    shots = [[k, k] for k in range(19)]
    assert len(select_shots(np.ones(19), shots)) == 2  # 2.85 frames


def test_a_constant_shot_counts_what_it_says() -> None:
    # 1000 * 0.3 sums to 299.99999999999994 in places; the integer must be 300 all the same.
    for length in range(1, 60):
        scores = np.full(2 * length, 0.3)
        scores[length:] = 0.3003  # truncates to 300 too: a tie, so the earlier shot wins
        shots = [[0, length - 1], [length, 2 * length - 1]]
        assert select_shots(scores, shots, 0.5) == [0]


def test_scores_that_say_nothing_give_an_empty_summary() -> None:
    shots = [[0, 1], [2, 9]]
    assert summary_of_frames(np.zeros(10), shots, 0.5).sum() == 0
    assert ground_truth_summary([7, 7], [0, 5], shots, 10, 0.5).sum() == 0


def test_each_user_gets_the_summary_of_their_own_scores() -> None:
    shots = [[0, 1], [2, 3], [4, 9]]
    scores = np.array([[5, 5, 1, 1, 2, 2, 2, 2, 2, 2], [1, 1, 4, 4, 2, 2, 2, 2, 2, 2]])
    both = user_summaries_from_scores(scores, shots, 0.2)
    assert [np.flatnonzero(row).tolist() for row in both] == [[0, 1], [2, 3]]
    with pytest.raises(ValueError, match="users, frames"):
        user_summaries_from_scores(scores[0], shots)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"step_scores": [1.0]}, "1 step scores but 2 picks"),
        ({"step_scores": [1.0, np.nan]}, "not finite"),
        ({"step_scores": []}, "one row"),
        ({"step_scores": ["a", "b"]}, "one row"),
        ({"picks": [5, 5]}, "ascend"),
        ({"picks": [0, 10]}, "ascend"),
        ({"picks": [-1, 3]}, "ascend"),
        ({"picks": [0.5, 3]}, "whole"),
        ({"change_points": [[0, 4], [4, 9]]}, "follow each other"),
        ({"change_points": [[0, 4], [5, 10]]}, "follow each other"),
        ({"change_points": [[4, 0]]}, "follow each other"),
        ({"change_points": [[-1, 4]]}, "follow each other"),
        ({"change_points": [0, 4]}, "rows of"),
        ({"change_points": np.zeros((0, 2), int)}, "rows of"),
        ({"ratio": 1.5}, "ratio"),
        ({"ratio": float("nan")}, "ratio"),
    ],
)
def test_nonsense_is_refused(change: dict, cause: str) -> None:
    good = {
        "step_scores": [1.0, 2.0],
        "picks": [0, 5],
        "change_points": [[0, 4], [5, 9]],
        "n_frames": 10,
        "ratio": 0.15,
    }
    keyshot_summary(**good)
    with pytest.raises(ValueError, match=cause):
        keyshot_summary(**{**good, **change})
