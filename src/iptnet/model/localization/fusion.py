"""Context-query attention: every step looks at the words, and at what words other steps look at.

VSLNet's equations 2 and 3 (from QANet): a trilinear similarity S of steps and words, its row and
column softmaxes S_r and S_c, A = S_r·Q, B = S_r·S_cᵀ·V, and [V, A, V⊙A, V⊙B] → H. Behind it, the
attention-pooled query is appended to every step (equation 4) and brought back to H.
"""

from __future__ import annotations

import torch
from torch import nn


class ContextQueryAttention(nn.Module):
    """Video (B, T, H) and words (B, L, H) → (B, T, H)."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        bound = (6 / (hidden + 1)) ** 0.5  # Xavier for H inputs and one output
        self.for_video = nn.Parameter(torch.empty(hidden).uniform_(-bound, bound))
        self.for_words = nn.Parameter(torch.empty(hidden).uniform_(-bound, bound))
        self.for_both = nn.Parameter(torch.empty(hidden).uniform_(-bound, bound))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(4 * hidden, hidden)

    def similarity(self, video: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """S_ij = w_v·v_i + w_q·q_j + w_vq·(v_i ⊙ q_j), (B, T, L)."""
        v, q = self.dropout(video), self.dropout(words)
        one_side = (v @ self.for_video)[:, :, None] + (q @ self.for_words)[:, None, :]
        result: torch.Tensor = one_side + (v * self.for_both) @ q.transpose(1, 2)
        return result

    def forward(
        self,
        video: torch.Tensor,
        words: torch.Tensor,
        video_mask: torch.Tensor,
        words_mask: torch.Tensor,
    ) -> torch.Tensor:
        """Fuse; masks are bool, with at least one True a row."""
        S = self.similarity(video, words)
        by_row = S.masked_fill(~words_mask[:, None, :], -torch.inf).softmax(dim=2)
        by_column = S.masked_fill(~video_mask[:, :, None], -torch.inf).softmax(dim=1)
        A = by_row @ words
        B = by_row @ (by_column.transpose(1, 2) @ video)
        result: torch.Tensor = self.linear(
            self.dropout(torch.cat([video, A, video * A, video * B], dim=2))
        )
        return result


class QueryConcatenation(nn.Module):
    """Append the attention-pooled query to every step, 2H → H."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.weight = nn.Linear(hidden, 1, bias=False)
        self.linear = nn.Linear(2 * hidden, hidden)

    def forward(
        self, video: torch.Tensor, words: torch.Tensor, words_mask: torch.Tensor
    ) -> torch.Tensor:
        """Map (B, T, H) and (B, L, H) to (B, T, H)."""
        weights = self.weight(words).masked_fill(~words_mask[..., None], -torch.inf).softmax(dim=1)
        pooled = (weights * words).sum(dim=1, keepdim=True)
        both = torch.cat([video, pooled.expand(len(video), video.shape[1], -1)], dim=2)
        result: torch.Tensor = self.linear(both)
        return result
