"""Cross-entropy of the first and the last step (L_span of VSLNet, the CE terms of L_LM)."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def span_loss(
    start: torch.Tensor,
    end: torch.Tensor,
    first: torch.Tensor,
    last: torch.Tensor,
) -> torch.Tensor:
    """CE(start) + CE(end), each averaged over the batch.

    Args:
        start: (B, T) logits, −inf beyond the mask.
        end: (B, T) logits, −inf beyond the mask.
        first: (B,) index of the true first step.
        last: (B,) index of the true last step.

    Returns:
        a scalar.
    """
    return F.cross_entropy(start, first) + F.cross_entropy(end, last)
