"""1 − Pearson correlation of a video's scores with its target curve.

Not in the paper. Kendall's τ and Spearman's ρ measure the order of a video's steps; with targets
that are mean user ranks, Pearson's r is the smooth stand-in for ρ. It ignores each video's scale
and offset, which no viewer agrees on and no summary depends on.
"""

from __future__ import annotations

from torch import Tensor

EPS = 1e-6


def correlation_loss(scores: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """One minus the correlation over the real steps of each video.

    Args:
        scores: ``(B, T)`` any real numbers (logits).
        target: ``(B, T)`` any real numbers.
        mask: ``(B, T)`` bool, true at real steps.

    Returns:
        ``(B,)`` in [0, 2]; 1 with zero gradient where a target is constant.
    """
    steps = mask.sum(dim=1, keepdim=True).clamp_min(1)
    x = (scores - (scores * mask).sum(dim=1, keepdim=True) / steps) * mask
    y = (target - (target * mask).sum(dim=1, keepdim=True) / steps) * mask
    # The root of a sum of squares has no gradient at 0: keep it away from there.
    spread = ((x * x).sum(dim=1) + EPS).sqrt() * ((y * y).sum(dim=1) + EPS).sqrt()
    return 1 - (x * y).sum(dim=1) / spread
