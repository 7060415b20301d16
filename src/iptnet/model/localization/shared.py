"""The encoder that video and query share: positions, convolutions, attention (VSLNet §3.1).

QANet's block: four times [LayerNorm, depthwise-separable convolution of width 7, ReLU, dropout,
residual], then pre-norm self-attention with 8 heads, then a feed-forward layer, each with residual.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

KERNEL = 7
LAYERS = 4


class SeparableConv(nn.Module):
    """LayerNorm, depthwise and pointwise convolution, ReLU, dropout, residual; (B, T, H) → same."""

    def __init__(self, hidden: int, dropout: float, kernel: int = KERNEL) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.depthwise = nn.Conv1d(
            hidden, hidden, kernel, padding=kernel // 2, groups=hidden, bias=False
        )
        self.pointwise = nn.Conv1d(hidden, hidden, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Convolve the valid steps; what lies beyond the mask reads as zero."""
        y = (self.norm(x) * mask[..., None]).transpose(1, 2)
        y = torch.relu(self.pointwise(self.depthwise(y))).transpose(1, 2)
        result: torch.Tensor = x + self.dropout(y)
        return result


class SelfAttention(nn.Module):
    """Pre-norm multi-head self-attention and feed-forward, each with residual."""

    def __init__(self, hidden: int, heads: int, dropout: float) -> None:
        super().__init__()
        if hidden % heads:
            raise ValueError(f"{heads} heads do not divide a width of {hidden}")
        self.heads = heads
        self.norm = nn.LayerNorm(hidden)
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.feed_norm = nn.LayerNorm(hidden)
        self.feed = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Attend among the valid steps of (B, T, H)."""
        B, T, H = x.shape
        qkv = self.qkv(self.dropout(self.norm(x))).reshape(B, T, 3, self.heads, H // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        x = x + self.dropout(self.out(y.transpose(1, 2).reshape(B, T, H)))
        result: torch.Tensor = x + self.dropout(self.feed(self.dropout(self.feed_norm(x))))
        return result


class SharedEncoder(nn.Module):
    """Learned positions and the block above, for sequences of at most ``steps``.

    Shapes:
        x (B, T, H), mask (B, T) bool with at least one True a row → (B, T, H), zero beyond.
    """

    def __init__(self, hidden: int, steps: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.empty(steps, hidden))
        nn.init.normal_(self.positions, std=0.02)
        self.convolutions = nn.ModuleList(SeparableConv(hidden, dropout) for _ in range(LAYERS))
        self.attention = SelfAttention(hidden, heads, dropout)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Encode.

        Raises:
            ValueError: more steps than positions.
        """
        T = x.shape[1]
        if len(self.positions) < T:
            raise ValueError(f"{T} steps exceed the {len(self.positions)} positions of the model")
        x = x + self.positions[:T]
        for convolution in self.convolutions:
            x = convolution(x, mask)
        result: torch.Tensor = self.attention(x, mask) * mask[..., None]
        return result
