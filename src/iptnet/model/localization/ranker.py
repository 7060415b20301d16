"""Candidates' evidence → the IoU each will reach: a small perceptron, several of them averaged."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

LIMIT = 4.0
"""Standardised figures are clipped here; nothing in training reaches far beyond."""


class Ranker(nn.Module):
    """Evidence (P, F) → logits (P,) whose sigmoid estimates the IoU with the truth.

    Args:
        width: F.
        hidden: of both layers.
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, width: int, hidden: int = 64, dropout: float = 0.2) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.layers = nn.Sequential(
            nn.Linear(width, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 1),
        )

    @property
    def hidden(self) -> int:
        """Units of both layers."""
        first = self.layers[0]
        assert isinstance(first, nn.Linear)
        return first.out_features

    def standardise_by(self, rows: torch.Tensor) -> None:
        """Take mean and deviation from training evidence (N, F)."""
        self.mean.copy_(rows.mean(dim=0))
        self.scale.copy_(1 / (rows.std(dim=0) + 1e-6))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map (P, F) to (P,)."""
        z = ((rows - self.mean) * self.scale).clamp(-LIMIT, LIMIT)
        result: torch.Tensor = self.layers(z)[..., 0]
        return result

    def judge(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The estimates (P,), in (0, 1)."""
        with torch.inference_mode():
            return np.asarray(torch.sigmoid(self(torch.from_numpy(rows))).numpy())
