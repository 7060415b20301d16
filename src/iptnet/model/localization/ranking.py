"""From the LM's maps to ranked windows: the maps, their candidates, the evidence for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.model.localization.candidates import candidates
from iptnet.model.localization.evidence import evidence, width

MAPS = ("highlight", "saliency", "cosine", "centred", "words")
GROUPED = 4
"""How many of them, from the front, propose candidates."""

WORDS = 3
"""The words map averages so many of the words that stand out most at a step."""

COLUMNS = width(len(MAPS))


@dataclass(frozen=True)
class Candidates:
    """Candidates of one query in one grid.

    Attributes:
        pairs: (P, 2) steps [first, after).
        rows: (P, COLUMNS) their evidence.
    """

    pairs: NDArray[np.int64]
    rows: NDArray[np.float32]


def propose(
    vectors: ArrayLike,
    tokens: ArrayLike,
    highlight: ArrayLike,
    saliency: ArrayLike,
    changes: Sequence[int],
) -> Candidates:
    """Candidates with their evidence.

    Args:
        vectors: (T, D) steps, in one space with the tokens.
        tokens: (L, D) token vectors, L ≥ 1.
        highlight: (T,) logits of the LM.
        saliency: (T,) logits of the LM.
        changes: steps at which another shot begins.
    """
    maps = [np.asarray(highlight, np.float64), np.asarray(saliency, np.float64)]
    maps += similarities(vectors, tokens)
    pairs = candidates(maps[:GROUPED], changes)
    return Candidates(pairs, evidence(vectors, maps, pairs))


def similarities(vectors: ArrayLike, tokens: ArrayLike) -> list[NDArray[np.float64]]:
    """Three maps (T,): the sentence's cosine, the same centred, and the words that stand out."""
    v, words = np.asarray(vectors, np.float64), np.asarray(tokens, np.float64)
    sentence = _unit(words.mean(axis=0))
    steps = _unit(v)
    centred = _unit(steps - steps.mean(axis=0), 1e-3)
    each = steps @ _unit(words).T
    standing_out = (each - each.mean(axis=0)) / (each.std(axis=0) + 1e-3)
    most = np.sort(standing_out, axis=1)[:, -WORDS:].mean(axis=1)
    return [steps @ sentence, centred @ sentence, most]


def _unit(rows: NDArray[np.float64], least: float = 1e-6) -> NDArray[np.float64]:
    return np.asarray(rows / (np.linalg.norm(rows, axis=-1, keepdims=True) + least))
