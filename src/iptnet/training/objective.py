"""L_SM (METHOD.md): importance + boundary + centrality, and the alternatives measured beside it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from iptnet.losses.boundary_iou import boundary_iou_loss
from iptnet.losses.centrality import centrality_loss
from iptnet.losses.correlation import correlation_loss
from iptnet.losses.focal import focal_loss
from iptnet.model.summarization import SummarizationOutput
from iptnet.training.arguments import ObjectiveArguments
from iptnet.training.samples import Batch


def summarization_loss(out: SummarizationOutput, batch: Batch, how: ObjectiveArguments) -> Tensor:
    """The scalar to minimise: the mean over the batch's videos that have a positive step.

    A batch without any gives 0, with a gradient of 0.
    """
    positive = (batch.importance > 0.5) & batch.mask
    total = importance_loss(out, batch, how)
    if how.boundary:
        total = total + how.boundary * boundary_iou_loss(out.offsets, batch.offsets, positive)
    if how.centrality:
        total = total + how.centrality * centrality_loss(out.centrality, batch.centrality, positive)
    counted = positive.any(dim=1)
    return torch.where(counted, total, 0.0).sum() / counted.sum().clamp_min(1)


def importance_loss(out: SummarizationOutput, batch: Batch, how: ObjectiveArguments) -> Tensor:
    """The importance head's loss per video, ``(B,)``."""
    if how.importance == "focal":
        return focal_loss(out.importance, batch.importance, batch.mask)
    target = batch.ranks if how.target == "users" else batch.importance
    if how.importance == "correlation":
        return correlation_loss(out.logits, target, batch.mask)
    if how.importance == "bce":
        per_step = binary_cross_entropy_with_logits(out.logits, target, reduction="none")
    else:
        per_step = mse_loss(out.logits, target, reduction="none")
    return (per_step * batch.mask).sum(dim=1) / batch.mask.sum(dim=1).clamp_min(1)
