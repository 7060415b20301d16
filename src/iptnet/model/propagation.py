"""PM, the importance propagation (METHOD.md, "PM"; the paper's Algorithm 1).

It turns the sparse map of a summary into a denser one that can be compared with the localizer's:

    stage 1   I'_i = Σ_j I_j · O_ij / |window of i|         O_ij = cosine of h'_i and h'_j
    stage 2   d_i  = signed steps from i to the window's maximum of I'
              J_i  = I'_i · Δ(d_i) + Γ(h'_i)                Δ a Gaussian, Γ a feed-forward network

The window of step i is ``[max(0, i − s), min(i + s + 1, T))``. Everything is banded: no T × T
matrix exists at any time. ``s`` is given in steps by the caller, who knows the seconds of a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad, softplus

BLOCK = 32
"""Steps compared with their surroundings in one product."""

TINY = 1e-8


@dataclass(frozen=True)
class PropagationConfig:
    """How the paper's Algorithm 1 is read; numbers are those of METHOD.md's table of ambiguities.

    Attributes:
        width: D of H'.
        hidden: width of Γ.
        seconds: s, the reach to either side (10: the paper's ten frames, in seconds).
        gamma: Γ made positive by softplus, left linear, or left out (2).
        bias: of Γ's output at the start; −4 begins as I'·Δ (2).
        cosine: negative similarities count as 0, or as they are (2).
        divisor: stage 1 divides by the steps of the window, or by the sum of O (7).
        update: all steps from the old map, or one after the other in place (8).
        decay: Δ is the density exp(−d²/2σ²) with σ = s/2, or 1 throughout (9).
    """

    width: int
    hidden: int = 64
    seconds: float = 5.0
    gamma: Literal["softplus", "linear", "none"] = "softplus"
    bias: float = -4.0
    cosine: Literal["clamped", "signed"] = "clamped"
    divisor: Literal["window", "similarity"] = "window"
    update: Literal["simultaneous", "in-place"] = "simultaneous"
    decay: Literal["density", "none"] = "density"


class Propagation(nn.Module):
    """PM as a module; only Γ has weights."""

    def __init__(self, config: PropagationConfig) -> None:
        super().__init__()
        self.config = config
        if config.gamma != "none":
            self.feed = nn.Sequential(
                nn.Linear(config.width, config.hidden), nn.ReLU(), nn.Linear(config.hidden, 1)
            )
            last = self.feed[-1]
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)
            nn.init.constant_(last.bias, config.bias if config.gamma == "softplus" else 0.0)

    def forward(self, importance: Tensor, hidden: Tensor, mask: Tensor, step: float) -> Tensor:
        """Propagate a map.

        Args:
            importance: ``(B, T)`` I_Sum.
            hidden: ``(B, T, D)`` H'.
            mask: ``(B, T)`` bool, real steps first.
            step: seconds of a step.

        Returns:
            ``(B, T)`` J_Sum; 0 at padded steps.

        Raises:
            ValueError: the step is not positive.
        """
        if not step > 0:
            raise ValueError(f"a step lasts some seconds, not {step}")
        reach = max(round(self.config.seconds / step), 1)
        likeness = band_cosine(hidden, mask, reach)
        if self.config.cosine == "clamped":
            likeness = likeness.clamp_min(0)
        spread = self._spread(importance * mask, likeness, mask, reach)
        out = spread
        if self.config.decay == "density":
            distance = peak_distance(spread.detach(), mask, reach)
            out = out * torch.exp(-distance.square() / (2 * (reach / 2) ** 2))
        if self.config.gamma != "none":
            extra: Tensor = self.feed(hidden)[..., 0]
            out = out + (softplus(extra) if self.config.gamma == "softplus" else extra)
        return out * mask

    def _spread(self, importance: Tensor, likeness: Tensor, mask: Tensor, reach: int) -> Tensor:
        """Stage 1."""
        if self.config.divisor == "window":
            share = window_sizes(mask, reach).clamp_min(1)
        else:
            share = likeness.sum(dim=2)
            share = torch.where(share.abs() > TINY, share, torch.ones_like(share))
        if self.config.update == "simultaneous":
            return (windows(importance, reach) * likeness).sum(dim=2) / share
        # In place, steps before i are already new when i reads them: no way around the loop.
        rows = list(importance.unbind(dim=1))
        for i in range(len(rows)):
            low, high = max(0, i - reach), min(i + reach + 1, len(rows))
            near = torch.stack(rows[low:high], dim=1)
            weights = likeness[:, i, low - i + reach : high - i + reach]
            rows[i] = (near * weights).sum(dim=1) / share[:, i]
        return torch.stack(rows, dim=1)


def windows(values: Tensor, reach: int) -> Tensor:
    """``(B, T)`` to ``(B, T, 2·reach + 1)``: entry k of step i is the value at i − reach + k.

    Beyond the ends it is 0.
    """
    return pad(values, (reach, reach)).unfold(1, 2 * reach + 1, 1)


def window_sizes(mask: Tensor, reach: int) -> Tensor:
    """``(B, T)`` real steps in the window of each step."""
    return windows(mask.to(torch.float32), reach).sum(dim=2)


def band_cosine(hidden: Tensor, mask: Tensor, reach: int) -> Tensor:
    """Cosines of every step with those around it, by blocks of matrix products.

    Args:
        hidden: ``(B, T, D)``.
        mask: ``(B, T)`` bool.
        reach: s, steps to either side.

    Returns:
        ``(B, T, 2·reach + 1)``; entry k of step i belongs to i − reach + k; 0 where either is not
        a real step.
    """
    B, T, D = hidden.shape
    unit = normalize(hidden, dim=2, eps=TINY) * mask[..., None]
    blocks = -(-T // BLOCK)
    wide = BLOCK + 2 * reach
    padded = pad(unit, (0, 0, reach, blocks * BLOCK - T + reach))
    own = padded[:, reach : reach + blocks * BLOCK].reshape(B, blocks, BLOCK, D)
    around = padded.unfold(1, wide, BLOCK)  # (B, blocks, D, wide)
    products = own @ around
    at = torch.arange(BLOCK, device=hidden.device)[:, None]
    columns = at + torch.arange(2 * reach + 1, device=hidden.device)
    band = products.gather(3, columns.expand(B, blocks, -1, -1))
    return band.reshape(B, blocks * BLOCK, -1)[:, :T]


def peak_distance(values: Tensor, mask: Tensor, reach: int) -> Tensor:
    """Signed steps from each step to the maximum of its window, the nearest one where several tie.

    Args:
        values: ``(B, T)``.
        mask: ``(B, T)`` bool; padded steps are no candidates.
        reach: s.

    Returns:
        ``(B, T)`` float; of two equally near maxima the earlier one.
    """
    lowest = torch.finfo(values.dtype).min
    shifted = pad(values.masked_fill(~mask, lowest), (reach, reach), value=lowest)
    near = shifted.unfold(1, 2 * reach + 1, 1)
    offsets = torch.arange(-reach, reach + 1, device=values.device)
    at_peak = near == near.amax(dim=2, keepdim=True)
    far = torch.where(at_peak, offsets.abs(), 2 * reach + 1)
    return offsets[far.argmin(dim=2)].to(values.dtype)
