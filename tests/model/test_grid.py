from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.model import grid
from tests.oracles import localization as oracle

times_of = st.lists(st.integers(0, 100), min_size=1, max_size=30, unique=True).map(
    lambda ns: [n / 10 for n in sorted(ns)]
)


@given(times_of, st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_pooling_equals_the_loop(times: list[float], bins: int, seed: int) -> None:
    rows = np.random.default_rng(seed).standard_normal((len(times), 3)).astype(np.float32)
    edges = np.linspace(0, 10.05, bins + 1)
    found = grid.pool(times, rows, edges)
    middles = (edges[1:] + edges[:-1]) / 2
    for t, expected in enumerate(oracle.pool(times, rows.tolist(), edges.tolist())):
        mean = expected
        if mean is None:
            nearest = min(range(len(times)), key=lambda i: (abs(times[i] - middles[t]), i))
            mean = rows[nearest].tolist()
        np.testing.assert_allclose(found[t], mean, atol=1e-5)


@given(st.integers(1, 8), st.lists(st.tuples(st.integers(0, 19), st.integers(1, 9)), max_size=3))
def test_overlaps_equal_the_loop(bins: int, rows: list[tuple[int, int]]) -> None:
    edges = np.linspace(0, 20, bins + 1)
    windows = [(float(a), float(min(a + b, 20))) for a, b in rows]
    table = grid.overlaps(edges, windows)
    for a in range(bins):
        for b in range(bins):
            pair = (edges[a], edges[b + 1])
            expected = max((oracle.overlap(pair, w) for w in windows), default=0) if a <= b else 0
            assert table[a, b] == pytest.approx(expected)


@given(st.integers(1, 9), st.integers(0, 15), st.integers(1, 9))
def test_the_target_pair_has_the_best_overlap(bins: int, start: int, length: int) -> None:
    edges, window = np.linspace(0, 20, bins + 1), (float(start), float(min(start + length, 20)))
    first, last = grid.best_bins(edges, window)
    reached = oracle.overlap((edges[first], edges[last + 1]), window)
    assert reached == pytest.approx(oracle.best_bins(edges.tolist(), window))


def test_steps_adapt_to_the_length() -> None:
    assert grid.step_seconds(30, 128) == 0.5
    assert grid.step_seconds(128, 128) == 1
    assert grid.step_seconds(3600, 128) == 2
    assert len(grid.grid(150, 2.0)) == 76
    assert grid.grid(0.1, 2.0).tolist() == [0, 0.1]
    with pytest.raises(ValueError, match="no grid"):
        grid.grid(0, 1)


def test_foreground_and_reading_back() -> None:
    edges = [0.0, 2.0, 4.0, 6.0]
    assert grid.foreground(edges, [[2.5, 6.0]]).tolist() == [False, True, True]
    assert grid.foreground(edges, []).tolist() == [False] * 3
    values = grid.at_times(edges, [1.0, 2.0, 3.0], [-1, 0, 1.99, 2, 5, 9])
    assert values.tolist() == [1, 1, 1, 2, 3, 3]
