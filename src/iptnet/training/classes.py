"""Sentence vectors of ImageNet's classes: what the network's own evidence is worth in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from iptnet.features.text import TextEncoder
from iptnet.training.everyday import EVERYDAY, indices

PROMPTS = ("{}", "a photo of a {}")


def class_vectors(names: Sequence[Sequence[str]], everyday: float) -> torch.Tensor:
    """One vector per class: its synonyms' mean, blended with the everyday words that cover it.

    Args:
        names: synonyms of each of C classes.
        everyday: share of the everyday words, where the class has any, 0 to 1.

    Returns:
        (C, 256), rows of length one.
    """
    encoder = TextEncoder()

    def mean(words: Sequence[str]) -> torch.Tensor:
        vectors = encoder.encode([prompt.format(w) for w in words for prompt in PROMPTS])
        return F.normalize(torch.from_numpy(vectors.mean(axis=0, dtype=np.float32)), dim=0)

    words: dict[int, list[str]] = {}
    for word, ranges in EVERYDAY.items():
        for index in indices(ranges):
            words.setdefault(index, []).append(word)
    vectors = torch.stack([mean(synonyms) for synonyms in names])
    for index, covering in words.items():
        vectors[index] = (1 - everyday) * vectors[index] + everyday * mean(covering)
    return F.normalize(vectors, dim=1)
