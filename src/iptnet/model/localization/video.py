"""A video as the LM sees it: pooled onto a grid, with the steps at which the picture changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.errors import InputError, IntegrityError
from iptnet.model.grid import FINEST, grid, pool, step_seconds
from iptnet.shots.kts import change_points

Floats = NDArray[np.float64]

LONGEST_SHOT = 512
"""Samples; segmenting costs time by the square of this bound, and no shot worth a bound is longer
(four minutes of the lite recipe)."""


@dataclass(frozen=True)
class GridVideo:
    """One video, ready for any number of queries.

    Attributes:
        edges: (T + 1,) seconds.
        vectors: (T, D) float32, mean features of each step.
        cuts: (C,) seconds at which shots begin, ascending, without the video's own start.
    """

    edges: Floats
    vectors: NDArray[np.float32]
    cuts: Floats

    @property
    def step(self) -> float:
        """Seconds of a step."""
        return float(self.edges[1] - self.edges[0])

    def changes(self, first: int, after: int) -> list[int]:
        """Steps of [first, after), counted from ``first``, at which another shot begins."""
        nearest = np.rint((self.cuts - self.edges[0]) / self.step).astype(np.int64)
        return sorted({int(n) - first for n in nearest if first < n < after})


MOST_STEPS = 20_000
"""Of the samples' grid: nearly three hours of half seconds; longer videos get longer steps."""


def on_grid(
    features: ArrayLike,
    times: ArrayLike,
    duration: float,
    steps: int | None = None,
    *,
    shots: ArrayLike | None = None,
) -> GridVideo:
    """Pool a video onto its grid.

    Args:
        features: (N, D) finite, N ≥ 1.
        times: (N,) seconds, ascending.
        duration: seconds; at least the last time counts.
        steps: the module's reach, which decides how fine the grid is; None for the grid of the
            samples, half a second at the finest.
        shots: (S, 2) seconds; segmented from the features without them.

    Raises:
        InputError: no features, other shapes, or times that do not ascend.
        IntegrityError: features that are not finite.
    """
    rows, at = np.asarray(features, np.float32), np.asarray(times, np.float64)
    if rows.ndim != 2 or not len(rows) or at.shape != rows.shape[:1]:
        raise InputError(
            f"features of shape {rows.shape} at {at.shape} times", "give one row a sampled frame"
        )
    if not np.isfinite(rows).all():
        raise IntegrityError("features hold NaN or infinity", "extract them again")
    if not np.isfinite(at).all() or not (np.diff(at) > 0).all():
        raise InputError("times that do not ascend", "give each frame's time in seconds")
    whole = max(float(duration), float(at[-1]) + 1e-3)
    sampled = float(np.median(np.diff(at))) if len(at) > 1 else 0.0
    # A grid finer than the samples would only repeat them.
    finest = max(FINEST, whole / MOST_STEPS) if steps is None else step_seconds(whole, steps)
    edges = grid(whole, max(finest, sampled))
    if shots is None:
        begins = change_points(rows, max_steps=LONGEST_SHOT)
        cuts = (at[begins - 1] + at[begins]) / 2
    else:
        bounds = np.asarray(shots, np.float64).reshape(-1, 2)
        cuts = np.unique(bounds[:, 0])
    return GridVideo(edges, pool(at, rows, edges), cuts[(cuts > 0) & (cuts < whole)])


def coarsened(video: GridVideo, steps: int) -> GridVideo:
    """Pool a video of the samples' grid onto the module's, of ``steps`` within its reach."""
    duration = float(video.edges[-1])
    edges = grid(duration, max(step_seconds(duration, steps), video.step))
    if len(edges) >= len(video.edges):
        return video
    middles = (video.edges[1:] + video.edges[:-1]) / 2
    return GridVideo(edges, pool(middles, video.vectors, edges), video.cuts)
