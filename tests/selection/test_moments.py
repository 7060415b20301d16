from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.selection import moments
from tests.oracles import localization as oracle

shares = st.integers(0, 8).map(lambda n: n / 8)


@given(st.lists(st.tuples(shares, shares), min_size=1, max_size=12))
def test_decoding_finds_the_best_ordered_pair(pairs: list[tuple[float, float]]) -> None:
    start, end = [p[0] for p in pairs], [p[1] for p in pairs]
    first, last = moments.decode_span(start, end)
    a, b = oracle.best_pair(start, end)
    assert first <= last
    assert start[first] * end[last] == start[a] * end[b]


def test_decoding_by_hand() -> None:
    # The two argmaxes cross (3 before 1): .6·.3 beats .3·.5 and .1·.5.
    assert moments.decode_span([0.3, 0.1, 0.0, 0.6], [0.1, 0.5, 0.1, 0.3]) == (3, 3)
    assert moments.span_scores([0.5, 0.5], [0.25, 0.75]).tolist() == [[0.125, 0.375], [0, 0.375]]


windows = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 8), shares).map(
        lambda w: (float(w[0]), float(w[0] + w[1]), w[2])
    ),
    max_size=14,
)


@given(
    windows,
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.integers(1, 6),
    st.sampled_from(["union", "shorter"]),
)
def test_suppression_equals_the_loop(
    rows: list[tuple[float, float, float]], threshold: float, top: int, overlap: moments.Overlap
) -> None:
    spans, scores = [r[:2] for r in rows], [r[2] for r in rows]
    kept = moments.suppress(spans, scores, threshold, top, overlap)
    assert kept.tolist() == oracle.suppress(spans, scores, threshold, top, overlap)


def test_of_nested_windows_one_is_left() -> None:
    # IoU .2, but all of the shorter lies within the longer.
    nested = [[0.0, 10.0], [4.0, 6.0]]
    assert moments.suppress(nested, [0.9, 0.8], 0.5, 5).tolist() == [0, 1]
    assert moments.suppress(nested, [0.9, 0.8], 0.5, 5, "shorter").tolist() == [0]


@given(st.integers(1, 9), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_ranking_pairs_equals_sorting_them_all(steps: int, top: int, seed: int) -> None:
    table = np.random.default_rng(seed).integers(0, 5, (steps, steps)).astype(float)
    table[0, -1] = -np.inf
    pairs, values = moments.rank_pairs(table, top)
    every = [(a, b) for a in range(steps) for b in range(a, steps) if np.isfinite(table[a, b])]
    expected = sorted(every, key=lambda p: (-table[p], p))[:top]
    assert [tuple(p) for p in pairs.tolist()] == expected
    assert values.tolist() == [table[p] for p in expected]


def test_snapping_moves_only_what_is_near_and_never_empties() -> None:
    cuts = [0.0, 10.0, 20.0]
    moved = moments.snap([[1.0, 9.0], [4.0, 19.5], [9.5, 10.4]], cuts, 1.0)
    assert moved.tolist() == [[0.0, 10.0], [4.0, 20.0], [9.5, 10.4]]
    assert moments.snap([[1.0, 2.0]], [], 5.0).tolist() == [[1.0, 2.0]]


@given(st.integers(1, 500), st.integers(2, 130))
def test_windows_cover_every_step_with_overlap(steps: int, size: int) -> None:
    starts = moments.window_starts(steps, size)
    covered = np.zeros(steps, int)
    for at in starts:
        covered[at : at + size] += 1
    assert (covered > 0).all()
    assert all(at + min(size, steps) <= steps for at in starts)
    assert all(0 < b - a <= max(size // 2, 1) for a, b in pairwise(starts))


def test_merging_weighs_the_middle_of_a_window_more() -> None:
    merged = moments.merge_maps([[1.0, 1.0, 1.0], [4.0, 4.0, 4.0]], [0, 1], 4)
    # Step 1: middle of the first (2), rim of the second (1); step 2 the other way round.
    assert merged.tolist() == [1.0, 2.0, 3.0, 4.0]


@given(st.integers(1, 60), st.integers(2, 16), st.integers(0, 2**32 - 1))
def test_merging_cut_pieces_gives_the_whole_back(steps: int, size: int, seed: int) -> None:
    whole = np.random.default_rng(seed).random(steps)
    starts = moments.window_starts(steps, size)
    merged = moments.merge_maps([whole[a : a + size] for a in starts], starts, steps)
    np.testing.assert_allclose(merged, whole, atol=1e-12)


def test_malformed_input_is_refused() -> None:
    with pytest.raises(ValueError, match="starts"):
        moments.decode_span([], [])
    with pytest.raises(ValueError, match="square"):
        moments.rank_pairs([[1.0, 2.0]])
    with pytest.raises(ValueError, match="gap"):
        moments.merge_maps([[1.0]], [0], 2)
    with pytest.raises(ValueError, match="scores"):
        moments.suppress([[0, 1]], [], 0.5, 1)
    with pytest.raises(ValueError, match="cannot be covered"):
        moments.window_starts(0, 4)
