"""iPTNet: SM, PM and LM as one student, with its mean teacher, over samples seen from both sides.

A sample has two views: the summarizer's (two steps a second, or the localizer's own grid) and the
localizer's (at most 128 steps, with a query or the learned null query). The summarizer runs once a
video, however many queries ask about it; its map reaches the localizer's grid by area.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from iptnet.model.context import Context
from iptnet.model.localization.module import LocalizationModule, LocalizationOutput
from iptnet.model.propagation import Propagation
from iptnet.model.resampling import Resampling, resample
from iptnet.model.summarization import SummarizationModule, SummarizationOutput
from iptnet.teaching import Maps, TeachingConfig, follow


@dataclass(frozen=True)
class Views:
    """B samples of V videos, both ways.

    Attributes:
        prepared: what SM decides on, ``(V, S, …)``.
        summary_mask: ``(V, S)`` bool.
        step: seconds of a step of that view.
        video: ``(B, T, D)`` the localizer's view.
        mask: ``(B, T)`` bool.
        query: ``(B, L, E)``, or None: the null query.
        words: ``(B, L)`` bool, or None.
        owner: ``(B,)`` int64, the video of each sample.
        resampling: from ``(V, S)`` to ``(V, T)``.
        unknown: ``(B, L)`` bool, words without a vector; where the localizer spells.
        characters: ``(B, L, C)`` their letters, likewise.
    """

    prepared: Context
    summary_mask: Tensor
    step: float
    video: Tensor
    mask: Tensor
    query: Tensor | None
    words: Tensor | None
    owner: Tensor
    resampling: Resampling
    unknown: Tensor | None = None
    characters: Tensor | None = None


class Student(nn.Module):
    """The three modules that learn; any of them alone is what its own room knows."""

    def __init__(
        self,
        summarization: SummarizationModule,
        propagation: Propagation,
        localization: LocalizationModule,
    ) -> None:
        super().__init__()
        self.summarization = summarization
        self.propagation = propagation
        self.localization = localization

    def summarize(self, views: Views) -> SummarizationOutput:
        """SM on each video."""
        out: SummarizationOutput = self.summarization(views.prepared, views.summary_mask)
        return out

    def propagated(
        self, out: SummarizationOutput, views: Views, propagate: bool, *, detach: bool = False
    ) -> Tensor:
        """J_Sum of each sample ``(B, T)`` on the localizer's grid; I_Sum itself with −P.

        With ``detach``, SM gets no gradient through it.
        """
        importance, hidden = out.importance, out.hidden
        if detach:
            importance, hidden = importance.detach(), hidden.detach()
        if propagate:
            importance = self.propagation(importance, hidden, views.summary_mask, views.step)
        return resample(importance * views.summary_mask, views.resampling)[views.owner]

    def localize(self, views: Views, *, spans: bool, cross: bool = True) -> LocalizationOutput:
        """LM on each sample."""
        out: LocalizationOutput = self.localization(
            views.video,
            views.mask,
            views.query,
            views.words,
            unknown=views.unknown,
            characters=views.characters,
            spans=spans,
            cross=cross,
        )
        return out


class Iptnet(nn.Module):
    """Student and teacher; the teacher has no gradient and no dropout, and follows."""

    def __init__(self, student: Student) -> None:
        super().__init__()
        self.student = student
        self.teacher = copy.deepcopy(student).requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Iptnet:
        """Training mode for the student alone."""
        super().train(mode)
        self.teacher.eval()
        return self

    def follow(self, momentum: float) -> None:
        """One step of the mean teacher; see :func:`iptnet.teaching.follow`."""
        follow(self.teacher, self.student, momentum)

    def maps(
        self,
        views: Views,
        how: TeachingConfig,
        *,
        spans: bool,
        detach_summary: bool,
        cross: bool = True,
    ) -> tuple[Maps, SummarizationOutput, LocalizationOutput]:
        """All maps of a batch, and the students' full outputs for L_SM and L_LM.

        Args:
            views: the batch.
            how: which of them are wanted.
            spans: whether the localizer's span predictor runs.
            detach_summary: whether J^S is cut off from SM (on summarization data).
            cross: False lets samples without a query skip the cross-attention (ambiguity 13).
        """
        summary = self.student.summarize(views)
        located = self.student.localize(views, spans=spans, cross=cross)
        propagated = self.student.propagated(summary, views, how.propagate, detach=detach_summary)
        before = propagated_before = located_before = None
        if how.teach:
            with torch.no_grad():
                old = self.teacher.summarize(views)
                before = old.importance
                located_before = self.teacher.localize(views, spans=False, cross=cross).importance
                if how.propagation_teacher == "average":
                    propagated_before = self.teacher.propagated(old, views, how.propagate)
                else:
                    propagated_before = self.student.propagated(old, views, how.propagate)
        maps = Maps(
            summary=summary.importance,
            summary_teacher=before,
            propagated=propagated,
            propagated_teacher=propagated_before,
            located=located.importance,
            located_teacher=located_before,
            mask=views.mask,
            summary_mask=views.summary_mask,
        )
        return maps, summary, located
