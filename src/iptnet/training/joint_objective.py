"""The joint objective of one batch (METHOD.md, TM): L_SM or L_LM, and what the other teaches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from iptnet.losses.correlation import correlation_loss
from iptnet.losses.highlight import highlight_loss
from iptnet.model.iptnet import Iptnet
from iptnet.teaching import Phase, divergence, localization_terms, summarization_terms
from iptnet.training.joint_arguments import JointArguments
from iptnet.training.joint_samples import JointBatch
from iptnet.training.moment_batches import objective_of
from iptnet.training.objective import summarization_loss


@dataclass(frozen=True)
class Term:
    """One addend, under the name that the log has for it."""

    name: str
    value: Tensor


def joint_terms(model: Iptnet, batch: JointBatch, phase: Phase, how: JointArguments) -> list[Term]:
    """The addends of one batch; their sum is what is minimised.

    Args:
        model: student and teacher.
        batch: of the phase's own task.
        phase: which terms count.
        how: weights and options.
    """
    if phase.role == "pretrain":
        return [Term("L_SM on moments", _moments_as_summaries(model, batch, how))]
    if phase.data == "summarization":
        return _on_summaries(model, batch, phase, how)
    return _on_moments(model, batch, how)


def _on_summaries(
    model: Iptnet, batch: JointBatch, phase: Phase, how: JointArguments
) -> list[Term]:
    assert batch.summary is not None
    teaching = how.teaching
    if phase.role == "alone" or not (teaching.localize or teaching.teach):
        out = model.student.summarize(batch.views)
        return [Term("L_SM", summarization_loss(out, batch.summary, how.objective))]
    if not teaching.localize:
        return _summarizer_and_its_teacher(model, batch, how)
    # PM learns from equation 12, SM does not (METHOD.md, ambiguities 4 and 5).
    maps, out, _ = model.maps(
        batch.views, teaching, spans=False, detach_summary=teaching.detach, cross=how.cross
    )
    own = Term("L_SM", summarization_loss(out, batch.summary, how.objective))
    return [own, *_weighed(summarization_terms(maps, teaching), how.weight)]


def _summarizer_and_its_teacher(
    model: Iptnet, batch: JointBatch, how: JointArguments
) -> list[Term]:
    """−L with a teacher: the localizer is not even asked."""
    assert batch.summary is not None
    out = model.student.summarize(batch.views)
    with torch.no_grad():
        before = model.teacher.summarize(batch.views).importance
    mask = batch.views.summary_mask
    held = divergence(out.importance, before, mask, how.teaching.divergence).mean()
    own = Term("L_SM", summarization_loss(out, batch.summary, how.objective))
    return [own, *_weighed({"SS teacher": held}, how.weight)]


def _on_moments(model: Iptnet, batch: JointBatch, how: JointArguments) -> list[Term]:
    assert batch.moments is not None
    moments = batch.moments
    maps, _, out = model.maps(
        batch.views, how.teaching, spans=how.loss.span > 0, detach_summary=False
    )
    terms = localization_terms(maps, how.teaching, batch.views.owner, moments.foreground)
    own = Term("L_LM", objective_of(out, moments, how.loss))
    return [own, *_weighed(terms, how.weight)]


def _moments_as_summaries(model: Iptnet, batch: JointBatch, how: JointArguments) -> Tensor:
    """The crude transfer: SM learns the union of a video's moments by its own kind of loss."""
    assert batch.union is not None
    out, mask = model.student.summarize(batch.views), batch.views.summary_mask
    if how.objective.importance == "correlation":
        return correlation_loss(out.logits, batch.union, mask).mean()
    return highlight_loss(out.logits, batch.union, mask, weight=1.0)


def _weighed(terms: dict[str, Tensor], weight: float) -> list[Term]:
    return [Term(name, weight * value) for name, value in terms.items()]
