"""Ranking loss: each candidate's IoU by cross-entropy, and the best of each query by rank.

The first term makes scores mean something (a candidate's expected IoU, comparable across queries);
the second, ListNet's top-one cross-entropy, cares for the order within a query.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

TEMPERATURE = 0.1
"""Of the softmax over IoUs: a candidate of .1 more IoU should be e times as likely on top."""

LEAST = 0.3
"""A query none of whose candidates reaches this IoU has no order to learn."""

WEIGHT = 0.1
"""Of the second term."""


def ranking_loss(
    logits: torch.Tensor, overlap: torch.Tensor, counted: torch.Tensor
) -> torch.Tensor:
    """BCE(IoU) over all candidates + WEIGHT · mean top-one cross-entropy over the queries.

    Args:
        logits: (K, B, M) of K heads, B queries and M candidates each.
        overlap: (B, M) IoU of each candidate with its query's truth.
        counted: (K, B) 1 where a head learns from a query, else 0.

    Returns:
        a scalar: the sum over the heads, so that each learns as fast as if alone.
    """
    each = F.binary_cross_entropy_with_logits(
        logits, overlap.expand_as(logits), reduction="none"
    ).mean(dim=2)
    ordered = counted * (overlap > LEAST).any(dim=1)
    aims = (overlap / TEMPERATURE).softmax(dim=1)
    crosses = -(aims * logits.log_softmax(dim=2)).sum(dim=2)
    mean = (each * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)
    rank = (crosses * ordered).sum(dim=1) / ordered.sum(dim=1).clamp(min=1)
    return (mean + WEIGHT * rank).sum()
