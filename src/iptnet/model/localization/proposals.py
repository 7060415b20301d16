"""Every stretch of the grid as a candidate: the 2-D map beside the literal span predictor.

QVHighlights has several moments a query, and a product of two softmaxes ranks alternatives badly.
Here each pair s ≤ e gets one logit, read from the mean inside, the mean of its left and right
neighbourhoods, its two boundary steps and its length (2D-TAN's idea with boundary-sensitive pooling
of R-C3D kind). All means come from one prefix sum, and the first layer is applied *before* pooling
— both are linear — so that T = 128 costs milliseconds.
"""

from __future__ import annotations

import torch
from torch import nn

PARTS = 5
"""Inside, left, right, start boundary, end boundary."""


class ProposalMap(nn.Module):
    """Features (B, T, C) → one logit a pair (first, last) of steps.

    Args:
        width: C.
        hidden: channels of the pooled representation.
    """

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(width, PARTS * hidden)
        self.length = nn.Linear(3, hidden)
        self.dropout = nn.Dropout(dropout)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 1)

    def forward(
        self, features: torch.Tensor, mask: torch.Tensor, pairs: torch.Tensor
    ) -> torch.Tensor:
        """Score candidates.

        Args:
            features: (B, T, C).
            mask: (B, T) bool, valid steps first.
            pairs: (B or 1, P, 2) first ≤ last.

        Returns:
            (B, P) logits, −inf for pairs beyond the valid steps.
        """
        B, T, _ = features.shape
        valid = mask[..., None].to(features.dtype)
        inside, left, right, start, end = self.first(self.dropout(features)).chunk(PARTS, dim=2)
        first, last = pairs[..., 0], pairs[..., 1]
        length = last - first + 1
        margin = (length + 1) // 2
        count = _prefix(valid)
        total = torch.cat([_prefix(x * valid) for x in (inside, left, right)], dim=2)
        total = torch.cat([total, count], dim=2)
        C = inside.shape[2]
        pooled = _mean(total, 0, C, first, last + 1)
        pooled = pooled + _mean(total, 1, C, (first - margin).clamp(min=0), first)
        pooled = pooled + _mean(total, 2, C, last + 1, (last + 1 + margin).clamp(max=T))
        pooled = pooled + _pick(start, first) + _pick(end, last)
        steps = length.to(features.dtype).expand(B, -1)
        share = (steps / valid.sum(dim=1).clamp(min=1)).clamp(max=1)
        shape = torch.stack([steps.log(), share, share.clamp(min=1e-4).log()], dim=2)
        hidden = torch.relu(pooled + self.length(shape))
        logits = self.last(torch.relu(self.second(hidden)) + hidden)[..., 0]
        beyond = last.expand(B, -1) >= mask.sum(dim=1, keepdim=True)
        result: torch.Tensor = logits.masked_fill(beyond, -torch.inf)
        return result


def all_pairs(steps: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """(1, T·(T + 1)/2, 2): every first ≤ last, by first, then by last."""
    return torch.triu_indices(steps, steps, device=device).T[None]


def as_map(logits: torch.Tensor, steps: int) -> torch.Tensor:
    """Logits of :func:`all_pairs` (B, P) as a map (B, T, T), −inf below the diagonal."""
    first, last = all_pairs(steps, logits.device)[0].T
    table = logits.new_full((len(logits), steps, steps), -torch.inf)
    table[:, first, last] = logits
    return table


def _prefix(x: torch.Tensor) -> torch.Tensor:
    """Sums of the first n steps, (B, T + 1, C)."""
    return torch.nn.functional.pad(x.cumsum(dim=1), (0, 0, 1, 0))


def _pick(rows: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Rows (B, T, C) at (B or 1, P) → (B, P, C)."""
    if len(index) == 1:
        return rows[:, index[0]]
    return rows.gather(1, index[..., None].expand(-1, -1, rows.shape[2]))


def _mean(
    total: torch.Tensor, part: int, width: int, start: torch.Tensor, end: torch.Tensor
) -> torch.Tensor:
    """Mean of one part over the valid steps of [start, end), zero where there is none."""
    both = torch.cat([total[..., part * width : (part + 1) * width], total[..., -1:]], dim=2)
    sums = _pick(both, end) - _pick(both, start)
    return sums[..., :-1] / sums[..., -1:].clamp(min=1)
