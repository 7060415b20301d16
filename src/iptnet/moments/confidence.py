"""Confidence: whether a video shows what a sentence says at all, and whether an answer is right.

A cosine means little alone: some sentences resemble every picture, some videos every sentence, and
short sentences reach other values than long ones. So a sentence's best stretch is compared with
what background sentences of its own length reach in this video, and with what it reaches in
background pictures (zero- and test-normalisation, as speaker verification has it). Two logistics,
fitted on answers that the ranker had not learned from, turn that into probabilities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.model.smoothing import gaussian
from iptnet.moments.similarity import VideoVectors

SMOOTHING = 1.25
"""Deviation in seconds of the Gaussian before a peak counts: a single picture is no match."""

LENGTHS = (1, 2, 4, 7)
"""Words up to which sentences are of the first, second … length; the last has no bound."""

FIGURES = 3
GUESS = 0.02
"""Confidence in the answer to a query of which no word is known."""

LIMIT = 50.0
CHUNK = 4096
"""Steps compared with the background at a time: memory of an hour, not of a day."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Background:
    """Sentences and pictures that nobody asked for, rows of length one.

    Attributes:
        sentences: (S, D).
        lengths: (S,) the length class of each; see :func:`length_class`.
        pictures: (M, D).
    """

    sentences: NDArray[np.float32]
    lengths: NDArray[np.int64]
    pictures: NDArray[np.float32]


@dataclass(frozen=True)
class Usual:
    """Mean and deviation of what the background's sentences of each length reach in a video."""

    means: tuple[float, ...]
    spreads: tuple[float, ...]


@dataclass(frozen=True)
class Confidence:
    """Two logistics: over the figures of presence, and over the answer's score beside them.

    Attributes:
        presence: slopes of the figures and the offset: probability that the video shows it.
        right: slopes of the score and of the presence's logit, and the offset.
        threshold: presence from which on a sentence counts as shown.
    """

    presence: tuple[float, ...] = (1.0,) * (FIGURES + 1)
    right: tuple[float, float, float] = (1.0, 0.0, 0.0)
    threshold: float = 0.5

    def present(self, figures: ArrayLike) -> float:
        """Estimate the probability that the video shows it, from (FIGURES,) figures."""
        return _sigmoid(float(np.dot(self.presence[:-1], figures)) + self.presence[-1])

    def confidence(self, score: float, presence: float, known_share: float = 1.0) -> float:
        """Estimate the probability that an answer has IoU ≥ 0.5 with the truth.

        Args:
            score: the ranker's.
            presence: of :meth:`present`.
            known_share: of the sentence's words; unknown ones take their share.
        """
        slope, more, offset = self.right
        total = slope * score + more * logit(presence) + offset
        return min(_sigmoid(total), GUESS) if known_share == 0 else _sigmoid(total) * known_share


def length_class(words: int) -> int:
    """Class of a sentence of so many words."""
    return int(np.searchsorted(LENGTHS, words))


def usual_in(video: VideoVectors, background: Background) -> Usual:
    """Measure what background sentences of each length reach in a video."""
    tops = peaks(video.steps, background.sentences, video.seconds)
    everywhere = (float(tops.mean()), float(tops.std()) + 1e-3)
    found = []
    for k in range(len(LENGTHS) + 1):
        own = tops[background.lengths == k]
        # Of a few sentences the deviation says nothing.
        found.append((float(own.mean()), float(own.std()) + 1e-3) if len(own) > 7 else everywhere)
    return Usual(tuple(m for m, _ in found), tuple(s for _, s in found))


def figures(
    video: VideoVectors,
    sentence: ArrayLike,
    words: int,
    background: Background,
    usual: Usual,
) -> tuple[float, float, float]:
    """Compute figures that are high where the video shows what the sentence says.

    Args:
        video: the whole video.
        sentence: (D,) unit.
        words: how many the sentence has.
        background: of the model.
        usual: :func:`usual_in` of the same video.

    Returns:
        the best smoothed cosine against background sentences of the same length in this video,
        against background pictures, and by itself (ten times, to be of the others' size).
    """
    s = np.asarray(sentence, np.float32)
    best = float(peaks(video.steps, s[None], video.seconds)[0])
    k = length_class(words)
    elsewhere = (background.pictures @ s).astype(np.float64)
    return (
        (best - usual.means[k]) / usual.spreads[k],
        (best - float(elsewhere.mean())) / (float(elsewhere.std()) + 1e-3),
        10 * best,
    )


def peaks(steps: NDArray[np.float32], sentences: NDArray[np.float32], seconds: float) -> Floats:
    """Find the greatest smoothed cosine of each unit sentence (S, D) in a video (T, D): (S,)."""
    deviation, T = SMOOTHING / seconds, len(steps)
    margin = math.ceil(5 * deviation)
    best = np.full(len(sentences), -np.inf)
    for at in range(0, T, CHUNK):
        low, high = max(at - margin, 0), min(at + CHUNK + margin, T)
        cosines = sentences @ steps[low:high].T
        smooth = gaussian(cosines, deviation, "edge") if deviation > 0.25 else cosines
        best = np.maximum(best, smooth[:, at - low : at - low + CHUNK].max(axis=1))
    return best


def logit(probability: float) -> float:
    """log(p / (1 − p)), kept finite."""
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-min(max(x, -LIMIT), LIMIT)))


def fit_logistic(rows: ArrayLike, truth: ArrayLike, weights: ArrayLike) -> tuple[float, ...]:
    """Fit slopes and offset by Newton's method, with a whisper of ridge so that it always ends.

    Args:
        rows: (N, F) figures.
        truth: (N,) whether it was so.
        weights: (N,) how much each counts.
    """
    x = np.asarray(rows, np.float64)
    x = np.column_stack([x, np.ones(len(x))])
    y, each = np.asarray(truth, np.float64), np.asarray(weights, np.float64)
    found, ridge = np.zeros(x.shape[1]), 1e-3
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ found, -LIMIT, LIMIT)))
        gradient = x.T @ (each * (p - y)) + ridge * found
        curvature = (x * (each * p * (1 - p))[:, None]).T @ x + ridge * np.eye(x.shape[1])
        step = np.linalg.solve(curvature, gradient)
        # Far from the optimum a whole step may overshoot.
        step *= min(1.0, 5.0 / (float(np.abs(step).max()) + 1e-12))
        found = found - step
        if float(np.abs(step).sum()) < 1e-9:
            break
    return tuple(float(w) for w in found)
