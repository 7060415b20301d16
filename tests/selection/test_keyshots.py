"""The budget, the frame grid, and what a viewer gets when nothing fits."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.errors import UsageError
from iptnet.selection.keyshots import DULL, MIN_KEYSHOT, MIN_PART, PARTS, Selection, select
from iptnet.selection.stretch import best_stretch, samples_inside
from tests.oracles.selection import best_subset, curve_mean, mean_inside

RATES = (None, 1 / 25, 1001 / 30000, 1 / 60)


@st.composite
def videos(draw: st.DrawFn) -> dict[str, Any]:
    duration = draw(st.floats(0.05, 200))
    cuts = sorted(set(draw(st.lists(st.floats(0, 1), max_size=8))) | {0.0, 1.0})
    edges = [c * duration for c in cuts]
    step = draw(st.sampled_from([0.1, 0.5, 2.0, 37.0]))
    times = np.arange(0, duration, max(step, duration / 500))
    values = draw(st.sampled_from(["random", "zero", "one", "ramp"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    curve = {
        "random": rng.random(len(times)),
        "zero": np.zeros(len(times)),
        "one": np.ones(len(times)),
        "ramp": np.linspace(0, 1, len(times)),
    }[values]
    return {
        "times": times,
        "values": curve,
        "bounds": np.stack([edges[:-1], edges[1:]], 1),
        "duration": duration,
        "ratio": draw(st.sampled_from([0.001, 0.05, 0.15, 0.5, 0.99, 1.0])),
        "frame_interval": draw(st.sampled_from(RATES)),
    }


@settings(max_examples=300, deadline=None)
@given(videos())
def test_every_selection_is_a_playable_summary(video: dict[str, Any]) -> None:
    got = select(**video)
    interval = video["frame_interval"]
    least = min(video["duration"], interval or 0.1)
    allowed = max(video["ratio"] * video["duration"], least)
    total = math.fsum(k.duration for k in got.keyshots)
    assert got.keyshots
    assert 0 < total <= allowed + 1e-6
    assert total <= got.budget + (interval or 0.001)
    assert list(got.keyshots) == sorted(got.keyshots, key=lambda k: k.start)
    for a, b in zip(got.keyshots, got.keyshots[1:], strict=False):
        assert a.end <= b.start
    homes = [[s for s in got.shots if s.start <= k.start and k.end <= s.end] for k in got.keyshots]
    assert all(len(home) == 1 and home[0].selected for home in homes)
    assert sum(s.selected for s in got.shots) == len(got.keyshots)
    assert all(k.end <= video["duration"] for k in got.keyshots)
    if interval is not None:
        for k in got.keyshots:
            assert abs(k.start / interval - round(k.start / interval)) < 1e-3
    if got.budget >= MIN_KEYSHOT + 0.02 and len(got.shots) > 1:
        assert all(k.duration >= MIN_KEYSHOT - 1e-6 for k in got.keyshots)
    assert select(**video) == got


@settings(max_examples=120, deadline=None)
@given(
    lengths=st.lists(st.integers(25, 60), min_size=3, max_size=8),
    ratio=st.floats(0.3, 0.99),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_knapsack_is_optimal_when_every_shot_fits(
    lengths: list[int], ratio: float, seed: int
) -> None:
    edges = np.concatenate([[0], np.cumsum(lengths)])
    rng = np.random.default_rng(seed)
    times = np.arange(0, edges[-1] / 25, 0.5)
    values = rng.random(len(times))
    bounds = np.stack([edges[:-1], edges[1:]], 1) / 25
    got = select(times, values, bounds, edges[-1] / 25, ratio=ratio, frame_interval=1 / 25)
    budget = math.floor(ratio * edges[-1] + 1e-6)
    if max(lengths) > budget // min(max(int(budget / (MIN_PART * 25)), 1), PARTS):
        return
    means = [mean_inside(times.tolist(), values.tolist(), a, b) for a, b in bounds.tolist()]
    assert [s.score for s in got.shots] == pytest.approx(means)
    worth = [m * n if m >= DULL * max(means) else 0.0 for m, n in zip(means, lengths, strict=True)]
    whole = [k for k in got.keyshots if (k.start, k.end) in {(s.start, s.end) for s in got.shots}]
    mine = sum(k.score * round(k.duration * 25) for k in whole)
    assert mine == pytest.approx(best_subset(worth, lengths, budget), abs=1e-3)


def flat(duration: float, *cuts: float, values: Any = None, **options: Any) -> Selection:
    times = np.arange(0, duration, 0.5)
    edges = [0.0, *cuts, duration]
    curve = np.full(len(times), 0.5) if values is None else values(times)
    return select(times, curve, list(pairwise(edges)), duration, **options)


def test_one_single_shot_is_trimmed_to_exactly_the_budget_around_its_peak() -> None:
    got = flat(60, values=lambda t: np.exp(-((t - 40) ** 2) / 8), ratio=0.1, frame_interval=0.04)
    (only,) = got.keyshots
    assert (only.start, only.end) == (37.0, 43.0)


def test_a_curve_that_says_nothing_gives_the_middle_of_the_shot() -> None:
    (only,) = flat(100, ratio=0.1).keyshots
    assert (only.start, only.end) == (45.0, 55.0)


def test_length_counts_so_that_dull_short_shots_do_not_win() -> None:
    def values(t: np.ndarray) -> np.ndarray:
        return np.where(t < 10, 0.9, 0.3)

    got = flat(100, 10, *range(11, 100), values=values, ratio=0.3, frame_interval=0.04)
    assert (got.keyshots[0].start, got.keyshots[0].end) == (0.0, 10.0)


def test_long_shots_share_the_budget_by_their_best_stretches() -> None:
    def values(t: np.ndarray) -> np.ndarray:
        return np.select([t < 30, t < 60], [0.1 + 0.8 * ((t > 10) & (t < 20)), 0.6], 0.2)

    # 15 s to spend, so a part is 5 s: the peak of the first shot, the middle of the flat second
    # and one of the dull rest.
    got = flat(100, 30, 60, 70, 80, 90, values=values, ratio=0.15, frame_interval=0.04)
    assert len(got.keyshots) == PARTS
    assert 10 < got.keyshots[0].start < got.keyshots[0].end < 20
    assert (got.keyshots[1].start, got.keyshots[1].end) == (42.48, 47.48)
    assert [k.duration for k in got.keyshots] == pytest.approx([5.0] * 3)


def test_a_shortened_shot_plays_on_when_nothing_else_is_left() -> None:
    def values(t: np.ndarray) -> np.ndarray:
        return np.where(t < 12, 0.9, 0.6)

    # 20 of 26 s: 6.64 s of each shot at first, then the better one plays whole.
    got = flat(26, 12, values=values, ratio=20 / 26, frame_interval=0.04)
    assert [round(k.duration, 6) for k in got.keyshots] == [12.0, 8.0]
    assert got.keyshots[0].score == pytest.approx(0.9)


def test_what_the_knapsack_leaves_unused_is_filled_with_the_next_best_shot() -> None:
    def values(t: np.ndarray) -> np.ndarray:
        return np.where(t < 2, 0.9, np.where(t < 4, 0.6, 0.1))

    # 3.4 s to spend, shots of 1.8 s: two never fit, but 1.6 s of the second best do. What is
    # dull never fills a gap, though it would fit.
    edges = [0, 1.8, 3.6, 4.8, 6.0]
    got = flat(24, *edges[1:], *range(8, 24, 2), values=values, ratio=3.4 / 24)
    assert [round(k.duration, 3) for k in got.keyshots] == [1.8, 1.6]
    assert got.keyshots[0].start == 0.0
    assert 1.8 <= got.keyshots[1].start <= got.keyshots[1].end <= 3.6


def test_a_ratio_of_one_keeps_everything() -> None:
    got = flat(10.013, 3.3, 7.1, ratio=1, frame_interval=1001 / 30000)
    assert sum(k.duration for k in got.keyshots) == pytest.approx(10.013)
    assert all(s.selected for s in got.shots)


def test_shots_under_a_second_join_the_one_they_run_into() -> None:
    got = flat(20, 5, 5.4, 10, 19.5, frame_interval=0.04)
    assert [(s.start, s.end) for s in got.shots] == [(0, 5), (5, 10), (10, 20)]


def test_a_video_of_one_frame() -> None:
    got = select([0.0], [0.0], [(0, 0.04)], 0.04, ratio=0.15, frame_interval=0.04)
    assert [(k.start, k.end) for k in got.keyshots] == [(0.0, 0.04)]


def test_three_hours_at_a_variable_rate_stay_within_the_budget() -> None:
    rng = np.random.default_rng(0)
    edges = np.unique(np.concatenate([[0.0], np.sort(rng.random(1500)) * 10800, [10800.0]]))
    times = np.arange(0, 10800, 0.5)
    got = select(times, rng.random(len(times)), np.stack([edges[:-1], edges[1:]], 1), 10800.0)
    total = math.fsum(k.duration for k in got.keyshots)
    assert 0.98 * 1620 < total <= 1620


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.floats(0.1, 2), min_size=1, max_size=6),
    seed=st.integers(0, 2**32 - 1),
    length=st.integers(1, 30),
)
def test_the_best_stretch_is_no_worse_than_any_other(
    gaps: list[float], seed: int, length: int
) -> None:
    times = np.cumsum(gaps)
    values = np.random.default_rng(seed).random(len(times))
    start, mean = best_stretch(times, values, (4, 40), length, 10.0)
    inside = samples_inside(times, 0.4, 4.0)
    t, v = times[inside].tolist(), values[inside].tolist()
    means = [curve_mean(t, v, s / 10, (s + length) / 10, 400) for s in range(4, 41 - length)]
    assert 4 <= start <= 40 - length
    assert mean == pytest.approx(max(means), abs=2e-3)
    assert means[start - 4] == pytest.approx(max(means), abs=2e-3)


@pytest.mark.parametrize("ratio", [0, -0.1, 1.01, math.nan, math.inf])
def test_a_senseless_ratio_is_refused(ratio: float) -> None:
    with pytest.raises(UsageError, match="ratio"):
        flat(10, ratio=ratio)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"times": [0.0, 0.0]}, "increase"),
        ({"values": [0.1]}, r"\(T,\)"),
        ({"values": [0.1, math.nan]}, "finite"),
        ({"bounds": [(0, 2), (1, 3)]}, "overlap"),
        ({"bounds": []}, "bounds"),
        ({"duration": 0.0}, "duration"),
    ],
)
def test_malformed_arrays_are_refused(change: dict[str, Any], match: str) -> None:
    good: dict[str, Any] = {
        "times": [0.0, 1.0],
        "values": [0.1, 0.2],
        "bounds": [(0, 2)],
        "duration": 2.0,
    }
    with pytest.raises(ValueError, match=match):
        select(**{**good, **change})
