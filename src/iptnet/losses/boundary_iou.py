"""−log IoU of predicted and true boundary offsets (METHOD.md, L_SM, second term).

A step's box reaches ``left`` steps back and ``right`` steps ahead. Boxes of one step share that
step, so with a and b the predicted and true offsets the overlap is min(a_l, b_l) + min(a_r, b_r)
and the union max(a_l, b_l) + max(a_r, b_r). A one-step segment has two zero offsets: no box can
overlap it, its IoU is 0 without a gradient, and it counts as zero loss.
"""

from __future__ import annotations

import torch
from torch import Tensor

EPS = 1e-8


def boundary_iou_loss(offsets: Tensor, target: Tensor, positive: Tensor) -> Tensor:
    """Mean over a video's positive steps of −log(IoU + 1e-8).

    Args:
        offsets: ``(B, T, 2)`` predicted steps to the left and right, positive.
        target: ``(B, T, 2)`` true steps to the left and right.
        positive: ``(B, T)`` bool, true at steps inside a segment.

    Returns:
        ``(B,)``; 0 for a video without a positive step.
    """
    overlap = torch.minimum(offsets, target).sum(dim=-1)
    union = torch.maximum(offsets, target).sum(dim=-1)
    lasting = positive & (target.sum(dim=-1) > 0)
    # Both `where` keep the padded and one-step positions out of the backward pass, too.
    share = torch.where(lasting, overlap / torch.where(lasting, union, 1.0), 1.0)
    per_step = torch.where(lasting, -(share + EPS).log(), 0.0)
    return per_step.sum(dim=1) / positive.sum(dim=1).clamp_min(1)
