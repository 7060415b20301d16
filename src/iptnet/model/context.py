"""What a step is within its own video: content against the video's mean, and how unusual it is.

Our addition in front of the paper's SM. Captions flicker from frame to frame and whole videos sit
far apart in feature space, while people judge a stretch within its video. So the content is blurred
over about two seconds and centred per video, and a few cues say how the step stands out at scales
from one to thirty seconds. Cues are cosines and densities brought to zero mean and unit variance
per video: they mean the same for captions and for pixels. Nothing here is trained. The novelty of a
step is no cue of SM's; it serves the importance on pictures (:mod:`iptnet.model.pictures`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

CONTRASTS = (2, 4, 8, 16)  # steps; each blur is compared with the one four times as wide
WIDTHS = (2, 8)
SHARPNESS = (5.0, 10.0)
CUES = len(CONTRASTS) + 3 * len(WIDTHS) + len(SHARPNESS) + 1
WINDOW = 4096  # steps blurred together, 34 minutes
ROWS = 128  # looked at together
PIECE = 512  # steps worked on together where each stands for itself
CHANNELS, CACHED = (8, 64), 100_000  # of a blur at a time: between these, as many as fit a cache
LANDMARKS = 1024  # more steps than this are compared with evenly spaced ones only
NEARBY = 20  # steps that do not count as a recurrence of the same scene
AGO = 4  # steps that the picture before has to lie behind to have been shown before
RECENT = 128  # of the steps before, so many are all looked at; earlier ones may be landmarks only
KNOWN = 1e-3  # unlikeness below which nothing is new, before its logarithm
SMALL = 1e-3  # a cue that varies less than this within a video is noise


class Context(NamedTuple):
    """Content ``(B, T, D)`` and cues ``(B, T, CUES)``; both 0 at padded steps."""

    content: Tensor
    cues: Tensor


def context(features: Tensor, mask: Tensor) -> Context:
    """Content and cues of every step.

    Args:
        features: ``(B, T, D)``, two steps a second.
        mask: ``(B, T)`` bool, true at real steps, which come first.
    """
    with torch.no_grad():
        real = mask.unsqueeze(-1).to(features.dtype)
        unit = _unit(features) * real
        mean = _mean(unit, real)
        # Hours of video are 74 MB a blur: one that only a contrast needs is made for it.
        blurred = {r: blur(unit, mask, r) for r in {1, *WIDTHS, CONTRASTS[-1]}}
        centred = (blurred[2] - mean) * real
        change = torch.zeros_like(real)
        change[:, 1:, 0] = _piecewise(_change, unit[:, 1:], unit[:, :-1])
        if mask.shape[1] > 1:  # the first step has no predecessor: take its successor's
            change[:, 0] = change[:, 1]
        change = change * real
        cues = []
        for radius in CONTRASTS:
            near, far = (
                blurred[r] if r in blurred else blur(unit, mask, r) for r in (radius, 4 * radius)
            )
            cues.append(_cosine(near, far))
        cues += [blurred[r].norm(dim=-1) for r in WIDTHS]
        cues += [blur(change, mask, r)[..., 0] for r in WIDTHS]
        cues += [_cosine(blurred[r], mean) for r in WIDTHS]
        cues += _recurrence(_unit((blurred[1] - mean) * real), mask)
        return Context(centred, _standardised(torch.stack(cues, dim=-1), real))


def blur(signal: Tensor, mask: Tensor, radius: int) -> Tensor:
    """Two running means of ``2·radius + 1`` steps, a triangle, over real steps only.

    Args:
        signal: ``(B, T, D)``.
        mask: ``(B, T)`` bool.
        radius: steps to either side, each time.
    """
    T, reach = mask.shape[1], 2 * radius
    if T <= WINDOW:
        return _blur(signal, mask, radius)
    # Hours go in windows that fit the cache. A step feels no further than ``reach``, so windows
    # that overlap by that on either side leave no seam.
    out = torch.empty_like(signal)
    for first in range(0, T, WINDOW):
        low, last = max(0, first - reach), min(T, first + WINDOW)
        part = slice(low, last + reach)
        blurred = _blur(signal[:, part], mask[:, part], radius)
        out[:, first:last] = blurred[:, first - low : last - low]
    return out


def _blur(signal: Tensor, mask: Tensor, radius: int) -> Tensor:
    # Running sums in double: over an hour of video, single precision would show. Along the last
    # dimension they are several times faster, and a few channels at a time stay in the cache.
    T, C = mask.shape[1], signal.shape[2]
    together = min(max(CACHED // max(mask.numel(), 1), CHANNELS[0]), CHANNELS[1])
    real = mask.unsqueeze(1).to(torch.float64)
    partly = not bool(mask.all())
    padded = signal.new_zeros(len(mask), together, T + 2 * radius + 1, dtype=torch.float64)
    inner = padded[..., radius + 1 : radius + 1 + T]
    total, sums = torch.empty_like(padded), torch.empty_like(inner)

    def window(values: Tensor) -> Tensor:
        width = values.shape[1]
        inner[:, :width] = values
        if partly:
            inner[:, :width] *= real
        torch.cumsum(padded[:, :width], dim=-1, out=total[:, :width])
        high, low = total[:, :width, 2 * radius + 1 :], total[:, :width, :T]
        return torch.sub(high, low, out=sums[:, :width])

    steps = window(real).clamp_min(1)
    out = torch.empty_like(signal)
    for first in range(0, C, together):
        few = slice(first, first + together)
        once = window(signal[..., few].transpose(1, 2)).div_(steps)
        twice = window(once).div_(steps)
        out[..., few] = (twice * real if partly else twice).transpose(1, 2)
    return out


def _mean(signal: Tensor, real: Tensor) -> Tensor:
    return (signal * real).sum(dim=1, keepdim=True) / real.sum(dim=1, keepdim=True).clamp_min(1)


def _piecewise(function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """A function of single steps, on as many at a time as stay in the cache: the same bits."""
    pieces = zip(*(torch.split(t, PIECE, dim=1) for t in tensors), strict=True)
    return torch.cat([function(*piece) for piece in pieces], dim=1)


def _unit(a: Tensor) -> Tensor:
    return _piecewise(lambda x: normalize(x, dim=-1), a)


def _change(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(dim=-1)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    def cosine(a: Tensor, b: Tensor) -> Tensor:
        return (normalize(a, dim=-1) * normalize(b, dim=-1)).sum(dim=-1)

    return _piecewise(cosine, a, b.expand_as(a))


def _highest(values: Tensor, count: int) -> Tensor:
    """Like ``topk``, along the last dimension; on a CPU several times faster."""
    if values.device.type != "cpu":
        return values.topk(count, dim=-1).values
    rows = values.numpy()
    top = np.partition(rows, rows.shape[-1] - count, axis=-1)[..., -count:]
    return torch.from_numpy(np.sort(top, axis=-1)[..., ::-1].copy())


def _recurrence(unit: Tensor, mask: Tensor) -> list[Tensor]:
    """How dense the video is around a step's content, and how near its likes elsewhere are."""
    out = torch.zeros(len(SHARPNESS) + 1, *mask.shape, dtype=unit.dtype, device=unit.device)
    for b, T in enumerate(mask.sum(dim=1).tolist()):
        if T == 0:
            continue
        own = unit[b, :T]
        at = torch.arange(T, device=unit.device)
        marks = at if T <= LANDMARKS else torch.linspace(0, T - 1, LANDMARKS).round().long()
        top = max(len(marks) // 10, 1)
        for chunk in torch.split(at, 4 * LANDMARKS):
            likeness = own[chunk] @ own[marks].T
            # A few rows at a time stay in the cache.
            pieces = zip(torch.split(chunk, ROWS), torch.split(likeness, ROWS), strict=True)
            for few, like in pieces:
                for k, sharpness in enumerate(SHARPNESS):
                    out[k, b, few] = (like - 1).mul_(sharpness).exp_().mean(dim=1)
                near = (few[:, None] - marks[None]).abs() <= NEARBY
                far = like.masked_fill(near, -1.0) if 3 * NEARBY < T else like
                out[-1, b, few] = _highest(far, top).mean(dim=1)
    return list(out)


def novelty(unit: Tensor, mask: Tensor) -> Tensor:
    """How new a step is: logarithm of its unlikeness to the nearest of the steps shown before it.

    A person who summarizes has seen what came before and not what comes after. The first steps,
    which have nothing before them, get their video's mean.

    Args:
        unit: ``(B, T, D)`` of length one at real steps.
        mask: ``(B, T)`` bool.

    Returns:
        ``(B, T)``; 0 at padded steps and throughout a video of :data:`AGO` steps or fewer.
    """
    out = torch.zeros(mask.shape, dtype=unit.dtype, device=unit.device)
    for b, T in enumerate(mask.sum(dim=1).tolist()):
        if T <= AGO:
            continue
        own = unit[b, :T]
        at = torch.arange(T, device=unit.device)
        marks = at if T <= LANDMARKS else torch.linspace(0, T - 1, LANDMARKS).round().long()
        nearest = torch.full((T,), -1.0, dtype=unit.dtype, device=unit.device)
        for few in torch.split(at[AGO:], ROWS):
            first, last = int(few[0]), int(few[-1])
            seen = marks[marks <= last - AGO]
            if T > LANDMARKS:
                seen = torch.cat([seen, at[max(0, first - RECENT) : last - AGO + 1]])
            like = own[few] @ own[seen].T
            nearest[few] = like.masked_fill(seen[None] > few[:, None] - AGO, -1.0).amax(dim=1)
        new = (1 - nearest[AGO:]).clamp_min(KNOWN).log()
        out[b, :AGO] = new.mean()
        out[b, AGO:T] = new
    return out


def _standardised(cues: Tensor, real: Tensor) -> Tensor:
    centred = (cues - _mean(cues, real)) * real
    return centred / (_mean(centred.square(), real).sqrt() + SMALL)
