"""How the ranker learns: each candidate's IoU by cross-entropy, and the best of each query by rank.

The first term makes scores mean something (a candidate's expected IoU, comparable across queries);
the second, ListNet's top-one cross-entropy, cares for the order within a query.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

TEMPERATURE = 0.1
"""Of the softmax over IoUs: a candidate of .1 more IoU should be e times as likely on top."""

LEAST = 0.3
"""A query none of whose candidates reaches this IoU has no order to learn."""


def ranking_loss(
    logits: torch.Tensor, overlap: torch.Tensor, counts: Sequence[int], weight: float = 0.1
) -> torch.Tensor:
    """BCE(IoU) over all candidates + weight · mean top-one cross-entropy over the queries.

    Args:
        logits: (P,) of several queries' candidates, one query after the other.
        overlap: (P,) IoU of each with its query's truth.
        counts: candidates of each query; their sum is P.
        weight: of the second term.

    Returns:
        a scalar.
    """
    loss = F.binary_cross_entropy_with_logits(logits, overlap)
    sizes = list(counts)
    pairs = zip(torch.split(logits, sizes), torch.split(overlap, sizes), strict=True)
    terms = [
        -((y / TEMPERATURE).softmax(0) * p.log_softmax(0)).sum()
        for p, y in pairs
        if bool((y > LEAST).any())
    ]
    return loss + weight * torch.stack(terms).mean() if terms else loss
