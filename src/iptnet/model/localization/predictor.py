"""Query-guided highlighting and the conditioned span predictor (VSLNet §3.2 and §3.3).

Highlighting is a 1×1 convolution with a sigmoid: the LM's importance map I_Loc, which also weighs
the features for the predictor. The predictor stacks two uni-directional LSTMs, the end's fed by the
start's, and reads a logit per step from [state, feature] for either bound.
"""

from __future__ import annotations

import torch
from torch import nn


class Highlighting(nn.Module):
    """Features (B, T, H) → logits (B, T) whose sigmoid is I_Loc."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(hidden, 1, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits; masking is the caller's."""
        result: torch.Tensor = self.convolution(features.transpose(1, 2))[:, 0]
        return result


class SpanPredictor(nn.Module):
    """Highlighted features (B, T, H) → start and end logits (B, T), −inf beyond the mask."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.start_state = nn.LSTM(hidden, hidden, batch_first=True)
        self.end_state = nn.LSTM(hidden, hidden, batch_first=True)
        self.start = _head(hidden)
        self.end = _head(hidden)

    def forward(
        self, features: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Predict both bounds. Padding lies behind the valid steps, so it cannot leak forward."""
        first, _ = self.start_state(features)
        second, _ = self.end_state(first)
        start = self.start(torch.cat([first, features], dim=2))[..., 0]
        end = self.end(torch.cat([second, features], dim=2))[..., 0]
        return start.masked_fill(~mask, -torch.inf), end.masked_fill(~mask, -torch.inf)


def _head(hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))
