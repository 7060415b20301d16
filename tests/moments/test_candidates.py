from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from iptnet.moments import candidates as grouping
from iptnet.moments.similarity import VideoVectors
from tests.oracles import localization as oracle


def video(steps: int, cuts: list[float] | None = None, seconds: float = 1.0) -> VideoVectors:
    rows = np.random.default_rng(steps).standard_normal((steps, 4))
    return VideoVectors.of(np.arange(steps + 1) * seconds, rows, cuts or [])


def nearest_rim(bound: int, steps: int, near: int) -> int:
    """A bound moved to the video's nearer end where that is near; of equals the earlier."""
    rim = min((0, steps), key=lambda r: (abs(r - bound), r))
    return rim if abs(rim - bound) <= near else bound


@given(st.lists(st.booleans(), max_size=20))
def test_runs_equal_the_loop(above: list[bool]) -> None:
    assert grouping.runs(above) == oracle.runs(above)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 25), st.sampled_from([0.5, 1.0, 2.0]), st.integers(0, 2**32 - 1))
def test_candidates_are_the_runs_of_every_level(steps: int, seconds: float, seed: int) -> None:
    maps = np.random.default_rng(seed).standard_normal((2, steps))
    expected = {(0, steps)}
    for deviation in grouping.SMOOTHING:
        width = deviation / seconds
        for row in maps:
            smooth = gaussian_filter1d(row, width, mode="nearest") if width > 0.25 else row
            low, high = smooth.min(), smooth.max()
            for level in grouping.LEVELS:
                expected.update(oracle.runs((smooth >= low + (high - low) * level).tolist()))
    near = max(round(grouping.NEAR / seconds), 2)
    for pair in list(expected):
        moved = tuple(nearest_rim(bound, steps, near) for bound in pair)
        if moved[0] < moved[1]:
            expected.add(moved)
    plain = gaussian_filter1d(maps[0], grouping.SMOOTHING[1] / seconds, mode="nearest")
    part = {p for p in expected if p[1] - p[0] < grouping.WHOLE * steps}
    if np.ptp(plain) < grouping.FLAT:
        part = expected
    found = grouping.candidates(video(steps, seconds=seconds), maps)
    assert [tuple(p) for p in found.tolist()] == sorted(part or expected)


def test_shots_are_candidates_and_bounds_move_to_near_cuts_only() -> None:
    row = np.zeros(60)
    row[20:31] = 1
    found = {tuple(p) for p in grouping.candidates(video(60, [22, 45]), row[None]).tolist()}
    assert {(0, 22), (22, 45), (45, 60)} <= found
    assert (20, 31) in found  # as the map has it
    assert (22, 31) in found  # 20 is two steps from the cut at 22; 31 is far from 45


def test_the_whole_video_is_an_answer_only_where_nothing_stands_out() -> None:
    flat, told = np.full(50, 0.2), np.full(50, 0.2)
    told[10:20] = 0.4
    assert [0, 50] in grouping.candidates(video(50), flat[None]).tolist()
    assert [0, 50] not in grouping.candidates(video(50), told[None]).tolist()
    assert grouping.candidates(video(1), np.zeros((2, 1))).tolist() == [[0, 1]]


def test_of_too_many_the_most_similar_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = np.random.default_rng(3).standard_normal((2, 200))
    every = grouping.candidates(video(200), maps).tolist()
    monkeypatch.setattr(grouping, "MOST", 20)
    kept = grouping.candidates(video(200), maps).tolist()
    assert len(kept) == 20 and kept == sorted(kept)
    least = min(maps[1, a:b].mean() for a, b in kept)
    assert all(maps[1, a:b].mean() <= least + 1e-9 for a, b in every if [a, b] not in kept)
