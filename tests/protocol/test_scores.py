from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.protocol.scores import FScore, f_score
from tests.oracles.scores import f_precision_recall


@settings(deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            st.lists(st.integers(0, 1), min_size=n, max_size=n),
            st.lists(st.lists(st.integers(0, 1), min_size=n, max_size=n), min_size=1, max_size=5),
        )
    )
)
def test_counts_what_the_oracle_counts(rows: tuple[list[int], list[list[int]]]) -> None:
    machine, users = rows
    each = [f_precision_recall(machine, user) for user in users]
    most = f_score(machine, users, "max")
    attained = max(each, key=lambda t: t[0])  # the first of equals
    assert (most.f, most.precision, most.recall) == attained
    mean = f_score(machine, users, "mean")
    assert (mean.f, mean.precision, mean.recall) == pytest.approx(np.mean(each, axis=0).tolist())


def test_worked_by_hand() -> None:
    machine = [1, 1, 1, 1, 0, 0, 0, 0]
    users = [[1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1, 0, 0]]
    assert f_score(machine, users, "max") == FScore(0.5, 0.5, 0.5)
    mean = f_score(machine, users, "mean")  # (0.4, 0.25, 1) and (0.5, 0.5, 0.5)
    assert (mean.f, mean.precision, mean.recall) == pytest.approx((0.45, 0.375, 0.75))


def test_the_maximum_reports_one_user() -> None:
    # The largest recall belongs to the first user, the largest F to the second.
    machine = [1, 1, 1, 1, 0, 0]
    best = f_score(machine, [[1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 1, 0]], "max")
    assert (best.precision, best.recall) == (0.75, 0.75)


def test_lengths_a_few_frames_apart_are_fitted_to_the_users() -> None:
    users = [[0, 1, 1, 0]]
    assert f_score([0, 1, 1, 0, 1, 1], users, "max").f == 1
    assert f_score([0, 1], users, "max") == FScore(pytest.approx(2 / 3), 1.0, 0.5)
    with pytest.raises(ValueError, match="not the same video"):
        f_score([0] * 40, users, "max")


def test_empty_summaries_score_nothing() -> None:
    assert f_score([0, 0], [[1, 0]], "max") == FScore(0, 0, 0)
    assert f_score([1, 0], [[0, 0]], "mean") == FScore(0, 0, 0)
    assert f_score([0, 0], [[0, 0]], "mean") == FScore(0, 0, 0)


@pytest.mark.parametrize(
    ("machine", "users", "how", "cause"),
    [
        ([1, 2], [[1, 0]], "max", "0 and 1"),
        ([1, 0], [[1, 0.5]], "max", "0 and 1"),
        ([1, 0], [[1, np.nan]], "max", "0 and 1"),
        ([1, 0], [1, 0], "max", "shape"),
        ([1, 0], np.zeros((0, 2)), "max", "shape"),
        ([1, 0], [[1, 0]], "median", "max"),
    ],
)
def test_nonsense_is_refused(machine: list, users: list, how: str, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        f_score(machine, users, how)  # type: ignore[arg-type]
