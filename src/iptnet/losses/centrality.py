"""Cross-entropy of the centrality head on positive steps (METHOD.md, L_SM, third term)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy


def centrality_loss(centrality: Tensor, target: Tensor, positive: Tensor) -> Tensor:
    """Mean binary cross-entropy over a video's positive steps.

    Args:
        centrality: ``(B, T)`` probabilities.
        target: ``(B, T)`` min/max of the true offsets, in [0, 1].
        positive: ``(B, T)`` bool, true at steps inside a segment.

    Returns:
        ``(B,)``; 0 for a video without a positive step.
    """
    safe = centrality.clamp(0, 1).masked_fill(~positive, 0.5)
    per_step = binary_cross_entropy(safe, target.masked_fill(~positive, 0.5), reduction="none")
    return (per_step * positive).sum(dim=1) / positive.sum(dim=1).clamp_min(1)
