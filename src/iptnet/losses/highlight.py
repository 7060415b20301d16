"""The highlighting term of L_LM: BCE against the extended foreground (VSLNet §3.2).

The foreground, [first, last] of the true moment, is extended by 10 % of its length on each side;
foreground steps weigh 2, background steps 1, and the weighted terms are averaged over the valid
steps: (1/n) Σ_i w_i · BCE_i.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

EXTENSION = 0.1
FOREGROUND_WEIGHT = 2.0


def extended_foreground(
    first: torch.Tensor, last: torch.Tensor, mask: torch.Tensor, extension: float = EXTENSION
) -> torch.Tensor:
    """The steps that count as foreground.

    Args:
        first: (B,) first step of the moment.
        last: (B,) last step, included.
        mask: (B, T) bool valid steps.
        extension: share of the moment's length that is added on each side, rounded to steps.

    Returns:
        (B, T) bool.
    """
    steps = torch.arange(mask.shape[1], device=mask.device)
    extra = ((last - first + 1) * extension).round().long()
    low, high = first - extra, last + extra
    return (steps >= low[:, None]) & (steps <= high[:, None]) & mask


def highlight_loss(
    logits: torch.Tensor,
    foreground: torch.Tensor,
    mask: torch.Tensor,
    weight: float = FOREGROUND_WEIGHT,
) -> torch.Tensor:
    """Masked mean of the weighted BCE.

    Args:
        logits: (B, T) before the sigmoid.
        foreground: (B, T) bool or share in [0, 1].
        mask: (B, T) bool.
        weight: of a foreground step; a share in between is weighed in between.

    Returns:
        a scalar; 0 without a valid step.
    """
    target = foreground.to(logits.dtype)
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    weighed = each * (1 + (weight - 1) * target) * mask
    return weighed.sum() / mask.sum().clamp(min=1)
