from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torchmetrics.functional.regression import kendall_rank_corrcoef, spearman_corrcoef

from iptnet.protocol.correlation import RankCorrelation, rank_correlation
from tests.oracles.correlation import midranks, rho, tau_b


@st.composite
def tables(draw: st.DrawFn, levels: int) -> tuple[list[int], list[list[int]]]:
    n = draw(st.integers(2, 20))
    row = st.lists(st.integers(0, levels), min_size=n, max_size=n)
    x, users = draw(row), draw(st.lists(row, min_size=1, max_size=4))
    assume(len(set(x)) > 1 and all(len(set(user)) > 1 for user in users))
    return x, users


@pytest.mark.parametrize("levels", [1, 4, 30], ids=["binary", "one to five", "many"])
def test_means_what_the_pairs_and_ranks_say(levels: int) -> None:
    @settings(deadline=None, max_examples=80)
    @given(tables(levels))
    def check(rows: tuple[list[int], list[list[int]]]) -> None:
        x, users = rows
        got = rank_correlation(x, users)
        assert got.tau == pytest.approx(np.mean([tau_b(x, u) for u in users]), abs=1e-12)
        assert got.rho == pytest.approx(np.mean([rho(x, u) for u in users]), abs=1e-12)

    check()


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("ties", [False, True])
def test_agrees_with_scipy_and_torchmetrics(levels: int, ties: bool) -> None:
    rng = np.random.default_rng(levels)
    x = rng.random(301)
    x = np.round(x, 1) if ties else x
    users = rng.integers(0, levels, (6, 301)).astype(float)
    got = rank_correlation(x, users)
    tau = np.mean([scipy.stats.kendalltau(x, u).statistic for u in users])
    rho_ = np.mean([scipy.stats.spearmanr(x, u).statistic for u in users])
    assert (got.tau, got.rho) == pytest.approx((tau, rho_), abs=1e-12)
    columns = torch.tensor(np.repeat(x[:, None], 6, axis=1)), torch.tensor(users.T)
    their_tau = kendall_rank_corrcoef(*columns, variant="b").mean().item()
    their_rho = spearman_corrcoef(*columns).mean().item()
    assert (got.tau, got.rho) == pytest.approx((their_tau, their_rho), abs=1e-5)


def test_worked_by_hand() -> None:
    # Pairs of (1, 2, 3) against (1, 3, 2): two agree, one disagrees; Σd² = 2.
    assert rank_correlation([1, 2, 3], [[1, 3, 2]]) == RankCorrelation(
        pytest.approx(1 / 3), pytest.approx(0.5)
    )
    assert midranks([5, 1, 5]) == [2.5, 1, 2.5]


@settings(deadline=None)
@given(tables(4))
def test_only_order_counts(rows: tuple[list[int], list[list[int]]]) -> None:
    x, users = rows
    once = rank_correlation(x, users)
    assert rank_correlation(np.exp(x), users) == once
    back = rank_correlation(-np.array(x), users)
    assert (back.tau, back.rho) == pytest.approx((-once.tau, -once.rho), abs=1e-12)
    same = rank_correlation(users[0], users[:1])
    assert (same.tau, same.rho) == pytest.approx((1, 1))


def test_two_binary_rows_have_one_correlation() -> None:
    # τ-b, ρ and φ coincide, which is why SumMe's human τ and ρ are the same number at the picks.
    got = rank_correlation([0, 1, 1, 0, 0], [[0, 1, 0, 0, 1]])
    assert got.tau == pytest.approx(got.rho) == pytest.approx(1 / 6)


def test_rows_that_order_nothing() -> None:
    user, flat = [0, 1, 2], [4, 4, 4]
    assert rank_correlation(flat, [user]) == RankCorrelation(0, 0)
    assert rank_correlation(user, [flat, user]) == RankCorrelation(
        pytest.approx(1), pytest.approx(1)
    )
    nothing = rank_correlation(user, [flat, flat])
    assert np.isnan(nothing.tau)
    assert np.isnan(nothing.rho)


def test_against_the_mean_of_the_users() -> None:
    users = [[0, 1, 0, 1], [0, 0, 0, 1]]  # mean: 0, .5, 0, 1
    got = rank_correlation([1, 2, 3, 4], users, against="mean")
    assert got.tau == pytest.approx(tau_b([1, 2, 3, 4], [0, 0.5, 0, 1]))
    assert got.tau != pytest.approx(rank_correlation([1, 2, 3, 4], users).tau)


@pytest.mark.parametrize(
    ("scores", "users", "against", "cause"),
    [
        ([1, 2], [[1, 2, 3]], "each", "alike"),
        ([1], [[1]], "each", "two at least"),
        ([1, np.nan], [[1, 2]], "each", "not finite"),
        ([1, 2], [[1, np.inf]], "each", "not finite"),
        ([1, 2], [1, 2], "each", "dimension"),
        ([1, 2], [[1, 2]], "all", "each"),
    ],
)
def test_nonsense_is_refused(scores: list, users: list, against: str, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        rank_correlation(scores, users, against)  # type: ignore[arg-type]
