"""How well each candidate stretch overlaps the truth: BCE of the proposal map against IoU (2D-TAN).

IoUs up to ``low`` count as 0, from ``high`` on as 1, linear in between. A video has a thousand
wrong stretches for a good one, so both sides are averaged on their own before they are added.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

LOW, HIGH = 0.5, 1.0


def scaled_overlap(overlap: torch.Tensor, low: float = LOW, high: float = HIGH) -> torch.Tensor:
    """IoU in [0, 1] → target in [0, 1]."""
    return ((overlap - low) / (high - low)).clamp(0, 1)


def proposal_loss(logits: torch.Tensor, overlap: torch.Tensor) -> torch.Tensor:
    """Mean over the batch of (positive mass + negative mass) / 2.

    Args:
        logits: (B, T, T) or (B, P), −inf where no candidate is.
        overlap: same shape, best IoU of a candidate with any true moment; 0 everywhere where the
            video does not show the query at all.

    Returns:
        a scalar.
    """
    possible = torch.isfinite(logits)
    safe = logits.masked_fill(~possible, 0.0)
    target = scaled_overlap(overlap)
    each = F.binary_cross_entropy_with_logits(safe, target, reduction="none") * possible
    positive = (target > 0) & possible
    negative = (target <= 0) & possible
    terms = [
        (each * side).flatten(1).sum(dim=1) / side.flatten(1).sum(dim=1).clamp(min=1)
        for side in (positive, negative)
    ]
    return ((terms[0] + terms[1]) / 2).mean()
