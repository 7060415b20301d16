"""Dimensions and options of the moment localization module: what a checkpoint's header holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LocalizationConfig:
    """Dimensions and options; the defaults are the paper's module on WordLlama tokens."""

    width: int = 256
    """D, of the video features."""
    text: Literal["wordllama", "glove"] = "wordllama"
    """Token vectors of WordLlama, or word vectors with a character CNN."""
    word_width: int = 256
    """E, of the token or word vectors; 300 for GloVe."""
    characters: int = 0
    """Alphabet of the character CNN, padding included; only for ``glove``."""
    hidden: int = 128
    """H."""
    steps: int = 128
    """The longest grid; longer videos are pooled or windowed."""
    heads: int = 8
    """Attention heads of the shared encoder."""
    dropout: float = 0.2
    """Everywhere but in the predictor."""
    similarity: int = 0
    """Learned similarity heads; 0: the literal module, without similarity maps."""
    rank: int = 16
    """Rank of the similarity heads' moves."""
    refine: int = 0
    """Separable convolutions after the similarity maps have joined."""
    saliency: bool = False
    """A head of its own for highlight detection."""
