"""TM, the collaborative teaching (METHOD.md, "TM"; the paper's equations 3–12 and section 3.7).

Both modules see every sample. On localization data the summarizer's propagated map J_Sum learns
from the localizer's map I_Loc; on summarization data I_Loc learns from J_Sum; and each module is
held to its own mean teacher. Everything here is a function of maps, weights and numbers: nothing
trains, reads or writes. Superscripts: S student, T teacher.

    D(p, q) = E_p[log p − log q]
    localization data    L_LL = D(I_Loc^S, I_Loc^T) + L_LM
                         L_LS = D(J_Sum^S, I_Loc^T) + D(J_Sum^S, I_Loc^S)
    summarization data   L_SS = D(I_Sum^S, I_Sum^T) + L_SM
                         L_SL = D(J_Sum^T, I_Loc^S) + D(J_Sum^S, I_Loc^S)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from iptnet.losses.correlation import correlation_loss

Divergence = Literal["normalised", "bernoulli", "correlation"]
FLOOR = 1e-6
"""Least share of a step, or least probability, before a logarithm."""


@dataclass(frozen=True)
class TeachingConfig:
    """How the paper is read; numbers are those of METHOD.md's table of ambiguities.

    Attributes:
        divergence: D over maps normalised over the valid steps, or per step between two Bernoulli
            variables, averaged (1); or, not in the paper, one minus the maps' correlation.
        direction: the arguments of D as written, or swapped (3).
        detach: the student that a term does not teach gets no gradient from it (4).
        propagation_learns: PM from both kinds of data, or from localization data only (5).
        propagation_teacher: J^T by a moving average of PM, or by the student's PM (6).
        momentum: share that a teacher keeps at each step; .3 is the paper's (15).
        queries: J learns each query's map, or the union over the video's queries (14).
        propagate: False is −P: J is I itself (19).
        teach: False is −T: only terms between students remain (19).
        localize: False is −L: the summarizer alone (19).
        truth: weight of D between J and the annotated moments on localization data; not in the
            paper, where only I_Loc tells.
    """

    divergence: Divergence = "normalised"
    direction: Literal["written", "swapped"] = "written"
    detach: bool = True
    propagation_learns: Literal["both", "localization"] = "both"
    propagation_teacher: Literal["average", "student"] = "average"
    momentum: float = 0.3
    queries: Literal["pair", "union"] = "pair"
    propagate: bool = True
    teach: bool = True
    localize: bool = True
    truth: float = 0.0


def divergence(p: Tensor, q: Tensor, mask: Tensor, kind: Divergence = "normalised") -> Tensor:
    """D(p, q) of two maps, per video.

    Args:
        p: ``(B, T)`` in [0, ∞) (``normalised``) or [0, 1] (``bernoulli``).
        q: ``(B, T)``, likewise.
        mask: ``(B, T)`` bool, at least one step a row.
        kind: ``normalised``: both clamped, divided by their sum over the valid steps, then
            Σ p (log p − log q). ``bernoulli``: the mean over valid steps of the divergence of two
            coins. ``correlation``: one minus Pearson's, which ignores scale and offset: maps of
            sigmoids are nearly even once they are normalised, and then D is nearly 0 whatever
            their order.

    Returns:
        ``(B,)``, not negative.
    """
    if kind == "normalised":
        a, b = _shares(p, mask), _shares(q, mask)
        return (a * (a.log() - b.log()) * mask).sum(dim=1)
    if kind == "correlation":
        return correlation_loss(p, q, mask)
    a, b = p.clamp(FLOOR, 1 - FLOOR), q.clamp(FLOOR, 1 - FLOOR)
    each = a * (a.log() - b.log()) + (1 - a) * ((1 - a).log() - (1 - b).log())
    return (each * mask).sum(dim=1) / mask.sum(dim=1).clamp_min(1)


def _shares(values: Tensor, mask: Tensor) -> Tensor:
    """Each step's share of its video, never 0; padded steps hold 1, whose logarithm is 0."""
    positive = values.clamp_min(FLOOR) * mask
    return torch.where(mask, positive / positive.sum(dim=1, keepdim=True), 1.0)


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """One step of a mean teacher: θ^T ← γ θ^T + (1 − γ) θ^S, buffers included.

    Raises:
        ValueError: γ is outside [0, 1], or the two are not alike.
    """
    if not 0 <= momentum <= 1:
        raise ValueError(f"a share lies in [0, 1], not {momentum}")
    own, theirs = teacher.state_dict(), student.state_dict()
    if own.keys() != theirs.keys():
        raise ValueError("a teacher is a copy of its student")
    for name, value in own.items():
        if value.is_floating_point():
            value.lerp_(theirs[name], 1 - momentum)
        else:
            value.copy_(theirs[name])


class Maps(NamedTuple):
    """What one batch gives, on the localizer's grid; ``None`` where there is no such net.

    Attributes:
        summary: I_Sum^S of the videos, on the summarizer's own grid ``(V, S)``.
        summary_teacher: I_Sum^T.
        propagated: J_Sum^S of the samples ``(B, T)``.
        propagated_teacher: J_Sum^T.
        located: I_Loc^S of the samples ``(B, T)``.
        located_teacher: I_Loc^T.
        mask: ``(B, T)`` bool.
        summary_mask: ``(V, S)`` bool.
    """

    summary: Tensor
    summary_teacher: Tensor | None
    propagated: Tensor
    propagated_teacher: Tensor | None
    located: Tensor
    located_teacher: Tensor | None
    mask: Tensor
    summary_mask: Tensor


def localization_terms(
    maps: Maps, how: TeachingConfig, owner: Tensor, truth: Tensor | None = None
) -> dict[str, Tensor]:
    """The teaching terms on localization data, each a scalar; L_LM is the caller's.

    Args:
        maps: of the batch's B queries.
        how: options.
        owner: ``(B,)`` the video of each query, for the union.
        truth: ``(B, T)`` annotated foreground, needed with ``how.truth``.
    """
    terms: dict[str, Tensor] = {}
    if how.teach and maps.located_teacher is not None:
        terms["LL teacher"] = _mean(_d(maps.located, maps.located_teacher.detach(), maps, how))
        target = _target(maps.located_teacher.detach(), how, owner)
        terms["LS teacher"] = _mean(_d(maps.propagated, target, maps, how))
    located = maps.located.detach() if how.detach else maps.located
    terms["LS student"] = _mean(_d(maps.propagated, _target(located, how, owner), maps, how))
    if how.truth and truth is not None:
        shown = truth.any(dim=1)
        target = _target(truth.to(maps.propagated.dtype), how, owner)
        # From the truth to the map: the annotated steps are where J should have its mass.
        each = divergence(target, maps.propagated, maps.mask, how.divergence)
        terms["LS truth"] = how.truth * (each * shown).sum() / shown.sum().clamp_min(1)
    return terms


def summarization_terms(maps: Maps, how: TeachingConfig) -> dict[str, Tensor]:
    """The teaching terms on summarization data, each a scalar; L_SM is the caller's.

    ``maps.propagated`` should come from a detached I_Sum and H' where PM alone may learn from
    this (METHOD.md, ambiguity 5); with ``propagation_learns: localization`` it is detached here.
    """
    terms: dict[str, Tensor] = {}
    if how.teach and maps.summary_teacher is not None:
        teacher = maps.summary_teacher.detach()
        each = _ordered(maps.summary, teacher, maps.summary_mask, how)
        terms["SS teacher"] = _mean(each)
    if not how.localize:
        return terms
    if how.teach and maps.propagated_teacher is not None:
        teacher = maps.propagated_teacher.detach()
        terms["SL teacher"] = _mean(_d(teacher, maps.located, maps, how))
    learns = how.propagation_learns == "both"
    propagated = maps.propagated if learns else maps.propagated.detach()
    terms["SL student"] = _mean(_d(propagated, maps.located, maps, how))
    return terms


def union(values: Tensor, owner: Tensor) -> Tensor:
    """For each query the maximum over all queries of its video in the batch.

    Args:
        values: ``(B, T)``.
        owner: ``(B,)`` int64 video numbers from 0.
    """
    videos = torch.full((int(owner.max()) + 1, values.shape[1]), -torch.inf, dtype=values.dtype)
    index = owner[:, None].expand_as(values)
    return videos.scatter_reduce(0, index, values, "amax").gather(0, index)


@dataclass(frozen=True)
class Phase:
    """One pass of the schedule.

    Attributes:
        data: which samples it goes over, never both.
        role: ``alone``: the data's own module and nothing else; ``teach``: both modules, with the
            teaching terms; ``pretrain``: the summarizer on annotated moments.
    """

    data: Literal["summarization", "localization"]
    role: Literal["alone", "teach", "pretrain"]


def schedule(
    alone: int,
    cycles: int,
    *,
    pretrain: int = 0,
    repeats: int = 1,
    finish: int = 0,
    localize: bool = True,
) -> Iterator[Phase]:
    """Section 3.7: the summarizer alone, then cycles of both data sets, all of it repeated.

    Args:
        alone: passes of the summarizer alone at the beginning of each round (the paper: 20).
        cycles: [localization data, summarization data] passes of a round.
        pretrain: passes of the summarizer over annotated moments before everything.
        repeats: rounds.
        finish: passes of the summarizer alone behind everything.
        localize: False (−L): the localization passes are left out, the others stay.
    """
    yield from [Phase("localization", "pretrain")] * pretrain
    for _ in range(repeats):
        yield from [Phase("summarization", "alone")] * alone
        for _ in range(cycles):
            if localize:
                yield Phase("localization", "teach")
            yield Phase("summarization", "teach")
    yield from [Phase("summarization", "alone")] * finish


def _target(values: Tensor, how: TeachingConfig, owner: Tensor) -> Tensor:
    return union(values, owner) if how.queries == "union" else values


def _d(p: Tensor, q: Tensor, maps: Maps, how: TeachingConfig) -> Tensor:
    return _ordered(p, q, maps.mask, how)


def _ordered(p: Tensor, q: Tensor, mask: Tensor, how: TeachingConfig) -> Tensor:
    first, second = (p, q) if how.direction == "written" else (q, p)
    return divergence(first, second, mask, how.divergence)


def _mean(each: Tensor) -> Tensor:
    return each.mean()
