"""A map on another grid by area (METHOD.md, ambiguity 11): mass and time are kept.

The summarizer sees two steps a second, the localizer at most 128 steps a video. Each target step
takes the mean of the source map over its own time, so a map's integral stays what it was.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor


class Resampling(NamedTuple):
    """Where the target's edges fall among the source's steps.

    Attributes:
        at: ``(…, T + 1)`` int64, the source step an edge falls into.
        share: ``(…, T + 1)`` float32, how much of that step lies before the edge.
        seconds: ``(…, S)`` float32, length of each source step; 0 at padded ones.
        span: ``(…, T)`` float32, covered length of each target step; 1 where nothing covers it.
    """

    at: Tensor
    share: Tensor
    seconds: Tensor
    span: Tensor


def step_edges(times: ArrayLike, duration: float) -> NDArray[np.float64]:
    """Edges ``(S + 1,)`` of steps sampled at ``times``: halfway between neighbours.

    Args:
        times: ``(S,)`` seconds, ascending, S ≥ 1.
        duration: where the last step ends, if that is behind its sample.
    """
    at = np.asarray(times, np.float64)
    last = max(float(duration), float(at[-1]) + 1e-3)
    return np.concatenate([[0.0], (at[1:] + at[:-1]) / 2, [last]])


def resampling(source: ArrayLike, target: ArrayLike) -> Resampling:
    """Prepare :func:`resample` for one video.

    Args:
        source: ``(S + 1,)`` edges in seconds, ascending.
        target: ``(T + 1,)`` edges in seconds, ascending.

    Raises:
        ValueError: edges that do not ascend, or fewer than two.
    """
    old, new = np.asarray(source, np.float64), np.asarray(target, np.float64)
    for edges in (old, new):
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
            raise ValueError("edges are two or more ascending times")
    inside = new.clip(old[0], old[-1])
    index = (np.searchsorted(old, inside, side="right") - 1).clip(0, len(old) - 2)
    lengths = np.diff(old)
    span = np.diff(inside)
    return Resampling(
        torch.from_numpy(index),
        torch.from_numpy(((inside - old[index]) / lengths[index]).astype(np.float32)),
        torch.from_numpy(lengths.astype(np.float32)),
        torch.from_numpy(np.where(span > 0, span, 1.0).astype(np.float32)),
    )


def pad_resamplings(rows: list[Resampling]) -> Resampling:
    """Stack several videos; padded target steps are empty and padded source steps weigh nothing."""
    S = max(r.seconds.shape[0] for r in rows)
    T = max(r.span.shape[0] for r in rows)
    index = torch.stack([_extended(r.at, T + 1) for r in rows])
    share = torch.stack([_extended(r.share, T + 1) for r in rows])
    seconds = torch.zeros(len(rows), S)
    span = torch.ones(len(rows), T)
    for k, row in enumerate(rows):
        seconds[k, : row.seconds.shape[0]] = row.seconds
        span[k, : row.span.shape[0]] = row.span
    return Resampling(index, share, seconds, span)


def resample(values: Tensor, how: Resampling) -> Tensor:
    """The map on the target's steps.

    Args:
        values: ``(B, S)``.
        how: of the same B videos.

    Returns:
        ``(B, T)`` mean over each target step's time; 0 where the source does not reach.
    """
    mass = values * how.seconds
    before = torch.nn.functional.pad(mass.cumsum(dim=1), (1, 0))
    upto = before.gather(1, how.at) + how.share * mass.gather(1, how.at)
    return (upto[:, 1:] - upto[:, :-1]) / how.span


def _extended(row: Tensor, length: int) -> Tensor:
    """The last edge repeated: steps of no length."""
    return torch.cat([row, row[-1:].expand(length - len(row))])
