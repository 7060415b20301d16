from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from iptnet.moments import evidence as figures
from iptnet.moments.similarity import Similarity, VideoVectors, similarity
from tests.oracles import localization as oracle


def cosine(x: np.ndarray, y: np.ndarray) -> float:
    return float(x @ y / max(np.linalg.norm(x) * np.linalg.norm(y), 1e-6))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 14), st.sampled_from([0.5, 2.0]), st.integers(0, 2**32 - 1))
def test_evidence_equals_the_loops(steps: int, seconds: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    video = VideoVectors.of(np.arange(steps + 1) * seconds, draw.standard_normal((steps, 3)), [])
    v, sentence = video.steps.astype(float), np.array([0.6, 0.0, 0.8])
    maps, words = draw.standard_normal((3, steps)), draw.standard_normal((4, steps))
    pairs = np.array([(a, b) for a in range(steps) for b in range(a + 1, steps + 1)])
    rows = figures.evidence(video, Similarity(maps, words), sentence, pairs)
    assert rows.shape == (len(pairs), figures.WIDTH) and np.isfinite(rows).all()
    for row, (a, b) in zip(rows, pairs.tolist(), strict=True):
        n = b - a
        margin = (n + 1) // 2 + 1
        low, high = max(a - margin, 0), min(b + margin, steps)
        place = [n / steps, a / steps, b / steps]
        shape = [np.log(n * seconds), *place, np.log(seconds), np.log(steps * seconds)]
        np.testing.assert_allclose(row[:6], shape, atol=1e-5)
        inside = v[a:b].mean(axis=0)
        nothing = np.zeros(3)
        left = v[low:a].mean(axis=0) if a > low else nothing
        right = v[b:high].mean(axis=0) if high > b else nothing
        rest = np.concatenate([v[:a], v[b:]])
        far = rest.mean(axis=0) if len(rest) else nothing
        alike = [cosine(inside, left), cosine(inside, right), cosine(inside, far)]
        np.testing.assert_allclose(row[6:9], alike, atol=1e-4)
        assert row[9] == pytest.approx(np.linalg.norm(inside), abs=1e-4)
        said = [
            inside @ sentence / max(float(np.linalg.norm(inside)), 1e-2),
            oracle.contrast(v.tolist(), sentence.tolist(), (a, b), (low, high)),
            oracle.contrast(v.tolist(), sentence.tolist(), (a, b), (0, steps)),
        ]
        np.testing.assert_allclose(row[12:15], said, atol=1e-4)
        each = sorted(words[:, a:b].mean(axis=1))
        standing = [each[-1], oracle.mean(each[-3:]), oracle.mean(each)]
        np.testing.assert_allclose(row[15:18], standing, atol=1e-4)
        for k, values in enumerate(maps):
            own = row[18 + 11 * k : 29 + 11 * k]
            z = (values - values.mean()) / (values.std() + 1e-6)
            smooth = gaussian_filter1d(z, figures.SMOOTHING / seconds, mode="nearest")
            level = smooth.min() + figures.HIGH * (smooth.max() - smooth.min())
            outside = [float(x) for x in (*smooth[:a], *smooth[b:])]
            expected = [
                oracle.mean(z[a:b].tolist()),
                oracle.mean(z[low:a].tolist()),
                oracle.mean(z[b:high].tolist()),
                oracle.mean([*z[:a].tolist(), *z[b:].tolist()]),
                oracle.mean(values[a:b].tolist()),
                max(smooth[a:b]),
                min(smooth[a:b]),
                max(smooth) - max(smooth[a:b]),
                max(outside, default=-3.0),
                oracle.mean([float(x > level) for x in smooth[a:b]]),
                sum(x > level for x in smooth[a:b]) / max(sum(x > level for x in smooth), 1),
            ]
            # The level is compared in another order of summation: skip ties at the last two.
            np.testing.assert_allclose(own[:9], expected[:9], atol=1e-4)
            if abs(smooth - level).min() > 1e-9:
                np.testing.assert_allclose(own[9:], expected[9:], atol=1e-4)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=10))
def test_extremes_equal_the_loop(values: list[int]) -> None:
    spans = [(a, b) for a in range(len(values)) for b in range(a + 1, len(values) + 1)]
    a, b = np.array(spans).T
    found = figures.extremes(np.array(values, float), a, b)
    assert found.tolist() == [max(values[a:b]) for a, b in spans]


def test_maps_by_hand() -> None:
    rows = np.array([[3.0, 0], [0, 1], [0, 2]])
    video = VideoVectors.of([0, 1, 2, 3], rows, [0.0, 0.9, 3.0])
    assert video.cuts.tolist() == [1]
    assert video.jumps[1] == pytest.approx(2.0, abs=1e-4) and not video.jumps[[0, 2, 3]].any()
    (cosines, centred, most), words = similarity(video, [1.0, 0.0], [[3.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(cosines, [1, 0, 0], atol=1e-6)
    # The mean is (1/3, 2/3): the first step lies (2, -2)/3 from it, the others (-1, 1)/3.
    np.testing.assert_allclose(centred, [0.5**0.5, -(0.5**0.5), -(0.5**0.5)], atol=1e-5)
    # Both words say the same: 1, 0, 0 with mean 1/3 and deviation √2/3.
    assert words.shape == (2, 3)
    np.testing.assert_allclose(most, [2**0.5, -(0.5**0.5), -(0.5**0.5)], atol=1e-2)
    np.testing.assert_allclose(words[0], most, atol=1e-6)
