"""SM, the summarization module (METHOD.md, "SM"; after DSNet, TIP 2020).

    features (B, T, D) ─▶ H' = LayerNorm(attention(x) + x) ─▶ Linear 128, ReLU, Dropout, LayerNorm
                                                      ─▶ importance, boundary offsets, centrality

With ``context`` the features are first put in the context of their own video
(:mod:`iptnet.model.context`), the cues join the hidden state before the shared head, and a linear
path from both to the importance keeps what little labels can teach; ``attention`` can be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from iptnet.model.context import CUES, Context, context

# Content of unit features is small against cues of unit variance: they meet in the middle.
CONTENT_GAIN, CUE_GAIN = 4.0, 0.4


@dataclass(frozen=True)
class SummarizationConfig:
    """Dimensions and options of SM; the defaults are the paper's.

    Attributes:
        width: D of the features.
        heads: attention heads.
        hidden: width of the shared head.
        dropout: on the attention, after its projection, and in the shared head.
        attention: whether H' attends, or is x itself.
        context: whether features are put in the context of their video first.
    """

    width: int
    heads: int = 8
    hidden: int = 128
    dropout: float = 0.5
    attention: bool = True
    context: bool = False


class SummarizationOutput(NamedTuple):
    """What SM says of every step; values at padded steps mean nothing.

    Attributes:
        importance: ``(B, T)`` in (0, 1), the map I_Sum.
        offsets: ``(B, T, 2)`` steps to the left and right end of the step's segment.
        centrality: ``(B, T)`` in (0, 1), how central the step is in its segment.
        hidden: ``(B, T, D)`` H', what the propagation compares.
        logits: ``(B, T)`` importance before the sigmoid.
    """

    importance: Tensor
    offsets: Tensor
    centrality: Tensor
    hidden: Tensor
    logits: Tensor


class SelfAttention(nn.Module):
    """Multi-head self-attention without positions; padded steps are not attended to."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``(B, T, D)`` and ``(B, T)`` to ``(B, T, D)``."""
        out, _ = self.attention(x, x, x, key_padding_mask=~mask, need_weights=False)
        return self.dropout(out)  # type: ignore[no-any-return]


class SummarizationModule(nn.Module):
    """SM. ``config`` says which; ``prepare`` and ``decide`` are the two halves of ``forward``."""

    def __init__(self, config: SummarizationConfig) -> None:
        super().__init__()
        self.config = config
        extra = CUES if config.context else 0
        if config.attention:
            self.attend = SelfAttention(config.width, config.heads, config.dropout)
            self.norm = nn.LayerNorm(config.width)
        self.head = nn.Sequential(
            nn.Linear(config.width + extra, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.LayerNorm(config.hidden),
        )
        self.importance = nn.Linear(config.hidden, 1)
        self.offsets = nn.Linear(config.hidden, 2)
        self.centrality = nn.Linear(config.hidden, 1)
        if config.context:
            self.linear = nn.Linear(config.width + extra, 1, bias=False)
            nn.init.zeros_(self.linear.weight)
            nn.init.zeros_(self.importance.weight)

    def forward(self, features: Tensor | Context, mask: Tensor) -> SummarizationOutput:
        """Judge every step.

        Args:
            features: ``(B, T, D)``, or what :meth:`prepare` made of them.
            mask: ``(B, T)`` bool, true at real steps; every video has one at least.
        """
        if isinstance(features, Tensor):
            features = self.prepare(features, mask)
        return self.decide(features, mask)

    def prepare(self, features: Tensor, mask: Tensor) -> Context:
        """The part without weights: a video's is the same in every epoch, so it is kept."""
        if self.config.context:
            return context(features, mask)
        return Context(features, features[..., :0])

    def decide(self, prepared: Context, mask: Tensor) -> SummarizationOutput:
        """The part with weights."""
        x, cues = prepared
        if self.config.context:
            x, cues = x * CONTENT_GAIN, cues * CUE_GAIN
        hidden = self.norm(self.attend(x, mask) + x) if self.config.attention else x
        shared = self.head(torch.cat([hidden, cues], dim=-1))
        logits = self.importance(shared)[..., 0]
        if self.config.context:
            logits = logits + self.linear(torch.cat([x, cues], dim=-1))[..., 0]
        return SummarizationOutput(
            importance=logits.sigmoid(),
            # e^10 steps are three hours: beyond that, an offset only overflows.
            offsets=self.offsets(shared).clamp(-10, 10).exp(),
            centrality=self.centrality(shared)[..., 0].sigmoid(),
            hidden=hidden,
            logits=logits,
        )
