"""The budget, the frame grid, when to stop, and what a viewer gets when nothing fits."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.errors import UsageError
from iptnet.selection.candidates import Candidates, candidates
from iptnet.selection.content import BAD, Content, content_of
from iptnet.selection.keyshots import SHORTEST, Selection, budget_of, choose, select
from iptnet.selection.pieces import LEAST
from iptnet.selection.stretch import best_stretch, samples_inside
from tests.oracles.selection import curve_mean

RATES = (None, 1 / 25, 1001 / 30000, 1 / 60)
NAMES = (
    "change", "motion", "moving", "camera", "unlike", "sharpness", "focus", "colour", "flat",
    "damage",
)  # fmt: skip


def cues_of(count: int, **rows: Any) -> dict[str, np.ndarray]:
    """Cues of a lively, sharp video, but for what is given."""
    usual = {"motion": 5.0, "moving": 0.1, "unlike": 0.1, "focus": 1.0, "flat": 0.1}
    return {
        name: np.broadcast_to(np.asarray(rows.get(name, usual.get(name, 0.0)), float), count)
        for name in NAMES
    }


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
    vectors = rng.standard_normal((len(times), 4))
    cues = cues_of(len(times), motion=rng.random(len(times)), damage=rng.random(len(times)) / 5)
    return {
        "times": times,
        "values": curve,
        "bounds": np.stack([edges[:-1], edges[1:]], 1),
        "duration": duration,
        "ratio": draw(st.sampled_from([0.001, 0.05, 0.15, 0.5, 0.99, 1.0])),
        "frame_interval": draw(st.sampled_from(RATES)),
        "content": content_of(vectors, cues) if draw(st.booleans()) else None,
    }


@settings(max_examples=200, deadline=None)
@given(videos())
def test_every_selection_is_a_playable_summary(video: dict[str, Any]) -> None:
    got = select(**video)
    interval = video["frame_interval"]
    tick = interval or 0.001
    allowed = min(max(video["ratio"] * video["duration"], SHORTEST), video["duration"])
    total = math.fsum(k.duration for k in got.keyshots)
    assert got.keyshots
    assert 0 < total <= allowed + 2 * tick
    assert total >= min(allowed, SHORTEST) - 2 * tick
    assert list(got.keyshots) == sorted(got.keyshots, key=lambda k: k.start)
    for a, b in pairwise(got.keyshots):
        assert a.end <= b.start
    homes = [[s for s in got.shots if s.start <= k.start and k.end <= s.end] for k in got.keyshots]
    if total > SHORTEST + 0.1:
        assert all(len(home) == 1 and home[0].selected for home in homes)
        assert all(k.duration >= LEAST - 2 * tick for k in got.keyshots)
    assert all(k.end <= video["duration"] for k in got.keyshots)
    assert all(k.picture is not None and k.start <= k.picture <= k.end for k in got.keyshots)
    if interval is not None:
        for k in got.keyshots:
            assert abs(k.start / interval - round(k.start / interval)) < 1e-3
    assert select(**video) == got


def flat(duration: float, *cuts: float, values: Any = None, **options: Any) -> Selection:
    times = np.arange(0, duration, 0.5)
    edges = [0.0, *cuts, duration]
    curve = np.full(len(times), 0.5) if values is None else values(times)
    return select(times, curve, list(pairwise(edges)), duration, **options)


def test_of_a_long_shot_the_part_is_played_in_which_something_happens() -> None:
    got = flat(60, values=lambda t: np.where((t > 29) & (t < 36), 0.9, 0.1), ratio=0.1)
    played = sum(max(0.0, min(k.end, 36) - max(k.start, 29)) for k in got.keyshots)
    assert played >= 5 and got.keyshots[0].duration <= 6


def test_a_clip_of_ten_seconds_keeps_five() -> None:
    assert sum(k.duration for k in flat(10, ratio=0.15).keyshots) == pytest.approx(5)
    assert sum(k.duration for k in flat(4, ratio=0.15).keyshots) == pytest.approx(4)


def test_pieces_that_follow_each_other_in_a_shot_play_as_one() -> None:
    got = flat(40, 20, values=lambda t: np.where(t < 12, 0.9, 0.1), ratio=0.25)
    assert len(got.keyshots) == 1 and got.keyshots[0].start == 0


def test_a_ratio_of_one_keeps_everything() -> None:
    got = flat(10.013, 3.3, 7.1, ratio=1, frame_interval=1001 / 30000)
    assert sum(k.duration for k in got.keyshots) == pytest.approx(10.013)
    assert all(s.selected for s in got.shots)


def test_shots_too_short_to_watch_join_the_one_they_run_into() -> None:
    got = flat(20, 5, 6.4, 10, 19.5, frame_interval=0.04)
    assert [(s.start, s.end) for s in got.shots] == [(0, 5), (5, 10), (10, 20)]


def test_a_video_of_one_frame() -> None:
    got = select([0.0], [0.0], [(0, 0.04)], 0.04, ratio=0.15, frame_interval=0.04)
    assert [(k.start, k.end) for k in got.keyshots] == [(0.0, 0.04)]


def scenes(*rows: list[float], seconds: float = 30.0, **cues: Any) -> dict[str, Any]:
    """A video in which each row is on show at rest for so long."""
    each = int(2 * seconds)
    vectors = np.repeat(np.array(rows, float), each, axis=0)
    count = len(vectors)
    motion = np.zeros(count)
    motion[each::each] = 0.5
    still = {"motion": motion, "moving": 0.0, "unlike": motion / 5, **cues}
    edges = np.arange(0, count / 2 + 1, 10.0)
    return {
        "times": np.arange(count) / 2,
        "values": np.linspace(0.4, 0.6, count),
        "bounds": np.stack([edges[:-1], edges[1:]], axis=1),
        "duration": count / 2,
        "frame_interval": 0.04,
        "content": content_of(vectors, cues_of(count, **still)),
    }


def turned(degrees: float) -> list[float]:
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]


def test_slides_that_differ_little_are_each_shown_once_and_then_it_stops() -> None:
    # 7 degrees are a cosine of .9925, as one more line on a slide.
    video = scenes(*[turned(7 * k) for k in range(8)], seconds=90)
    got = select(**video, ratio=0.125)
    shown = [int(k.start // 90) for k in got.keyshots]
    assert sorted(shown) == list(range(8))
    assert got.exhausted and sum(k.duration for k in got.keyshots) < 0.6 * got.budget


def test_a_picture_that_comes_back_is_not_shown_again() -> None:
    got = select(**scenes(turned(0), turned(90), turned(0), turned(90), turned(0)), ratio=0.5)
    assert len(got.keyshots) == 2 and got.exhausted


def test_a_video_of_one_picture_lasts_the_least_a_summary_lasts() -> None:
    got = select(**scenes(turned(0), seconds=600), ratio=0.15)
    assert sum(k.duration for k in got.keyshots) == pytest.approx(SHORTEST)
    assert got.exhausted


def test_a_summary_that_fills_its_budget_is_not_called_short() -> None:
    video = scenes(turned(0), seconds=30)
    edges = np.arange(0.0, 31, 3)  # one shot of three seconds, which plays on to five
    video["bounds"] = np.stack([edges[:-1], edges[1:]], axis=1)
    got = select(**video, ratio=SHORTEST / 30)
    assert sum(k.duration for k in got.keyshots) == pytest.approx(got.budget)
    assert not got.exhausted


def test_where_something_moves_the_budget_is_used() -> None:
    rng = np.random.default_rng(0)
    video = scenes(turned(0), seconds=600, motion=3 + rng.random(1200), moving=0.2)
    got = select(**video, ratio=0.15)
    assert not got.exhausted and sum(k.duration for k in got.keyshots) > 0.95 * 90


def test_damaged_pictures_are_chosen_only_when_nothing_else_is_there() -> None:
    damage = np.zeros(120)
    damage[40:80] = 0.5
    video = scenes(turned(0), turned(90), motion=3.0, moving=0.2, damage=damage)
    video["values"] = np.where(damage > 0, 1.0, 0.3)
    got = select(**video, ratio=0.4)
    assert all(k.end <= 20.01 or k.start >= 39.99 for k in got.keyshots)
    assert video["content"].quality.min() == pytest.approx(BAD)
    ruined = scenes(turned(0), motion=3.0, moving=0.2, damage=0.5)
    assert sum(k.duration for k in select(**ruined, ratio=0.3).keyshots) > 5


def test_a_keyshot_is_pictured_by_a_sharp_frame_away_from_cuts() -> None:
    focus = np.ones(60)
    focus[::3] = 0.2
    video = scenes(turned(0), motion=3.0, moving=0.2, focus=focus)
    for keyshot in select(**video, ratio=0.4).keyshots:
        assert keyshot.picture is not None
        assert focus[round(2 * keyshot.picture)] == 1
        assert keyshot.start + 0.25 < keyshot.picture < keyshot.end - 0.25


def found_of(**video: Any) -> Candidates:
    return candidates(**video)


def test_pieces_that_fit_no_query_are_left_out() -> None:
    video = scenes(turned(0), turned(90), motion=3.0, moving=0.2)
    video["values"] = np.where(np.arange(120) < 12, 1.0, 0.1)
    got = choose(found_of(**video, repeated=True), 30, at_least=0.4)
    assert got.exhausted and got.keyshots[-1].end <= 7


def test_three_hours_at_a_variable_rate_stay_within_the_budget_and_are_fast() -> None:
    rng = np.random.default_rng(0)
    edges = np.unique(np.concatenate([[0.0], np.sort(rng.random(1500)) * 10800, [10800.0]]))
    times = np.arange(0, 10800, 0.5)
    content = content_of(
        rng.standard_normal((len(times), 16)), cues_of(len(times), motion=rng.random(len(times)))
    )
    bounds = np.stack([edges[:-1], edges[1:]], 1)
    found = candidates(times, rng.random(len(times)), bounds, 10800.0, content=content)
    assert len(found.pieces) < 5500
    total = math.fsum(k.duration for k in choose(found, 1620.0).keyshots)
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


def test_a_budget_is_a_share_or_a_length() -> None:
    assert budget_of(100, 0.15) == 15 and budget_of(10, 0.15) == 5 and budget_of(4, 0.15) == 4
    assert budget_of(100, length=3) == 3 and budget_of(100, length=1000) == 100
    for wrong in ({}, {"ratio": 0.1, "length": 5.0}, {"length": 0.0}, {"length": math.nan}):
        with pytest.raises(UsageError):
            budget_of(100, **wrong)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"times": [0.0, 0.0]}, "increase"),
        ({"values": [0.1]}, r"\(T,\)"),
        ({"values": [0.1, math.nan]}, "finite"),
        ({"bounds": [(0, 2), (1, 3)]}, "overlap"),
        ({"bounds": []}, "bounds"),
        ({"duration": 0.0}, "duration"),
        ({"content": content_of(np.ones((5, 2)), cues_of(5))}, "samples"),
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


def test_content_counts_scenes_at_cuts_and_at_slides() -> None:
    motion = np.zeros(40)
    motion[[10, 30]] = 20.0, 0.3
    found: Content = content_of(
        np.ones((40, 2)), cues_of(40, motion=motion, moving=0.0, unlike=motion / 25)
    )
    assert np.flatnonzero(np.diff(found.scene)).tolist() == [9, 29]
