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
from iptnet.model.localization.ranking import COLUMNS, MAPS, Scene, propose, similarities
from tests.oracles import localization as oracle


@given(st.lists(st.booleans(), max_size=20))
def test_runs_equal_the_loop(above: list[bool]) -> None:
    assert grouping.runs(above) == oracle.runs(above)


def grouped(values: np.ndarray, changes: list[int]) -> list[tuple[int, int]]:
    """Candidates of one map in one window."""
    found = grouping.candidates(values[None, None], grouping.Shots.of([changes], len(values)))
    assert not found[:, 0].any()
    return [(a, b) for _, a, b in found.tolist()]


@given(st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_candidates_are_the_runs_of_every_level_and_the_whole(steps: int, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal(steps)
    expected = {(0, steps)}
    for width in grouping.SMOOTHING:
        smooth = gaussian_filter1d(values, width)
        low, high = smooth.min(), smooth.max()
        for level in grouping.LEVELS:
            expected.update(oracle.runs((smooth >= low + level * (high - low)).tolist()))
    assert grouped(values, []) == sorted(expected)


def test_candidates_know_the_shots() -> None:
    values = np.zeros(20)
    values[5:11] = 1
    found = set(grouped(values, [6, 12]))
    assert {(0, 6), (6, 12), (12, 20)} <= found  # the shots themselves
    assert (5, 11) in found  # the run at the middle level
    assert all(0 <= a < b <= 20 for a, b in found)


def test_bounds_move_to_near_changes_only() -> None:
    values = np.zeros(40)
    values[10:21] = 1
    found = set(grouped(values, [12, 30]))
    assert (10, 21) in found
    assert (12, 21) in found  # 10 is two steps from the change at 12; 21 is far from 30


@given(st.integers(1, 14), st.integers(0, 2**32 - 1))
def test_evidence_equals_the_loops(steps: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    v, values = draw.standard_normal((steps, 3)), draw.standard_normal(steps)
    pairs = np.array([(a, b) for a in range(steps) for b in range(a + 1, steps + 1)])
    found = np.pad(pairs, ((0, 0), (1, 0)))
    sentence, words = np.array([0.6, 0, 0.8]), draw.standard_normal((4, steps))
    asked = evidence.Asked((v @ sentence)[None], words[None])
    rows = evidence.evidence(evidence.Pictures.of(v[None]), values[None, None], asked, found)
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
        np.testing.assert_allclose(row[19:30], expected[:11], atol=1e-4)
        if abs(smooth - level).min() > 1e-9:
            np.testing.assert_allclose(row[30:], expected[11:], atol=1e-4)
        inside = v[a:b].mean(axis=0)
        assert row[0] == pytest.approx(n / steps, abs=1e-5)
        assert row[8] == pytest.approx(np.linalg.norm(inside), abs=1e-4)
        each = sorted(words[:, a:b].mean(axis=1))
        said = [
            inside @ sentence / max(float(np.linalg.norm(inside)), 1e-2),
            oracle.contrast(v.tolist(), sentence.tolist(), (a, b), (left, right)),
            oracle.contrast(v.tolist(), sentence.tolist(), (a, b), (0, steps)),
            each[-1],
            oracle.mean(each[-3:]),
            oracle.mean(each),
        ]
        np.testing.assert_allclose(row[13:19], said, atol=1e-4)
        if n < steps:
            rest = np.concatenate([v[:a], v[b:]]).mean(axis=0)
            cosine = inside @ rest / np.linalg.norm(inside) / np.linalg.norm(rest)
            assert row[7] == pytest.approx(cosine, abs=1e-3)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=10))
def test_extremes_equal_the_loop(values: list[int]) -> None:
    spans = [(a, b) for a in range(len(values)) for b in range(a + 1, len(values) + 1)]
    a, b = np.array(spans).T
    found = evidence.extremes(np.array([[values]], float), np.zeros_like(a), a, b)
    assert found[:, 0].tolist() == [max(values[a:b]) for a, b in spans]


def test_windows_together_are_what_each_is_alone() -> None:
    draw = np.random.default_rng(5)
    v, words = draw.standard_normal((3, 24, 8)), draw.standard_normal((4, 8))
    highlight, saliency = draw.standard_normal((2, 3, 24))
    changes = [[5, 11], [], [20]]
    together = propose(Scene.of(v, changes), words, highlight, saliency)
    for k in range(3):
        one = propose(
            Scene.of(v[k : k + 1], changes[k : k + 1]),
            words,
            highlight[k : k + 1],
            saliency[k : k + 1],
        )
        own = together.windows == k
        assert together.pairs[own].tolist() == one.pairs.tolist()
        np.testing.assert_allclose(together.rows[own], one.rows, atol=1e-5)


def test_similarities_by_hand() -> None:
    steps = np.array([[1.0, 0], [0, 1], [0, 1]])
    scene = Scene.of(steps[None], [[]])
    (cosine, centred, words), asked = similarities(scene, [[3.0, 0], [1.0, 0]])
    np.testing.assert_allclose(asked.products[0], [1, 0, 0], atol=1e-5)
    assert asked.words.shape == (1, 2, 3)
    np.testing.assert_allclose(cosine[0], [1, 0, 0], atol=1e-5)
    assert centred[0, 0] > 0 > centred[0, 1]
    np.testing.assert_allclose(words[0], [2**0.5, -(0.5**0.5), -(0.5**0.5)], atol=1e-2)


def test_a_video_of_one_step_has_one_candidate() -> None:
    scene = Scene.of(np.ones((1, 1, 4)), [[]])
    found = propose(scene, np.zeros((1, 4)), np.zeros((1, 1)), np.zeros((1, 1)))
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
