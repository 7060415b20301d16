"""How each module sees the other task's videos.

A benchmark video's localizer view is its features pooled into at most 128 bins of its own time. A
localization video's summarizer view is its steps read two a second (or left on the localizer's
grid), prepared once. Where the modules read different recipes (METHOD.md, ambiguity 12), the view
comes from second features of the same video.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iptnet.data.benchmark import BenchmarkVideo
from iptnet.data.feature_folder import FeatureFolder
from iptnet.data.moments import MomentQuery
from iptnet.model.context import Context
from iptnet.model.grid import at_times, grid, pool
from iptnet.model.localization.video import GridVideo
from iptnet.model.resampling import Resampling, resampling, step_edges
from iptnet.model.summarization import SummarizationModule
from iptnet.model.summarizer import STEP
from iptnet.training.moment_examples import Example


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


def summary_view(
    video: BenchmarkVideo, steps: int, other: BenchmarkVideo | None = None
) -> SummaryView:
    """Pool a benchmark video for the localizer.

    Args:
        video: as the summarizer sees it.
        steps: the localizer's reach.
        other: the same video in the localizer's recipe, where that is another.
    """
    own, seen = times_of(video), other or video
    times = times_of(seen)
    seconds = max(float(own[-1]), float(times[-1])) + STEP
    edges = grid(seconds, max(seconds / steps, STEP))
    pooled = pool(times, seen.features, edges)
    return SummaryView(torch.from_numpy(pooled), resampling(step_edges(own, seconds), edges))


def times_of(video: BenchmarkVideo) -> NDArray[np.float64]:
    """Seconds of a benchmark video's steps; two a second where the file does not say."""
    if video.times is not None:
        return np.asarray(video.times, np.float64)
    if video.fps:
        return np.asarray(video.picks / video.fps, np.float64)
    return np.arange(len(video.picks), dtype=np.float64) * STEP


def moment_views(
    examples: Sequence[Example],
    module: SummarizationModule,
    view: float,
    features: FeatureFolder | None = None,
) -> dict[int, MomentView]:
    """The summarizer's view of every localization video, by ``id(example.video)``.

    Args:
        examples: all queries.
        module: prepares features.
        view: seconds of a step; 0 leaves the localizer's grid.
        features: of the same videos in the summarizer's recipe, where that is another.

    Raises:
        InputError: ``features`` lacks a video.
    """
    windows: dict[int, list[NDArray[np.float64]]] = {}
    videos: dict[int, GridVideo] = {}
    sources: dict[int, MomentQuery | None] = {}
    for example in examples:
        videos[id(example.video)] = example.video
        sources[id(example.video)] = example.source
        windows.setdefault(id(example.video), []).append(example.windows)
    found = {}
    for key, video in videos.items():
        first, last = float(video.edges[0]), float(video.edges[-1])
        edges = first + grid(last - first, view) if view else video.edges
        if features is None:
            rows = _at_middles(video, edges)
        else:
            rows = _paired(features, sources[key], edges)
        found[key] = _moment_view(video, rows, edges, np.concatenate(windows[key]), module)
    return found


def _at_middles(video: GridVideo, edges: NDArray[np.float64]) -> NDArray[np.float32]:
    """The localizer's own vectors ``(S, D)`` on finer steps."""
    middles = (edges[1:] + edges[:-1]) / 2
    at = at_times(video.edges, np.arange(len(video.vectors)), middles).astype(np.int64)
    return video.vectors[at]


def _paired(
    features: FeatureFolder, source: MomentQuery | None, edges: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The summarizer's vectors ``(S, D)`` of the same video, pooled on its steps."""
    assert source is not None  # joined clips are refused by the configuration
    times, vectors = features.read_middles(source.video, source.duration)
    inside = (times >= edges[0]) & (times < edges[-1])
    if not inside.any():  # a window behind the last sample: its nearest one stands for all of it
        inside[np.argmin(np.abs(times - edges[:-1].mean()))] = True
    return pool(times[inside], vectors[inside], edges)


def _moment_view(
    video: GridVideo,
    rows: NDArray[np.float32],
    edges: NDArray[np.float64],
    windows: NDArray[np.float64],
    module: SummarizationModule,
) -> MomentView:
    middles = (edges[1:] + edges[:-1]) / 2
    mask = torch.ones(1, len(middles), dtype=torch.bool)
    content, cues = module.prepare(torch.from_numpy(rows)[None], mask)
    inside = (middles[:, None] >= windows[:, 0]) & (middles[:, None] < windows[:, 1])
    moments = torch.from_numpy(inside.any(axis=1).astype(np.float32))
    return MomentView(Context(content[0], cues[0]), resampling(edges, video.edges), moments)
