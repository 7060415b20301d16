"""The importance map: one value per time step, with its times and mask (I_Sum, I_Loc).

Both modules make one, the propagation turns one into another, and the teachers compare two. A map
carries its own times because the summarizer's and the localizer's grids differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

TINY = 1e-8


@dataclass(frozen=True)
class ImportanceMap:
    """Importance over time, for a batch of B videos padded to T steps.

    Attributes:
        values: ``(B, T)`` float; 0 at padded steps.
        times: ``(B, T)`` seconds; anything finite at padded steps.
        mask: ``(B, T)`` bool, true at real steps.

    Raises:
        ValueError: the shapes differ, or the mask is not boolean.
    """

    values: Tensor
    times: Tensor
    mask: Tensor

    def __post_init__(self) -> None:
        shape = self.values.shape
        if len(shape) != 2 or self.times.shape != shape or self.mask.shape != shape:
            shapes = [tuple(t.shape) for t in (self.values, self.times, self.mask)]
            raise ValueError(f"values, times and mask should be (B, T) alike, not {shapes}")
        if self.mask.dtype != torch.bool:
            raise ValueError(f"a mask is boolean, not {self.mask.dtype}")

    def distribution(self) -> Tensor:
        """Values as a distribution over each video's steps: ``(B, T)``, rows sum to 1.

        Negative values count as 0; a video whose values are all 0 gets the uniform distribution.
        """
        positive = self.values.clamp_min(0) * self.mask
        total = positive.sum(dim=1, keepdim=True)
        steps = self.mask.sum(dim=1, keepdim=True).clamp_min(1)
        uniform = self.mask / steps
        return torch.where(total > TINY, positive / total.clamp_min(TINY), uniform)

    def detach(self) -> ImportanceMap:
        """The same map, through which no gradient flows."""
        return replace(self, values=self.values.detach())
