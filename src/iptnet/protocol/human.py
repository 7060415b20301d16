"""How well people do by the benchmark's own measure: each user against all the others."""

from __future__ import annotations

import numpy as np

from iptnet.protocol.correlation import rank_correlation
from iptnet.protocol.rules import Labels, Protocol, VideoScore, mean_score
from iptnet.protocol.scores import f_score


def leave_one_out(labels: Labels, protocol: Protocol) -> VideoScore:
    """Score every user as if that user were the machine, and take the mean.

    For F, a user's summary meets the other users' (their maximum or mean, as the protocol says);
    for τ and ρ, a user's importance meets each other user's on the protocol's grid (or their mean).

    Args:
        labels: a video with two users or more.
        protocol: the benchmark's rules.

    Raises:
        ValueError: fewer than two users.
    """
    users = len(labels.user_summaries)
    importance = labels.importance_on(protocol.grid)
    if min(users, len(importance)) < 2:
        raise ValueError("leave-one-out needs two users at least")
    scores = []
    for one in range(users):
        others = np.arange(users) != one
        overlap = f_score(labels.user_summaries[one], labels.user_summaries[others], protocol.how)
        ranks = rank_correlation(importance[one], importance[others], protocol.against)
        scores.append(
            VideoScore(overlap.f, overlap.precision, overlap.recall, ranks.tau, ranks.rho)
        )
    return mean_score(scores)
