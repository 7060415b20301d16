"""Similarity maps: how alike each step and the sentence are, told to the LM outright.

Where frames and sentences share a space (the ``lite`` recipe), their cosine alone finds many
moments; a network of random weights would have to learn that from a few thousand queries. Each head
weighs the words (a mean gives "a" as much say as "skateboard"), moves both sides by a low-rank
step, and compares. Every map comes raw, standardised within the video, smoothed over two widths and
centred (steps minus their video's mean, which a modality gap shifts alike); two novelty maps say
where the picture changes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

SMOOTHING = (3, 9)
"""Widths in steps of the smoothed maps."""

NOVELTY = (1, 4)
"""Steps on either side whose means are compared."""

PER_HEAD = 3 + len(SMOOTHING)
"""Raw, standardised, centred, and one a smoothing."""

EPS = 1e-6


class Move(nn.Module):
    """x + U·V·x + b, starting as the identity."""

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Linear(width, rank, bias=False)
        self.up = nn.Linear(rank, width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (…, D) to (…, D)."""
        result: torch.Tensor = x + self.up(self.down(x))
        return result


class Look(NamedTuple):
    """One side of a comparison: B videos of T steps as one head sees them, sentence unknown.

    The move is of low rank, so its product with a sentence needs only ``low``: what is kept for
    the next question is no copy of the video.

    Attributes:
        steps: (B, T, D) before the move.
        low: (B, T, R) coordinates of the move, or None for the plain comparison.
        length: (B, T) of the moved steps.
        centre: (B, 1, D) mean of the moved steps.
        spread: (B, T) distance of the moved steps from it.
    """

    steps: torch.Tensor
    low: torch.Tensor | None
    length: torch.Tensor
    centre: torch.Tensor
    spread: torch.Tensor


class Looks(NamedTuple):
    """What the similarity maps take from videos alone: novelty (B, T) each, valid (B, T, 1)."""

    heads: list[Look]
    novelty: list[torch.Tensor]
    valid: torch.Tensor


class SimilarityMaps(nn.Module):
    """Steps (B, T, D) and words (B, L, D) in one space → maps (B, T, K).

    Args:
        width: D.
        heads: learned comparisons beside the plain cosine of the mean word.
        rank: of the learned moves.
    """

    def __init__(self, width: int, heads: int, rank: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.weight = nn.Sequential(
            nn.Linear(width, 32), nn.Tanh(), nn.Dropout(dropout), nn.Linear(32, heads)
        )
        self.move_words = nn.ModuleList(Move(width, rank) for _ in range(heads))
        self.move_steps = nn.ModuleList(Move(width, rank) for _ in range(heads))
        self.dropout = nn.Dropout(dropout)

    @property
    def channels(self) -> int:
        """K."""
        return (1 + self.heads) * PER_HEAD + len(NOVELTY)

    def look(self, video: torch.Tensor, video_mask: torch.Tensor) -> Looks:
        """The query-free half: a video that is asked again need not be moved again."""
        valid = video_mask[..., None].to(video.dtype)
        heads = []
        for move in (None, *self.move_steps):
            steps = video if move is None else self.dropout(video)
            low = None if move is None else move.down(steps)
            moved = steps if low is None else steps + move.up(low)
            centre = (moved * valid).sum(dim=1, keepdim=True) / valid.sum(dim=1, keepdim=True)
            heads.append(Look(steps, low, moved.norm(dim=2), centre, (moved - centre).norm(dim=2)))
        novelty = [_novelty(video * valid, valid, steps) for steps in NOVELTY]
        return Looks(heads, novelty, valid)

    def forward(self, looks: Looks, words: torch.Tensor, words_mask: torch.Tensor) -> torch.Tensor:
        """Compare; zero beyond the video's mask. One row of words serves all rows of video."""
        words = words * words_mask[..., None]
        count = words_mask.sum(dim=1, keepdim=True).clamp(min=1)
        weights = self.weight(words).masked_fill(~words_mask[..., None], -torch.inf).softmax(dim=1)
        sentences = [words.sum(dim=1) / count]
        for head in range(self.heads):
            weighted = (weights[..., head, None] * words).sum(dim=1)
            sentences.append(self.move_words[head](weighted))
        mask, maps = looks.valid[..., 0], []
        for look, move, sentence in zip(
            looks.heads, (None, *self.move_steps), sentences, strict=True
        ):
            to = F.normalize(sentence, dim=1, eps=EPS)[:, :, None]
            dot = look.steps @ to
            if move is not None and look.low is not None:
                dot = dot + look.low @ (move.up.weight.T @ to) + (move.up.bias @ to)[..., None]
            raw = dot[..., 0] / look.length.clamp(min=EPS)
            centred = (dot - look.centre @ to)[..., 0] / look.spread.clamp(min=1e-3)
            z = standardise(raw, mask)
            maps += [10 * raw, z, 5 * centred]
            maps += [_smooth(z, mask, width) for width in SMOOTHING]
        return torch.stack([*maps, *looks.novelty], dim=2) * looks.valid


def standardise(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Zero mean and unit deviation over the valid steps of (B, T); a constant map becomes 0."""
    count = mask.sum(dim=1, keepdim=True)
    mean = (values * mask).sum(dim=1, keepdim=True) / count
    spread = (((values - mean) ** 2 * mask).sum(dim=1, keepdim=True) / count + 1e-6).sqrt()
    return (values - mean) / spread * mask


def _smooth(values: torch.Tensor, mask: torch.Tensor, width: int) -> torch.Tensor:
    """Moving mean over the valid steps."""
    both = torch.stack([values * mask, mask], dim=1)
    total = F.avg_pool1d(both, width, stride=1, padding=width // 2)
    return total[:, 0] / total[:, 1].clamp(min=EPS) * mask


def _novelty(video: torch.Tensor, valid: torch.Tensor, steps: int) -> torch.Tensor:
    """Distance of the mean of the ``steps`` before a step and of those from it on; 0 at the rim."""
    T = video.shape[1]
    total = F.pad(video.cumsum(dim=1), (0, 0, 1, 0))
    count = F.pad(valid.cumsum(dim=1), (0, 0, 1, 0))
    here = torch.arange(T, device=video.device)
    low, high = (here - steps).clamp(min=0), (here + steps).clamp(max=T)
    before = (total[:, here] - total[:, low]) / (count[:, here] - count[:, low]).clamp(min=1)
    after = (total[:, high] - total[:, here]) / (count[:, high] - count[:, here]).clamp(min=1)
    distance = (before - after).norm(dim=2)
    inside = (here > 0) & (valid[..., 0] > 0)
    result: torch.Tensor = distance * inside
    return result
