"""The rated benchmark's own rules, on made-up answers."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.rated_search import Answer, Rated, is_right, measure, pairs_won, repeats

NONE = np.zeros((0, 2))


@pytest.mark.parametrize(
    ("window", "right"),
    [([9.0, 12.0], True), ([6.0, 12.0], True), ([5.9, 12.0], False), ([13.0, 17.1], False)],
)
def test_a_middle_may_lie_a_second_outside(window: list[float], right: bool) -> None:
    assert is_right(window, [[10.0, 14.0]]) is right


def test_a_repeat_covers_half_of_the_shorter() -> None:
    assert repeats([[0, 10], [8, 12]])  # 2 of 4 seconds
    assert not repeats([[0, 10], [8.1, 12]])
    assert not repeats([[0, 10]])


def test_ties_are_half_won() -> None:
    assert pairs_won([1.0, 2.0], [1.0, 0.0]) == (3.5, 4)


def test_a_row_by_hand() -> None:
    queries = [
        Rated("a", "dog", np.array([[10.0, 14.0]])),
        Rated("a", "a man on a bench", np.array([[20.0, 24.0], [40.0, 44.0]])),
        Rated("a", "a cat", NONE),
        Rated("b", "boat", np.array([[0.0, 4.0]])),
    ]
    answers = {
        ("a", "dog"): Answer(np.array([[10.0, 14.0], [12.0, 13.0]]), 0.9),
        ("a", "a man on a bench"): Answer(np.array([[0.0, 2.0], [41.0, 43.0]]), 0.5),
        ("a", "a cat"): Answer(np.array([[0.0, 1.0]]), 0.7),
        ("b", "boat"): Answer(np.array([[0.0, 20.0], [30.0, 31.0]]), 0.6),
        ("b", "dog"): Answer(np.array([[0.0, 1.0]]), 0.9),
        ("b", "a man on a bench"): Answer(np.array([[0.0, 1.0]]), 0.4),
        ("a", "boat"): Answer(np.array([[0.0, 1.0]]), 0.1),
    }
    row = measure(queries, lambda video, query: answers[video, query])
    assert row["middle"] == pytest.approx(100 / 3)
    assert row["1-2 words"] == pytest.approx(50)  # "dog" is right, "boat" is not
    assert row["any of 5"] == pytest.approx(200 / 3)
    assert row["IoU≥.3"] == pytest.approx(100 / 3)
    assert row["plausible"] == pytest.approx(50)  # .9 above .7, .5 below it; b has no absent one
    assert row["other video"] == pytest.approx(100 * 2.5 / 3)
    assert row["repeats"] == pytest.approx(100 / 3)
    assert row["seconds"] == 4
