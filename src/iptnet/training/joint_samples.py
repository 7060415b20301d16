"""Samples of both tasks as the joint model sees them: every one from both sides.

A benchmark video's localizer view is its features pooled into at most 128 bins of its own time. A
localization video's summarizer view is its steps read two a second (or left on the localizer's
grid), prepared once. Batches never mix the tasks, and the queries of one video share a batch, so
that the summarizer runs once a video.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from iptnet.data.benchmark import BenchmarkVideo
from iptnet.model.context import Context
from iptnet.model.grid import at_times, grid, pool
from iptnet.model.iptnet import Views
from iptnet.model.localization.video import GridVideo
from iptnet.model.resampling import Resampling, pad_resamplings, resampling, step_edges
from iptnet.model.summarization import SummarizationModule
from iptnet.model.summarizer import STEP
from iptnet.training.moment_batches import MomentBatch, Target
from iptnet.training.moment_batches import collate as collate_moments
from iptnet.training.moment_examples import Example
from iptnet.training.samples import Batch, Sample, groups_of
from iptnet.training.samples import collate as collate_summaries


@dataclass(frozen=True)
class SummaryView:
    """A benchmark video for the localizer: ``(T, D)`` steps, and the way there from the picks."""

    video: Tensor
    resampling: Resampling


@dataclass(frozen=True)
class MomentView:
    """A localization video for the summarizer.

    Attributes:
        prepared: ``(S, …)``.
        resampling: from there to the localizer's grid.
        moments: ``(S,)`` 0/1, the union of the annotated moments of all its queries.
    """

    prepared: Context
    resampling: Resampling
    moments: Tensor


@dataclass(frozen=True)
class JointBatch:
    """One step: samples of one task, from both sides, with that task's own targets."""

    views: Views
    summary: Batch | None = None
    moments: MomentBatch | None = None
    union: Tensor | None = None  # (V, S) annotated moments of each video, on the summarizer's grid


def summary_view(video: BenchmarkVideo, steps: int) -> SummaryView:
    """Pool a benchmark video for the localizer."""
    times = np.arange(len(video.picks)) * STEP
    if video.times is not None:
        times = video.times
    elif video.fps:
        times = np.asarray(video.picks / video.fps, np.float64)
    seconds = float(times[-1]) + STEP
    edges = grid(seconds, max(seconds / steps, STEP))
    pooled = pool(times, video.features, edges)
    return SummaryView(torch.from_numpy(pooled), resampling(step_edges(times, seconds), edges))


def moment_views(
    examples: Sequence[Example], module: SummarizationModule, view: float
) -> dict[int, MomentView]:
    """The summarizer's view of every localization video, by ``id(example.video)``.

    Args:
        examples: all queries.
        module: prepares features.
        view: seconds of a step; 0 leaves the localizer's grid.
    """
    windows: dict[int, list[NDArray[np.float64]]] = {}
    videos: dict[int, GridVideo] = {}
    for example in examples:
        videos[id(example.video)] = example.video
        windows.setdefault(id(example.video), []).append(example.windows)
    return {
        key: _moment_view(video, np.concatenate(windows[key]), module, view)
        for key, video in videos.items()
    }


def _moment_view(
    video: GridVideo, windows: NDArray[np.float64], module: SummarizationModule, view: float
) -> MomentView:
    whole = float(video.edges[-1])
    edges = grid(whole, view) if view else video.edges
    middles = (edges[1:] + edges[:-1]) / 2
    rows = at_times(video.edges, np.arange(len(video.vectors)), middles).astype(np.int64)
    mask = torch.ones(1, len(middles), dtype=torch.bool)
    content, cues = module.prepare(torch.from_numpy(video.vectors[rows])[None], mask)
    inside = (middles[:, None] >= windows[:, 0]) & (middles[:, None] < windows[:, 1])
    moments = torch.from_numpy(inside.any(axis=1).astype(np.float32))
    return MomentView(Context(content[0], cues[0]), resampling(edges, video.edges), moments)


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
    )
    union = pad_sequence([v.moments for v in seen], batch_first=True)
    return JointBatch(both, moments=moments, union=union)
