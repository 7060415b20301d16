"""The ranker while it learns: its heads side by side in PyTorch, to be kept as NumPy arrays."""

from __future__ import annotations

import torch
from torch import nn

from iptnet.moments.ranker import LIMIT, NAMES, Ranker, restored


class RankerNet(nn.Module):
    """Evidence (P, F) to logits (K, P) of K heads; see :class:`iptnet.moments.ranker.Ranker`.

    Args:
        figures: F.
        heads: K.
        hidden: units of both layers.
        dropout: behind both.
        plain: weight of the plain cosine, which is not learned.
    """

    plain: torch.Tensor
    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self, figures: int, heads: int, hidden: int, dropout: float, plain: float = 0.0
    ) -> None:
        super().__init__()
        self.register_buffer("plain", torch.tensor([plain]))
        self.register_buffer("mean", torch.zeros(figures))
        self.register_buffer("scale", torch.ones(figures))
        self.w1, self.b1 = _layer(heads, figures, hidden)
        self.w2, self.b2 = _layer(heads, hidden, hidden)
        self.w3, self.b3 = _layer(heads, hidden, 1)
        self.dropout = nn.Dropout(dropout)

    def standardise_by(self, rows: torch.Tensor) -> None:
        """Take mean and deviation from training evidence (N, F)."""
        self.mean.copy_(rows.mean(dim=0))
        self.scale.copy_(1 / (rows.std(dim=0) + 1e-6))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Map (P, F) to (K, P)."""
        z = ((rows - self.mean) * self.scale).clamp(-LIMIT, LIMIT)
        hidden = self.dropout(torch.relu(z @ self.w1 + self.b1))
        hidden = self.dropout(torch.relu(hidden @ self.w2 + self.b2))
        logits: torch.Tensor = (hidden @ self.w3 + self.b3)[..., 0]
        return logits

    def arrays(self) -> Ranker:
        """The same function in NumPy."""
        return restored({name: getattr(self, name).detach().numpy().copy() for name in NAMES})


def _layer(heads: int, inputs: int, outputs: int) -> tuple[nn.Parameter, nn.Parameter]:
    """Weights (K, I, O) and biases (K, 1, O), drawn as PyTorch draws a linear layer's."""
    bound = inputs**-0.5
    return (
        nn.Parameter(torch.empty(heads, inputs, outputs).uniform_(-bound, bound)),
        nn.Parameter(torch.empty(heads, 1, outputs).uniform_(-bound, bound)),
    )
