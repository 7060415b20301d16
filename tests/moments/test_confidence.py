from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from iptnet.moments import confidence as room
from iptnet.moments.confidence import (
    GUESS,
    Background,
    Confidence,
    figures,
    fit_logistic,
    length_class,
    logit,
    peaks,
    usual_in,
)
from iptnet.moments.similarity import VideoVectors


def test_probabilities_by_hand() -> None:
    made = Confidence((1.0, -2.0, 3.0, 0.5), (2.0, 0.5, -1.0), 0.4)
    assert made.present((1.0, 0.25, 0.1)) == pytest.approx(
        1 / (1 + math.exp(-(1 - 0.5 + 0.3 + 0.5)))
    )
    expected = 1 / (1 + math.exp(-(2 * 0.8 + 0.5 * math.log(0.25) - 1)))
    assert made.confidence(0.8, 0.2) == pytest.approx(expected)
    assert made.confidence(0.8, 0.2, 0.5) == pytest.approx(expected / 2)
    assert made.confidence(1.0, 1.0, 0.0) == GUESS


@given(st.floats(0.5, 2.0), st.floats(-1, 1), st.floats(-1, 1))
def test_the_fit_finds_the_curve_that_made_the_answers(a: float, b: float, c: float) -> None:
    rows = [[x / 10 - 1, math.cos(7 * x)] for x in range(20)]
    shares = [1 / (1 + math.exp(-(a * x + b * y + c))) for x, y in rows]
    # Each asked twice, so and not so, in the true proportion: the likelihood's maximum.
    fitted = fit_logistic(
        rows * 2,
        [True] * 20 + [False] * 20,
        [1000 * p for p in shares] + [1000 - 1000 * p for p in shares],
    )
    assert fitted == pytest.approx((a, b, c), abs=1e-3)
    assert logit(0.0) == pytest.approx(-logit(1.0))


def test_a_fit_of_answers_that_are_all_alike_ends() -> None:
    slopes = fit_logistic([[0.0, 1.0]] * 9, [True] * 9, np.ones(9))
    assert all(map(math.isfinite, slopes)) and slopes[-1] > 0


@given(st.integers(1, 300), st.integers(1, 3), st.integers(0, 99))
def test_peaks_in_pieces_are_those_of_the_whole(steps: int, sentences: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    v = draw.standard_normal((steps, 5)).astype(np.float32)
    s = draw.standard_normal((sentences, 5)).astype(np.float32)
    whole = gaussian_filter1d(
        s.astype(float) @ v.T.astype(float), room.SMOOTHING / 0.5, mode="nearest"
    )
    before, room.CHUNK = room.CHUNK, 37
    try:
        np.testing.assert_allclose(peaks(v, s, 0.5), whole.max(axis=1), atol=1e-4)
    finally:
        room.CHUNK = before


def test_a_sentence_is_compared_with_those_of_its_length() -> None:
    assert [length_class(n) for n in (0, 1, 2, 3, 4, 5, 7, 8, 40)] == [0, 0, 1, 2, 2, 3, 3, 4, 4]
    rows = np.tile(np.eye(4)[0], (40, 1))
    rows[10:20] = np.eye(4)[1]
    video = VideoVectors.of(np.arange(41) * 0.5, rows, [])
    # Short background sentences reach nothing here, long ones as much as the sentence itself.
    short = np.tile(np.eye(4, dtype=np.float32)[3], (10, 1))
    long = np.tile(np.eye(4, dtype=np.float32)[1], (10, 1))
    background = Background(
        np.concatenate([short, long]), np.repeat([0, 4], 10), np.eye(4, dtype=np.float32)
    )
    usual = usual_in(video, background)
    one = figures(video, np.eye(4)[1], 1, background, usual)
    many = figures(video, np.eye(4)[1], 9, background, usual)
    assert one[0] > 100 > abs(many[0]) and one[1:] == many[1:]
    absent = figures(video, np.eye(4)[2], 1, background, usual)
    assert absent[1] < one[1] and absent[2] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(figures(video, np.zeros(4), 1, background, usual)).all()
    # Of a length without a background, all sentences count.
    assert usual.means[2] == pytest.approx((usual.means[0] + usual.means[4]) / 2)
