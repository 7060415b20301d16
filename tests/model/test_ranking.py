from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from iptnet.model.localization import candidates as grouping
from iptnet.model.localization import evidence
from iptnet.model.localization.ranker import Ranker
from iptnet.model.localization.ranking import COLUMNS, MAPS, propose, similarities
from tests.oracles import localization as oracle


@given(st.lists(st.booleans(), max_size=20))
def test_runs_equal_the_loop(above: list[bool]) -> None:
    assert grouping.runs(above) == oracle.runs(above)


@given(st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_candidates_are_the_runs_of_every_level_and_the_whole(steps: int, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal(steps)
    expected = {(0, steps)}
    for width in grouping.SMOOTHING:
        smooth = gaussian_filter1d(values, width)
        low, high = smooth.min(), smooth.max()
        for level in grouping.LEVELS:
            expected.update(oracle.runs((smooth >= low + level * (high - low)).tolist()))
    found = grouping.candidates([values])
    assert [tuple(p) for p in found.tolist()] == sorted(expected)


def test_candidates_know_the_shots() -> None:
    values = np.zeros(20)
    values[5:11] = 1
    found = {tuple(p) for p in grouping.candidates([values], [6, 12]).tolist()}
    assert {(0, 6), (6, 12), (12, 20)} <= found  # the shots themselves
    assert (5, 11) in found  # the run at the middle level
    assert all(0 <= a < b <= 20 for a, b in found)


def test_bounds_move_to_near_changes_only() -> None:
    values = np.zeros(40)
    values[10:21] = 1
    found = {tuple(p) for p in grouping.candidates([values], [12, 30]).tolist()}
    assert (10, 21) in found
    assert (12, 21) in found  # 10 is two steps from the change at 12; 21 is far from 30


@given(st.integers(1, 14), st.integers(0, 2**32 - 1))
def test_evidence_equals_the_loops(steps: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    v, values = draw.standard_normal((steps, 3)), draw.standard_normal(steps)
    pairs = np.array([(a, b) for a in range(steps) for b in range(a + 1, steps + 1)])
    rows = evidence.evidence(v, [values], pairs)
    assert rows.shape == (len(pairs), evidence.width(1))
    assert np.isfinite(rows).all()
    z = (values - values.mean()) / (values.std() + 1e-6)
    smooth = gaussian_filter1d(z, 1.0)
    level = smooth.min() + 0.6 * (smooth.max() - smooth.min())
    for row, (a, b) in zip(rows, pairs.tolist(), strict=True):
        n = b - a
        margin = (n + 1) // 2 + 1
        left, right = max(a - margin, 0), min(b + margin, steps)
        outside = [float(x) for x in (*smooth[:a], *smooth[b:])]
        expected = [
            oracle.mean(z[a:b].tolist()),
            oracle.mean(z[left:a].tolist()),
            oracle.mean(z[b:right].tolist()),
            oracle.mean([*z[:a].tolist(), *z[b:].tolist()]),
            oracle.mean(values[a:b].tolist()),
            max(smooth[a:b]),
            min(smooth[a:b]),
            max(smooth) - max(smooth[a:b]),
            max(outside, default=-3.0),
            z[max(a - 1, 0)] - z[a],
            z[min(b, steps - 1)] - z[b - 1],
            oracle.mean([float(x > level) for x in smooth[a:b]]),
            sum(x > level for x in smooth[a:b]) / max(sum(x > level for x in smooth), 1),
        ]
        # The level is compared in another order of summation: skip ties at the last two.
        np.testing.assert_allclose(row[13:24], expected[:11], atol=1e-4)
        if abs(smooth - level).min() > 1e-9:
            np.testing.assert_allclose(row[24:], expected[11:], atol=1e-4)
        inside = v[a:b].mean(axis=0)
        assert row[0] == pytest.approx(n / steps, abs=1e-5)
        assert row[8] == pytest.approx(np.linalg.norm(inside), abs=1e-4)
        if n < steps:
            rest = np.concatenate([v[:a], v[b:]]).mean(axis=0)
            cosine = inside @ rest / np.linalg.norm(inside) / np.linalg.norm(rest)
            assert row[7] == pytest.approx(cosine, abs=1e-3)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=10))
def test_the_running_maximum_equals_the_loop(values: list[int]) -> None:
    table = evidence.running_maximum(np.array(values, float))
    for a in range(len(values)):
        for b in range(len(values)):
            assert table[a, b] == (max(values[a : b + 1]) if a <= b else -np.inf)


def test_similarities_by_hand() -> None:
    steps = np.array([[1.0, 0], [0, 1], [0, 1]])
    cosine, centred, words = similarities(steps, [[3.0, 0], [1.0, 0]])
    np.testing.assert_allclose(cosine, [1, 0, 0], atol=1e-5)
    assert centred[0] > 0 > centred[1]
    np.testing.assert_allclose(words, [2**0.5, -(0.5**0.5), -(0.5**0.5)], atol=1e-2)


def test_a_video_of_one_step_has_one_candidate() -> None:
    found = propose(np.ones((1, 4)), np.zeros((1, 4)), np.zeros(1), np.zeros(1), [])
    assert found.pairs.tolist() == [[0, 1]]
    assert found.rows.shape == (1, COLUMNS)
    assert len(MAPS) == 5
    assert np.isfinite(found.rows).all()


def test_the_ranker_standardises_and_clips() -> None:
    torch.manual_seed(0)
    ranker = Ranker(2, hidden=8).eval()
    rows = torch.tensor([[0.0, 100.0], [2.0, 300.0]])
    ranker.standardise_by(rows)
    with torch.no_grad():
        far = ranker(torch.tensor([[1e9, 200.0]]))
        at_the_limit = ranker(torch.tensor([[1 + 4 * 2**0.5, 200.0]]))
    torch.testing.assert_close(far, at_the_limit)
