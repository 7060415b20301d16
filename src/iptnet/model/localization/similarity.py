"""Similarity maps: how alike each step and the sentence are, told to the LM outright.

Where frames and sentences share a space (the ``lite`` recipe), their cosine alone finds many
moments; a network of random weights would have to learn that from a few thousand queries. Each head
weighs the words (a mean gives "a" as much say as "skateboard"), moves both sides by a low-rank
step, and compares. Every map comes raw, standardised within the video, smoothed over two widths and
centred (steps minus their video's mean, which a modality gap shifts alike); two novelty maps say
where the picture changes.
"""

from __future__ import annotations

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

    def forward(
        self,
        video: torch.Tensor,
        words: torch.Tensor,
        video_mask: torch.Tensor,
        words_mask: torch.Tensor,
    ) -> torch.Tensor:
        """Compare; zero beyond the video's mask."""
        valid = video_mask[..., None].to(video.dtype)
        words = words * words_mask[..., None]
        count = words_mask.sum(dim=1, keepdim=True).clamp(min=1)
        maps = self._views(video, words.sum(dim=1) / count, valid)
        weights = self.weight(words).masked_fill(~words_mask[..., None], -torch.inf).softmax(dim=1)
        for head in range(self.heads):
            sentence = (weights[..., head, None] * words).sum(dim=1)
            moved = self.move_steps[head](self.dropout(video))
            maps += self._views(moved, self.move_words[head](sentence), valid)
        maps += [_novelty(video * valid, valid, steps) for steps in NOVELTY]
        return torch.stack(maps, dim=2) * valid

    def _views(
        self, steps: torch.Tensor, sentence: torch.Tensor, valid: torch.Tensor
    ) -> list[torch.Tensor]:
        """The raw map of a comparison and what is made of it, each (B, T)."""
        unit = F.normalize(sentence, dim=1, eps=EPS)[:, :, None]
        raw = (F.normalize(steps, dim=2, eps=EPS) @ unit)[..., 0]
        centre = (steps * valid).sum(dim=1, keepdim=True) / valid.sum(dim=1, keepdim=True)
        centred = (F.normalize(steps - centre, dim=2, eps=1e-3) @ unit)[..., 0]
        mask = valid[..., 0]
        z = standardise(raw, mask)
        return [10 * raw, z, 5 * centred, *(_smooth(z, mask, width) for width in SMOOTHING)]


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
