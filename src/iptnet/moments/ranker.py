"""Ranker: from a candidate's evidence to the IoU that it will reach; one small averaged perceptron.

It has a few heads, each trained without one part of the data and all averaged in service: what a
head says of the part that it never saw is as wrong as it will be on a user's video, so that is what
the confidence is fitted on. It runs in NumPy: importing PyTorch would cost more than a query.

What it learned on joined clips is not all true of a film in one piece, where the plain cosine is
hard to beat. So how much the cosine stands out inside a candidate is added to the estimate, with a
weight that a configuration chooses (docs/localization.md has the table).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.moments.evidence import COSINE_INSIDE, LEARNED, LOG_SECONDS, PER_MAP, WIDTH

LIMIT = 4.0
"""Standardised figures are clipped here; nothing in training reaches far beyond."""

NAMES = ("mean", "scale", "plain", "w1", "b1", "w2", "b2", "w3", "b3")
"""Arrays of a ranker in a checkpoint."""

GROWTH, LONGEST = 0.3, 20.0
"""The cosine's weight grows with this power of a candidate's seconds, up to so many: a short peak
of chance is no better than a long stretch that stands out a little less."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Ranker:
    """K heads of two hidden layers of H units over F figures.

    Attributes:
        mean, scale: (F,) that standardise the evidence.
        plain: (1,) weight of the plain cosine beside what was learned.
        w1, b1: (K, F, H) and (K, 1, H); likewise the next two layers.
    """

    mean: Array
    scale: Array
    plain: Array
    w1: Array
    b1: Array
    w2: Array
    b2: Array
    w3: Array
    b3: Array

    @property
    def heads(self) -> int:
        """K."""
        return len(self.w1)

    @property
    def reads_maps(self) -> bool:
        """Tell whether the evidence holds figures of LM's maps."""
        return len(self.mean) > WIDTH

    def score(self, evidence: Array) -> NDArray[np.float64]:
        """Score candidates (P, F) to (P,): their estimated IoU in (0, 1), plus the plain part."""
        return np.asarray(self.by_head(evidence).mean(axis=0))

    def by_head(self, evidence: Array) -> NDArray[np.float64]:
        """Score by each head on its own: (P, F) to (K, P)."""
        z = np.clip((evidence - self.mean) * self.scale, -LIMIT, LIMIT)
        hidden = np.maximum(z @ self.w1 + self.b1, 0)
        hidden = np.maximum(hidden @ self.w2 + self.b2, 0)
        logits = (hidden @ self.w3 + self.b3)[..., 0].astype(np.float64)
        return np.asarray(1 / (1 + np.exp(-logits)) + self.plain[0] * standing_out(evidence))


def standing_out(evidence: Array) -> NDArray[np.float64]:
    """How much the cosine inside candidates (P, F) stands out, (P,): about 1 for a clear one.

    Its mean inside, standardised within the video, times (seconds / LONGEST)^GROWTH, at most once.
    """
    seconds = np.minimum(np.exp(evidence[:, LOG_SECONDS].astype(np.float64)), LONGEST)
    return np.asarray(evidence[:, COSINE_INSIDE] * (seconds / LONGEST) ** GROWTH)


def width(reads_maps: bool) -> int:
    """Count the figures that a ranker reads."""
    return WIDTH + LEARNED * PER_MAP * reads_maps


def shapes(heads: int, hidden: int, figures: int = WIDTH) -> dict[str, tuple[int, ...]]:
    """Shapes of a ranker's arrays by name."""
    K, F, H = heads, figures, hidden
    layers = [(K, F, H), (K, 1, H), (K, H, H), (K, 1, H), (K, H, 1), (K, 1, 1)]
    return dict(zip(NAMES, [(F,), (F,), (1,), *layers], strict=True))


def restored(arrays: Mapping[str, Any]) -> Ranker:
    """Build a ranker from its arrays.

    Raises:
        ValueError: arrays that are missing, of other shapes, or not finite.
    """
    if set(arrays) != set(NAMES):
        raise ValueError(f"a ranker of {sorted(arrays)}")
    rows = {name: np.asarray(arrays[name], np.float32) for name in NAMES}
    if rows["w1"].ndim != 3 or rows["w1"].shape[1] not in (width(False), width(True)):
        raise ValueError(f"a ranker of layers {rows['w1'].shape}")
    heads, figures, hidden = rows["w1"].shape
    expected = shapes(heads, hidden, figures)
    for name, row in rows.items():
        if row.shape != expected[name] or not row.size:
            raise ValueError(f"a ranker's {name} of shape {row.shape}, not {expected[name]}")
        if not np.isfinite(row).all():
            raise ValueError(f"a ranker's {name} that is not finite")
    return Ranker(**rows)
