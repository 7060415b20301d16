"""The text side of the LM: word vectors, a character CNN beside them, one width behind (VSLNet).

Two readings of a query share one interface. ``wordllama`` takes token vectors whose table lives in
the ``wordllama`` package; ``glove`` is the paper's: frozen 300-d word vectors, one trainable vector
for every word that the file lacks, and a character CNN (50-d, kernels 1–4, 10/20/30/40 channels,
max over the word).
"""

from __future__ import annotations

import torch
from torch import nn

CHARACTER_WIDTH = 50
CHARACTER_CHANNELS = (10, 20, 30, 40)
"""Output channels of the kernels 1, 2, 3 and 4; 100 together."""


class TokenProjection(nn.Module):
    """Token vectors (B, L, E) → (B, L, H)."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, hidden)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map (B, L, E) to (B, L, H)."""
        result: torch.Tensor = self.linear(self.dropout(tokens))
        return result


class CharacterCNN(nn.Module):
    """Words as characters: embed, convolve with kernels 1 to 4, keep the maximum.

    Args:
        characters: size of the alphabet; index 0 is padding.
    """

    def __init__(self, characters: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, CHARACTER_WIDTH, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.kernels = nn.ModuleList(
            nn.Conv1d(CHARACTER_WIDTH, channels, kernel)
            for kernel, channels in enumerate(CHARACTER_CHANNELS, start=1)
        )

    def forward(self, characters: torch.Tensor) -> torch.Tensor:
        """Map indices (B, L, C) to (B, L, 100); C is at least 4, padded with 0."""
        B, L, C = characters.shape
        x = self.dropout(self.embedding(characters)).reshape(B * L, C, CHARACTER_WIDTH)
        x = x.transpose(1, 2)
        found = [torch.relu(kernel(x)).amax(dim=2) for kernel in self.kernels]
        return torch.cat(found, dim=1).reshape(B, L, -1)


class WordsAndCharacters(nn.Module):
    """Frozen word vectors beside a character CNN → (B, L, H).

    The vectors stay outside the module (and so outside its checkpoint): callers hand over the
    vector of each word, and the trainable one is put where ``unknown`` says so.

    Args:
        width: of the word vectors, 300 for GloVe.
        characters: size of the alphabet, padding included.
    """

    def __init__(self, width: int, characters: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.unknown = nn.Parameter(torch.empty(width))
        nn.init.uniform_(self.unknown, -0.1, 0.1)
        self.characters = CharacterCNN(characters, dropout)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width + sum(CHARACTER_CHANNELS), hidden)

    def forward(
        self, words: torch.Tensor, unknown: torch.Tensor, characters: torch.Tensor
    ) -> torch.Tensor:
        """Embed words.

        Args:
            words: (B, L, E) vectors, anything where ``unknown``.
            unknown: (B, L) bool.
            characters: (B, L, C) indices.

        Returns:
            (B, L, H).
        """
        known = torch.where(unknown[..., None], self.unknown.to(words.dtype), words)
        both = torch.cat([self.dropout(known), self.characters(characters)], dim=2)
        result: torch.Tensor = self.linear(both)
        return result
