"""Whether a video shows a thing at all: what one sentence's best match is worth beside others'.

A cosine means little alone: some sentences resemble every picture, some videos every sentence.
So the sentence's best stretch in this video is compared with two backgrounds that the checkpoint
keeps from training: what other sentences reach in this video, and what this sentence reaches in
other videos' pictures (zero- and test-normalisation, as speaker verification has it). The third
figure is the LM's own: it was trained with sentences that its videos do not show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.model.smoothing import gaussian

SMOOTHING = 2.0
"""Deviation of the Gaussian over the steps, so that a single picture is no match."""

FIGURES = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Background:
    """Other sentences and other pictures, rows of length one.

    Attributes:
        sentences: (S, D).
        pictures: (M, D).
    """

    sentences: NDArray[np.float32]
    pictures: NDArray[np.float32]

    def usual(self, vectors: ArrayLike) -> tuple[float, float]:
        """Mean and deviation of what the sentences reach in a video (T, D)."""
        found = peaks(vectors, self.sentences)
        return float(found.mean()), float(found.std()) + 1e-3


def presence(
    vectors: ArrayLike,
    tokens: ArrayLike,
    highlight: ArrayLike,
    background: Background,
    usual: tuple[float, float],
) -> tuple[float, float, float]:
    """Three figures that are high where the video shows what the sentence says.

    Args:
        vectors: (T, D) steps of the whole video.
        tokens: (L, D) of the sentence.
        highlight: (T,) logits of the LM.
        background: of the localizer.
        usual: :meth:`Background.usual` of the same video.
    """
    sentence = unit(np.asarray(tokens, np.float64).mean(axis=0))
    best = float(peaks(vectors, sentence[None])[0])
    elsewhere = background.pictures.astype(np.float64) @ sentence
    return (
        (best - usual[0]) / usual[1],
        float((best - elsewhere.mean()) / (elsewhere.std() + 1e-3)),
        float(_smooth(np.asarray(highlight, np.float64)).max()),
    )


def peaks(vectors: ArrayLike, sentences: ArrayLike) -> Floats:
    """What each sentence (S, D) reaches in a video (T, D): its greatest smoothed cosine, (S,)."""
    cosines = np.asarray(sentences, np.float64) @ unit(np.asarray(vectors, np.float64)).T
    return np.asarray(_smooth(cosines).max(axis=-1))


def unit(rows: Floats) -> Floats:
    """Rows of length one; zero rows stay."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-6))


def _smooth(values: Floats) -> Floats:
    return gaussian(values, SMOOTHING, "edge")
