"""Samples of both tasks as the joint model sees them: every one from both sides.

Batches never mix the tasks, and the queries of one video share a batch, so
that the summarizer runs once a video.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from iptnet.model.context import Context
from iptnet.model.iptnet import Views
from iptnet.model.resampling import pad_resamplings
from iptnet.model.summarizer import STEP
from iptnet.training.joint_views import MomentView, SummaryView
from iptnet.training.moment_batches import MomentBatch, Target
from iptnet.training.moment_batches import collate as collate_moments
from iptnet.training.moment_examples import Example
from iptnet.training.samples import Batch, Sample, groups_of
from iptnet.training.samples import collate as collate_summaries


@dataclass(frozen=True)
class JointBatch:
    """One step: samples of one task, from both sides, with that task's own targets."""

    views: Views
    summary: Batch | None = None
    moments: MomentBatch | None = None
    union: Tensor | None = None  # (V, S) annotated moments of each video, on the summarizer's grid


def summary_batches(
    samples: Sequence[Sample], views: Mapping[str, SummaryView], size: int, seed: int, epoch: int
) -> list[JointBatch]:
    """One pass over the summarization data."""
    found = []
    for chunk in groups_of([len(s.ranks) for s in samples], size, seed, epoch):
        own = [samples[i] for i in chunk]
        batch = collate_summaries(own, [epoch + i for i in chunk])
        seen = [views[s.video] for s in own]
        video = pad_sequence([v.video for v in seen], batch_first=True)
        mask = pad_sequence([torch.ones(len(v.video), dtype=torch.bool) for v in seen], True)
        both = Views(
            prepared=batch.prepared,
            summary_mask=batch.mask,
            step=STEP,
            video=video,
            mask=mask,
            query=None,
            words=None,
            owner=torch.arange(len(own)),
            resampling=pad_resamplings([v.resampling for v in seen]),
        )
        found.append(JointBatch(both, summary=batch))
    return found


def moment_batches(
    examples: Sequence[Example],
    targets: Sequence[Target],
    views: Mapping[int, MomentView],
    size: int,
    seed: int,
    *,
    step: float,
    null: float = 0.0,
    cap: int = 0,
) -> list[JointBatch]:
    """One pass over the localization data, or the first ``cap`` batches of it.

    Args:
        examples: all queries.
        targets: of each.
        views: of each video.
        size: queries a batch, more where the last video has more.
        seed: of the order.
        step: seconds of a step of the summarizer's view; 0: the localizer's own.
        null: share of the batches whose queries are withheld.
        cap: most batches; 0: all.
    """
    rng = random.Random(f"joint batches {seed}")  # noqa: S311
    by_video: dict[int, list[int]] = {}
    for i, example in enumerate(examples):
        by_video.setdefault(id(example.video), []).append(i)
    videos = list(by_video.values())
    rng.shuffle(videos)
    groups: list[list[int]] = [[]]
    for own in videos:
        if len(groups[-1]) >= size:
            groups.append([])
        groups[-1] += own
    return [
        _moment_batch(
            [examples[i] for i in group],
            [targets[i] for i in group],
            views,
            step,
            null=rng.random() < null,
        )
        for group in (groups[:cap] if cap else groups)
    ]


def _moment_batch(
    examples: Sequence[Example],
    targets: Sequence[Target],
    views: Mapping[int, MomentView],
    step: float,
    *,
    null: bool,
) -> JointBatch:
    moments = collate_moments(examples, targets, null=null)
    numbers: dict[int, int] = {}
    owner = [numbers.setdefault(id(e.video), len(numbers)) for e in examples]
    seen = [views[key] for key in numbers]
    both = Views(
        prepared=Context(
            pad_sequence([v.prepared.content for v in seen], batch_first=True),
            pad_sequence([v.prepared.cues for v in seen], batch_first=True),
        ),
        summary_mask=pad_sequence(
            [torch.ones(len(v.moments), dtype=torch.bool) for v in seen], batch_first=True
        ),
        step=step or examples[0].video.step,
        video=moments.video,
        mask=moments.mask,
        query=moments.query,
        words=moments.words,
        owner=torch.tensor(owner),
        resampling=pad_resamplings([v.resampling for v in seen]),
        unknown=moments.unknown,
        characters=moments.characters,
    )
    union = pad_sequence([v.moments for v in seen], batch_first=True)
    return JointBatch(both, moments=moments, union=union)
