"""Kernel temporal segmentation against the textbook program, ruptures, and cases worked by hand."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iptnet.errors import InputError, UsageError
from iptnet.shots import paths
from iptnet.shots.kts import change_points, frame_bounds, shot_bounds
from iptnet.shots.paths import Paths
from tests.oracles import kts as oracle


def blocks(*lengths: int, width: int = 4, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Shots of constant random vectors, plus noise."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(len(lengths), width)) * 3
    return np.repeat(means, lengths, axis=0) + noise * rng.normal(size=(sum(lengths), width))


def value_of(features: np.ndarray, cuts: np.ndarray, penalty: float) -> float:
    edges = [0, *cuts.tolist(), len(features)]
    shots = [features[a:b].astype(np.float64) for a, b in itertools.pairwise(edges)]
    total = math.fsum(float(((shot - shot.mean(axis=0)) ** 2).sum()) for shot in shots)
    return oracle.objective(total, len(cuts), len(features), penalty)


bounds = st.one_of(st.none(), st.integers(1, 12))
penalties = st.sampled_from([0.01, 0.2, 1.0, 4.0])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 14), bounds, bounds, penalties)
def test_finds_the_oracles_change_points(
    seed: int, n: int, max_shots: int | None, max_steps: int | None, penalty: float
) -> None:
    assume((max_shots or n) * (max_steps or n) >= n)
    rng = np.random.default_rng(seed)
    x = np.repeat(rng.normal(size=(n, 3)), rng.integers(1, 4, size=n), axis=0)[:n]
    x += rng.choice([0.05, 0.5]) * rng.normal(size=x.shape)
    cuts = change_points(x, max_shots=max_shots, max_steps=max_steps, penalty=penalty)
    expected, _ = oracle.change_points(x, max_shots, max_steps, penalty)
    assert cuts.tolist() == expected
    assert cuts.dtype == np.int64


small = hnp.arrays(
    np.float32, st.tuples(st.integers(2, 10), st.just(2)), elements=st.integers(-2, 2).map(float)
)


@settings(max_examples=150, deadline=None)
@given(small, bounds, bounds, penalties)
def test_chooses_as_the_oracle_does_among_many_ties(
    x: np.ndarray, max_shots: int | None, max_steps: int | None, penalty: float
) -> None:
    n = len(x)
    assume((max_shots or n) * (max_steps or n) >= n)
    cuts = change_points(x, max_shots=max_shots, max_steps=max_steps, penalty=penalty)
    expected, value = oracle.change_points(x, max_shots, max_steps, penalty)
    assert cuts.tolist() == expected, "fewest shots among equals, then the longest last one"
    assert value_of(x, cuts, penalty) == pytest.approx(value, rel=1e-9, abs=1e-9)
    lengths = np.diff([0, *cuts.tolist(), n])
    assert lengths.min() >= 1
    assert lengths.max() <= (max_steps or n)
    assert len(lengths) <= (max_shots or n)


def test_finds_clean_shots() -> None:
    assert change_points(blocks(5, 8, 3)).tolist() == [5, 13]


def test_the_published_penalty_decides_by_hand() -> None:
    # Two blocks of 4 steps, 0 and a: one cut saves 8 a²/4 and costs penalty/2 (log 8 + 1).
    saved = lambda a: 2 * a * a  # noqa: E731
    edge = 0.5 * (math.log(8) + 1)
    for factor, found in ((0.99, []), (1.01, [4])):
        a = math.sqrt(factor * edge / 2)
        assert saved(a) == pytest.approx(factor * edge)
        assert change_points(np.array([[0.0]] * 4 + [[a]] * 4)).tolist() == found


def test_shots_get_a_maximum_length() -> None:
    x = blocks(20)
    assert np.diff([0, *change_points(x, max_steps=6), 20]).max() <= 6
    assert len(change_points(x, max_steps=6)) == 3, "no more cuts than the bound forces"
    assert change_points(x, max_steps=1).tolist() == list(range(1, 20))
    assert change_points(x, max_steps=500).tolist() == []


def test_fewer_shots_than_the_optimum_keep_the_strongest_cuts() -> None:
    x = np.array([[0.0]] * 6 + [[1.0]] * 6 + [[50.0]] * 6)
    assert change_points(x, penalty=0.01).tolist() == [6, 12]
    assert change_points(x, penalty=0.01, max_shots=2).tolist() == [12]
    assert change_points(x, penalty=0.01, max_shots=1).tolist() == []


def test_max_shots_between_two_hull_vertices_is_exact() -> None:
    # Two cuts isolate the pulse, one cut gains little: m = 1 is far above the hull.
    x = np.array([[0.0]] * 8 + [[9.0]] * 2 + [[0.0]] * 8)
    assert change_points(x).tolist() == [8, 10]
    expected, _ = oracle.change_points(x, max_shots=2)
    assert change_points(x, max_shots=2).tolist() == expected
    assert len(expected) == 1


@pytest.mark.parametrize("n", [0, 1])
def test_too_short_for_a_cut(n: int) -> None:
    assert change_points(np.ones((n, 3))).tolist() == []


def test_two_steps() -> None:
    assert change_points(np.array([[0.0], [9.0]])).tolist() == [1]
    assert change_points(np.array([[1.0], [1.0]])).tolist() == []


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_constant_features_are_one_shot(constant: float) -> None:
    assert change_points(np.full((300, 7), constant, np.float32)).tolist() == []


def test_two_scenes_taking_turns() -> None:
    # Equal scenes, equal lengths: many ways cost the same on the way to the best.
    x = np.tile(blocks(5, 5, width=16), (20, 1))
    assert change_points(x).tolist() == list(range(5, 200, 5))
    assert change_points(x, max_steps=5).tolist() == list(range(5, 200, 5))
    expected, _ = oracle.change_points(x[:40], max_steps=3)
    assert change_points(x[:40], max_steps=3).tolist() == expected


@pytest.mark.parametrize("period", [1, 2])
def test_all_costs_equal(period: int) -> None:
    # Corners of a simplex: any two shots of one length cost the same.
    x = 2 * np.repeat(np.eye(12), period, axis=0)
    for options in ({}, {"max_steps": 3}, {"max_shots": 5}, {"penalty": 8.0}):
        expected, _ = oracle.change_points(x, **options)
        assert change_points(x, **options).tolist() == expected


@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize("max_steps", [None, 1, 2])
def test_a_few_constant_steps(n: int, max_steps: int | None) -> None:
    x = np.full((n, 3), 0.1)
    expected, _ = oracle.change_points(x, max_steps=max_steps)
    assert change_points(x, max_steps=max_steps).tolist() == expected


def test_repeated_rows_are_cut_at_their_rims_only() -> None:
    rng = np.random.default_rng(3)
    for _ in range(40):
        lengths = rng.integers(1, 6, size=5)
        x = np.repeat(rng.integers(-2, 3, size=(5, 2)), lengths, axis=0).astype(float)
        for most in (None, 2, 4):
            expected, _ = oracle.change_points(x, most, penalty=0.5)
            assert change_points(x, max_shots=most, penalty=0.5).tolist() == expected


def test_blocks_of_costs_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    x = blocks(30, 41, 26, 3, 50, 9, noise=0.8, width=6)
    whole = change_points(x, penalty=9.0).tolist()
    banded = change_points(x, penalty=9.0, max_steps=20).tolist()
    monkeypatch.setattr(paths, "ROWS", 7)
    monkeypatch.setattr(paths, "BAND", 3)  # the narrow bound goes the way of the wide ones
    assert change_points(x, penalty=9.0).tolist() == whole
    assert change_points(x, penalty=9.0, max_steps=20).tolist() == banded
    assert whole == [30, 71, 97, 100, 150]


def test_ten_hours_stay_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    # Counted, not timed: how many costs are looked at, for shots of 30 steps on average.
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 56, size=400)
    x = blocks(*lengths.tolist(), noise=0.5, width=16)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    seen, costs = [0], Paths._costs

    def counting(self: Paths, ends: np.ndarray, begins: np.ndarray) -> np.ndarray:
        seen[0] += len(ends) * len(begins)
        return costs(self, ends, begins)

    monkeypatch.setattr(Paths, "_costs", counting)
    cuts = change_points(x)
    assert 300 < len(cuts) < 500
    assert seen[0] < 2000 * len(x), f"{seen[0] / len(x):.0f} a step of {len(x)}"


def test_a_large_offset_costs_no_precision() -> None:
    x = blocks(30, 40, 20, noise=0.3)
    assert change_points(x + 1e5).tolist() == change_points(x).tolist() == [30, 70]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_bad_numbers_are_refused(bad: float) -> None:
    x = np.zeros((5, 2))
    x[3, 1] = bad
    with pytest.raises(InputError, match="NaN"):
        change_points(x)


@pytest.mark.parametrize("x", [np.zeros(5), np.zeros((2, 2, 2)), np.array([["a"]])])
def test_only_matrices(x: np.ndarray) -> None:
    with pytest.raises(InputError, match="matrix"):
        change_points(x)


@pytest.mark.parametrize(
    "options",
    [
        {"max_shots": 0},
        {"max_steps": 0},
        {"penalty": 0.0},
        {"penalty": math.nan},
        {"max_shots": 3, "max_steps": 3},
    ],
)
def test_impossible_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        change_points(np.zeros((10, 1)), **options)  # type: ignore[arg-type]


def test_bounds_are_inclusive_and_cover() -> None:
    assert shot_bounds([5, 13], 16).tolist() == [[0, 4], [5, 12], [13, 15]]
    assert shot_bounds([], 4).tolist() == [[0, 3]]
    assert shot_bounds([], 0).shape == (0, 2)
    assert frame_bounds([2], [0, 15, 30, 45], 50).tolist() == [[0, 29], [30, 49]]
    assert frame_bounds([1], [3, 18], 20).tolist() == [[0, 17], [18, 19]]


@pytest.mark.data
def test_real_features_give_shots_of_seconds(research_data: Path) -> None:
    import h5py

    path = research_data / "summarization" / "summe_dino768.h5"
    with h5py.File(path, "r") as file:
        x = file["video_20/features"][()]
    cuts = change_points(x, max_steps=60)
    assert 3 <= len(cuts) <= len(x) // 3
    value = value_of(x.astype(np.float64), cuts, 1.0)
    rng = np.random.default_rng(0)
    for _ in range(50):  # no single cut can be moved for the better
        moved = cuts.copy()
        moved[rng.integers(len(cuts))] += rng.choice([-1, 1])
        if set(np.diff([0, *moved.tolist(), len(x)])) <= set(range(1, 61)):
            assert value_of(x.astype(np.float64), moved, 1.0) >= value - 1e-9
