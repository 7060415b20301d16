from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.algorithms.python import knapsack_solver

from iptnet.protocol import knapsack as module
from iptnet.protocol.knapsack import knapsack
from tests.oracles.knapsack import best_subset

weights = st.integers(0, 12)
integers = st.tuples(st.integers(-3, 9), weights)
# Far-apart magnitudes: sums that float64 would round, in one limb and in several.
floats = st.tuples(
    st.one_of(st.floats(-1, 1), st.sampled_from([0.1, 0.2, 0.3, 1e-30, 1e17, 2.0**-1074])), weights
)
huge = st.tuples(st.integers(1, 5).map(lambda k: k << 62 | 1), weights)


@pytest.mark.parametrize("items", [integers, floats, huge], ids=["integers", "floats", "huge"])
def test_finds_what_trying_every_subset_finds(items: st.SearchStrategy[tuple[float, int]]) -> None:
    @settings(max_examples=120, deadline=None)
    @given(st.lists(items, max_size=8), st.integers(0, 40))
    def check(drawn: list[tuple[float, int]], capacity: int) -> None:
        values, sizes = [v for v, _ in drawn], [w for _, w in drawn]
        assert knapsack(values, sizes, capacity) == best_subset(values, sizes, capacity)

    check()


@pytest.mark.parametrize("seed", range(5))
def test_reaches_the_value_that_ortools_reaches(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 1000, 80).tolist()
    sizes = rng.integers(20, 400, 80).tolist()
    capacity = int(0.15 * sum(sizes))
    solver = knapsack_solver.KnapsackSolver(
        knapsack_solver.SolverType.KNAPSACK_DYNAMIC_PROGRAMMING_SOLVER, "oracle"
    )
    solver.init(values, [sizes], [capacity])
    chosen = knapsack(values, sizes, capacity)
    assert sum(values[i] for i in chosen) == solver.solve()
    assert sum(sizes[i] for i in chosen) <= capacity


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([3, 1000]))
def test_what_is_decided_without_a_table_is_decided_as_in_one(
    seed: int, count: int, largest: int
) -> None:
    rng = np.random.default_rng(seed)
    values, sizes = (
        rng.integers(1, largest + 1, count).tolist(),
        rng.integers(1, 30, count).tolist(),
    )
    capacity = int(rng.random() * sum(sizes))
    expected = module._table(values, sizes, capacity)
    assert knapsack(values, sizes, capacity) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "WORTH_A_LOOK", 0)
        patch.setattr(module, "NEAR", 3)
        assert knapsack(values, sizes, capacity) == expected


def test_hours_of_shots_leave_few_to_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(30, 300, 6000)
    values = (np.rint(1e6 * rng.random(6000)).astype(np.int64) + 1) * sizes
    seen, table = [], module._table

    def watched(*arguments: list) -> list[int]:
        seen.append(len(arguments[0]) * arguments[2])
        return table(*arguments)

    monkeypatch.setattr(module, "_table", watched)
    chosen = knapsack(values, sizes, int(0.15 * sizes.sum()))
    assert sum(seen) < 10_000_000, "of a thousand million cells"
    assert sizes[chosen].sum() <= 0.15 * sizes.sum()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), weights), min_size=1, max_size=9),
    st.integers(0, 40),
    st.integers(1, 200),
)
def test_a_small_table_costs_less_than_one_item(
    drawn: list[tuple[int, int]], capacity: int, max_cells: int
) -> None:
    values, sizes = [v for v, _ in drawn], [w for _, w in drawn]
    best = best_subset(values, sizes, capacity)
    chosen = knapsack(values, sizes, capacity, max_cells=max_cells)
    assert chosen == sorted(set(chosen))
    assert sum(sizes[i] for i in chosen) <= capacity
    lost = sum(values[i] for i in best) - sum(values[i] for i in chosen)
    assert 0 <= lost < max(values)
    if max_cells >= len(drawn) * (capacity + 1):
        assert chosen == best


def test_floats_are_not_rounded() -> None:
    # In float64, 1e16 + 1 == 1e16, so a rounding program would see no gain in the small item.
    assert knapsack([1e16, 1.0, 1e16], [3, 1, 3], 4) == [0, 1]
    assert knapsack([2.0**70, 2**70 + 1], [1, 1], 1) == [1]
    # 0.1 + 0.2 is more than 0.3 as written in binary, by 2.8e-17.
    assert Fraction(0.1) + Fraction(0.2) > Fraction(0.3)
    assert knapsack([0.3, 0.1, 0.2], [2, 1, 1], 2) == [1, 2]


def test_ties_leave_the_latest_items_out() -> None:
    assert knapsack([5, 5, 5], [2, 2, 2], 4) == [0, 1]
    assert knapsack([2, 1, 1], [2, 1, 1], 2) == [0]
    assert knapsack([1, 1, 2], [1, 1, 2], 2) == [0, 1]


def test_corner_cases_are_defined() -> None:
    assert knapsack([], [], 10) == []
    assert knapsack([3, 4], [1, 2], 0) == []
    assert knapsack([3, 4, 0, -1], [0, 2, 0, 0], 0) == [0]  # weightless: taken when worth something
    assert knapsack([-5, -1], [1, 1], 10) == []
    assert knapsack([7, 1], [11, 2], 10) == [1]  # too heavy for any capacity
    assert knapsack([1, 2], [4, 5], 10**15) == [0, 1]  # everything fits: no table at all
    assert knapsack(np.array([1.5, 2]), np.array([1.0, 2.0]), 2) == [1]


@pytest.mark.parametrize(
    ("values", "sizes", "capacity", "cause"),
    [
        ([1], [1, 2], 3, "1 values but 2 weights"),
        ([1], [-1], 3, "a weight"),
        ([1], [0.5], 3, "a weight"),
        ([1], [1], -1, "the capacity"),
        ([1], [1], float("inf"), "the capacity"),
        ([float("nan")], [1], 3, "not a finite"),
        ([float("inf")], [1], 3, "not a finite"),
        ([[1, 2]], [1], 3, "one row"),
        (["1"], [1], 3, "one row"),
        ([1] * 9, [10**9] * 9, 8 * 10**9, "MiB"),
    ],
)
def test_nonsense_is_refused(values: list, sizes: list, capacity: int, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        knapsack(values, sizes, capacity)
