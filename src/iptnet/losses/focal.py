"""Focal loss of the importance head (METHOD.md, L_SM, first term; Lin et al., ICCV 2017; DSNet).

DSNet writes each step's 0/1 target as two one-hot columns and sums the focal loss over both. The
two columns are two views of one Bernoulli variable, so each term counts once for p and once for
1 − p with weights alpha and 1 − alpha: their sum does not depend on alpha.
"""

from __future__ import annotations

import torch
from torch import Tensor

EPS = 1e-6


def focal_loss(importance: Tensor, target: Tensor, mask: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss per video: the sum over steps, divided by the number of positive steps.

    Args:
        importance: ``(B, T)`` probabilities.
        target: ``(B, T)`` of 0 and 1.
        mask: ``(B, T)`` bool, true at real steps.
        gamma: how much easy steps count for less; 0 is cross-entropy.

    Returns:
        ``(B,)``; 0 for a video without a positive step, which is skipped (METHOD.md).
    """
    right = torch.where(target > 0.5, importance, 1 - importance).clamp(EPS, 1 - EPS)
    per_step = -((1 - right) ** gamma) * right.log() * mask
    positives = ((target > 0.5) & mask).sum(dim=1)
    return torch.where(positives > 0, per_step.sum(dim=1) / positives.clamp_min(1), 0.0)
