"""From the LM's maps to ranked windows: the maps, their candidates, the evidence for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.model.localization.candidates import Shots, candidates
from iptnet.model.localization.evidence import Asked, Pictures, evidence, width

MAPS = ("highlight", "saliency", "cosine", "centred", "words")
GROUPED = 4
"""How many of them, from the front, propose candidates."""

WORDS = 3
"""The words map averages so many of the words that stand out most at a step."""

COLUMNS = width(len(MAPS))

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Candidates:
    """Candidates of one query.

    Attributes:
        windows: (P,) which window of the video each lies in.
        pairs: (P, 2) steps [first, after) within it.
        rows: (P, COLUMNS) their evidence.
    """

    windows: NDArray[np.int64]
    pairs: NDArray[np.int64]
    rows: NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """What ranking takes from a video alone: W windows of T steps, whatever is asked.

    Attributes:
        steps: (W, T, D) unit features.
        lengths: (W, T) of the features.
        means: (W, D) their means.
        spreads: (W, T) distance of each step from its window's mean.
        pictures: for the evidence.
        shots: for the candidates.
    """

    steps: Floats
    lengths: Floats
    means: Floats
    spreads: Floats
    pictures: Pictures
    shots: Shots

    @classmethod
    def of(cls, windows: ArrayLike, changes: Sequence[Sequence[int]]) -> Scene:
        """Prepare a video.

        Args:
            windows: (W, T, D) features, in one space with the sentences' tokens.
            changes: of each window the steps at which another shot begins.
        """
        v = np.asarray(windows, np.float64)
        steps, lengths = _unit(v), np.linalg.norm(v, axis=2)
        means = steps.mean(axis=1)
        spreads = np.linalg.norm(steps - means[:, None], axis=2)
        shots = Shots.of(changes, v.shape[1])
        return cls(steps, lengths, means, spreads, Pictures.of(v), shots)


def propose(
    scene: Scene, tokens: ArrayLike, highlight: ArrayLike, saliency: ArrayLike
) -> Candidates:
    """Candidates with their evidence.

    Args:
        scene: the video.
        tokens: (L, D) token vectors, L ≥ 1.
        highlight: (W, T) logits of the LM.
        saliency: (W, T) logits of the LM.
    """
    learned = [np.asarray(highlight, np.float64), np.asarray(saliency, np.float64)]
    similar, asked = similarities(scene, tokens)
    maps = np.stack([*learned, *similar], axis=1)
    found = candidates(maps[:, :GROUPED], scene.shots)
    return Candidates(found[:, 0], found[:, 1:], evidence(scene.pictures, maps, asked, found))


def similarities(scene: Scene, tokens: ArrayLike) -> tuple[list[Floats], Asked]:
    """Three maps (W, T), and what the evidence takes of the sentence besides.

    The maps: the sentence's cosine, the same centred, and the words that stand out.
    """
    words = np.asarray(tokens, np.float64)
    sentence = _unit(words.mean(axis=0))
    cosine = scene.steps @ sentence
    centred = (cosine - (scene.means @ sentence)[:, None]) / (scene.spreads + 1e-3)
    each = scene.steps @ _unit(words).T
    standing_out = each - each.mean(axis=1, keepdims=True)
    standing_out /= each.std(axis=1, keepdims=True) + 1e-3
    most = np.sort(standing_out, axis=2)[..., -WORDS:].mean(axis=2)
    asked = Asked(cosine * scene.lengths, standing_out.transpose(0, 2, 1))
    return [cosine, centred, most], asked


def _unit(rows: Floats, least: float = 1e-6) -> Floats:
    return np.asarray(rows / (np.linalg.norm(rows, axis=-1, keepdims=True) + least))
