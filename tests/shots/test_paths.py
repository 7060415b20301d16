"""One price, one pass: the pruned and the banded recursion, the table, and the exact costs."""

from __future__ import annotations

import numpy as np
import pytest
import ruptures
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.shots import paths
from iptnet.shots.paths import Paths
from iptnet.shots.scatter import Scatter
from tests.oracles import kts as oracle
from tests.shots.test_kts import blocks


def every_way(x: np.ndarray, longest: int, price: float) -> tuple[list[int], float]:
    """Optimal partitioning without pruning over the same costs."""
    scatter = Scatter(x)
    n = len(x)
    best, came = [0.0], [0]
    for end in range(1, n + 1):
        low = max(0, end - longest)
        costs = scatter.costs(np.array([end]), np.arange(low, end))[0]
        reach = [best[begin] + costs[begin - low] + price for begin in range(low, end)]
        i = int(np.argmin(reach))
        best.append(reach[i])
        came.append(low + i)
    cuts, end = [], n
    while (end := came[end]) > 0:
        cuts.append(end)
    return cuts[::-1], best[-1]


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 60),
    st.sampled_from([1, 2, 3, 7, 100]),
    st.floats(0, 1),
    st.sampled_from([0.0, 0.4]),
)
def test_pruning_and_bands_lose_nothing(
    seed: int, n: int, longest: int, share: float, noise: float
) -> None:
    rng = np.random.default_rng(seed)
    x = np.repeat(rng.integers(-2, 3, size=(n, 2)), rng.integers(1, 6, size=n), axis=0)[:n]
    x = x + noise * rng.normal(size=x.shape)
    scatter = Scatter(x)
    price = float(np.rint(share**4 * scatter.total))
    expected, value = every_way(x, longest, price)
    with pytest.MonkeyPatch.context() as patch:
        for rows, band in ((64, 64), (5, 64), (5, 0)):
            patch.setattr(paths, "ROWS", rows)
            patch.setattr(paths, "BAND", band)
            cuts, total = Paths(scatter, longest).solve(price)
            assert cuts.tolist() == expected
            assert total + price * (len(cuts) + 1) == value


@pytest.mark.parametrize("m", [1, 2, 5])
def test_the_table_agrees_with_ruptures(m: int) -> None:
    x = blocks(7, 4, 9, 12, 3, 8, noise=0.6)
    scatter = Scatter(x)
    cuts, total = Paths(scatter, len(x)).table(m)[m]
    expected = ruptures.KernelCPD(kernel="linear", min_size=1, jump=1).fit(x).predict(n_bkps=m)
    assert [*cuts.tolist(), len(x)] == expected
    exact = ruptures.costs.CostL2().fit(x).sum_of_costs(expected)
    assert total * scatter.unit == pytest.approx(exact)


def test_the_table_agrees_with_the_oracle_under_a_bound() -> None:
    x = np.random.default_rng(5).integers(-3, 4, size=(15, 2)).astype(float)
    scatter = Scatter(x)
    ours, theirs = Paths(scatter, 4).table(8), oracle.table(x, 8, 4)
    for (cuts, total), row in zip(ours, theirs, strict=True):
        if row is None:
            assert total == np.inf
        else:
            assert cuts.tolist() == row[1]
            assert total * scatter.unit == pytest.approx(float(row[0]), rel=1e-9)


@pytest.mark.parametrize("slope", [0.5, 5.0, 50.0])
def test_one_pass_agrees_with_ruptures_pelt(slope: float) -> None:
    x = blocks(7, 4, 9, 12, 3, 8, noise=0.6)
    scatter = Scatter(x)
    cuts, _ = Paths(scatter, len(x)).solve(float(np.rint(slope / scatter.unit)))
    expected = ruptures.Pelt(model="l2", min_size=1, jump=1).fit(x).predict(pen=slope)
    assert [*cuts.tolist(), len(x)] == expected


def test_costs_are_whole_units_wherever_the_block_begins() -> None:
    x = blocks(30, 40, 20, noise=0.3) + 100
    scatter = Scatter(x)
    at = np.arange(len(x) + 1)
    whole = scatter.costs(at[1:], at[:-1])
    assert (whole == np.rint(whole))[np.isfinite(whole)].all()
    assert (np.isfinite(whole) == (at[1:, None] > at[:-1])).all()
    late = scatter.costs(at[50:], at[:-1])
    possible = np.isfinite(late)
    assert np.abs(whole[49:][possible] - late[possible]).max() <= 1, "but for a last rounding"
    assert whole[69, 3] * scatter.unit == pytest.approx(oracle.scatter(x, 3, 70))


def test_repeated_rows_give_few_positions() -> None:
    x = np.repeat([[0.0], [1.0], [0.0]], [4, 1, 5], axis=0)
    assert Scatter(x, every_step=False).at.tolist() == [0, 4, 5, 10]
    assert Scatter(x).at.tolist() == list(range(11))
