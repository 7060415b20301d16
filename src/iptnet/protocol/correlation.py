"""Rank correlation of predicted importance with each user's (Otani et al., CVPR 2019).

**The definition.** Both rows lie on the same grid; the benchmark's is the picks, so TVSum users'
1-to-5 frame scores and SumMe users' 0/1 summaries are read at the picked frames and compared with
the step scores. For every user, Kendall's τ-b and Spearman's ρ (Pearson's r of the midranks); then
the mean over users. On TVSum this reproduces the published human leave-one-out, .177 / .204, to
the last digit. Other repositories hold the scores over all frames first, or compare with the mean
over users; :func:`rank_correlation` does either, given such rows (see docs/protocol.md).

**No order, no correlation.** A constant prediction scores 0: it orders nothing, and dropping it
would reward a flat model. A user whose row is constant has no order to agree with and is left out;
when all users are constant the result is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Against = Literal["each", "mean"]
MAX_LEVELS = 8  # up to here, counting per level beats sorting per user


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Kendall's τ-b and Spearman's ρ, both in [-1, 1], or NaN when no user orders anything."""

    tau: float
    rho: float


def rank_correlation(
    scores: ArrayLike, users: ArrayLike, against: Against = "each"
) -> RankCorrelation:
    """Correlate predicted importance with the users'.

    Args:
        scores: ``(N,)`` predicted importance.
        users: ``(U, N)`` the users' scores or 0/1 summaries on the same grid.
        against: ``"each"`` user, then the mean (ours), or ``"mean"``: against the users' mean row.

    Raises:
        ValueError: shapes that do not match, fewer than two values, a value that is not finite, or
            an unknown ``against``.
    """
    if against not in ("each", "mean"):
        raise ValueError(f'scores are compared with "each" user or their "mean", not {against!r}')
    x, rows = _finite(scores, 1, "scores"), _finite(users, 2, "user scores")
    if len(x) != rows.shape[1] or len(x) < 2:
        raise ValueError(f"{len(x)} scores but users of {rows.shape[1]}: need two at least, alike")
    if against == "mean":
        rows = rows.mean(axis=0, keepdims=True)
    rows = rows[np.ptp(rows, axis=1) > 0]
    if not len(rows):
        return RankCorrelation(float("nan"), float("nan"))
    if np.ptp(x) == 0:
        return RankCorrelation(0.0, 0.0)
    return RankCorrelation(float(kendall(x, rows).mean()), float(spearman(x, rows).mean()))


def spearman(x: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's ρ of ``x`` (N,) with each of ``rows`` (U, N); none of them constant."""
    from scipy.stats import rankdata

    a = rankdata(x) - (len(x) + 1) / 2
    b = rankdata(rows, axis=1) - (len(x) + 1) / 2
    rho: NDArray[np.float64] = (b @ a) / np.sqrt((a @ a) * (b * b).sum(axis=1))
    return np.clip(rho, -1, 1)


def kendall(x: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's τ-b of ``x`` (N,) with each of ``rows`` (U, N); none of them constant.

    Users' rows have few levels (0/1, or 1 to 5). For each level, a running count over the steps
    sorted by ``x`` tells how many of its members lie below and above every step: concordant minus
    discordant pairs follow for all users and level pairs at once, exactly, with ties handled. Rows
    of many levels (another prediction, the users' mean) go to scipy one by one.
    """
    levels = np.unique(rows)
    if len(levels) > MAX_LEVELS:
        from scipy.stats import kendalltau

        return np.array([kendalltau(x, row).statistic for row in rows])
    order = np.argsort(x, kind="stable")
    _, first, count = np.unique(x[order], return_index=True, return_counts=True)
    start = np.repeat(first, count)  # per sorted step: its group of equal scores is [start, stop)
    stop = np.repeat(first + count, count)
    belongs = rows[:, None, order] == levels[:, None]  # (U, levels, N)
    running = np.pad(belongs.cumsum(axis=2), ((0, 0), (0, 0), (1, 0)))
    total = running[:, :, -1]
    # Members with a smaller score, less those with a greater one, per level and step.
    lead = running[:, :, start] - (total[:, :, None] - running[:, :, stop])
    balance = belongs.astype(np.float64) @ lead.transpose(0, 2, 1)  # [user, high, low]
    concordance = np.tril(balance, -1).sum(axis=(1, 2))
    untied_x = _pairs(len(x)) - _pairs(count).sum()
    untied_rows = _pairs(len(x)) - _pairs(total).sum(axis=1)
    tau: NDArray[np.float64] = concordance / np.sqrt(untied_x) / np.sqrt(untied_rows)
    return np.clip(tau, -1, 1)


def _pairs(n: Any) -> Any:
    return n * (n - 1) / 2


def _finite(numbers: ArrayLike, ndim: int, what: str) -> NDArray[np.float64]:
    raw: NDArray[Any] = np.asarray(numbers)
    if raw.ndim != ndim or not raw.size or raw.dtype.kind not in "biuf":
        raise ValueError(f"{what} of shape {raw.shape}: expected {ndim} dimension(s) of numbers")
    if not np.isfinite(raw).all():
        raise ValueError(f"{what} hold a value that is not finite")
    return raw.astype(np.float64)
