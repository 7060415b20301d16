"""Similarity of a sentence to each step of a video, relative to the video's own background.

Three maps: the plain cosine; the cosine of the step minus the video's mean; and the words that
stand out. The second one is what separates the moments of one video: whatever all its pictures
share (its look, the projection's bias) resembles some sentences more than others and hides the
difference. In the third each word is compared alone, for "a" and "the" say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class VideoVectors:
    """What ranking takes from a video alone: T steps of equal length.

    Attributes:
        edges: (T + 1,) seconds.
        steps: (T, D) unit vectors.
        centred: (T, D) unit vectors of the steps minus the video's mean.
        running: (T + 1, D) running sum of the steps.
        cuts: steps at which another shot begins, ascending, in 1 … T − 1.
        jumps: (T + 1,) distance of neighbouring steps at each bound, over the video's mean.
    """

    edges: Floats
    steps: NDArray[np.float32]
    centred: NDArray[np.float32]
    running: Floats
    cuts: NDArray[np.int64]
    jumps: Floats

    @classmethod
    def of(cls, edges: ArrayLike, vectors: ArrayLike, cuts: ArrayLike) -> VideoVectors:
        """Prepare a video.

        Args:
            edges: (T + 1,) seconds, equally far apart.
            vectors: (T, D).
            cuts: seconds at which shots begin, ascending.
        """
        bounds = np.asarray(edges, np.float64)
        steps = unit(np.asarray(vectors, np.float32))
        T = len(steps)
        running = np.zeros((T + 1, steps.shape[1]))
        np.cumsum(steps, axis=0, out=running[1:], dtype=np.float64)
        centred = unit(steps - (running[-1] / T).astype(np.float32))
        nearest = np.rint((np.asarray(cuts) - bounds[0]) / (bounds[1] - bounds[0]))
        at = np.unique(nearest.astype(np.int64))
        jumps = np.zeros(T + 1)
        jumps[1:-1] = np.linalg.norm(np.diff(steps, axis=0), axis=1)
        jumps /= (jumps[1:-1].mean() if T > 1 else 0.0) + 1e-6
        return cls(bounds, steps, centred, running, at[(at > 0) & (at < T)], jumps)

    @property
    def seconds(self) -> float:
        """Length of a step."""
        return float(self.edges[1] - self.edges[0])


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to length one; zero rows stay."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-6), np.float32)


class Similarity(NamedTuple):
    """How much a sentence and its words resemble the T steps of a video.

    Attributes:
        maps: (3, T) cosine, centred cosine, and the words that stand out most.
        words: (L, T) each word's cosine, standardised within the video.
    """

    maps: Floats
    words: Floats


PROPOSING = 2
"""Maps from the front that propose candidates."""

WORDS = 3
"""Words of a step that the third map averages: those that stand out most there."""


def similarity(video: VideoVectors, sentence: ArrayLike, tokens: ArrayLike) -> Similarity:
    """Compare a sentence with a video.

    Args:
        video: T steps.
        sentence: (D,) unit.
        tokens: (L, D) vectors of its words, L ≥ 1.
    """
    s = np.asarray(sentence, np.float32)
    words = unit(np.asarray(tokens, np.float32))
    each = (words @ video.steps.T).astype(np.float64)
    each -= each.mean(axis=1, keepdims=True)
    each /= each.std(axis=1, keepdims=True) + 1e-3
    most = np.sort(each, axis=0)[-WORDS:].mean(axis=0)
    return Similarity(np.stack([video.steps @ s, video.centred @ s, most]).astype(np.float64), each)
