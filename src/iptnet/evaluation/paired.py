"""What a change is worth: differences paired per split and seed, with a bootstrap interval.

Splits share videos and seeds share splits, so single runs are not independent: the bootstrap draws
splits first and seeds within them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iptnet.evaluation.results import Figure

DRAWS = 10_000


@dataclass(frozen=True)
class Difference:
    """A mean difference, its 95 % interval, and the number of pairs."""

    mean: float
    low: float
    high: float
    pairs: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


def paired(
    figures: Iterable[Figure], variant: str, base: str, metric: str, seed: int = 0
) -> Difference:
    """``variant`` minus ``base`` in one metric.

    Args:
        figures: of one dataset, setting and selection.
        variant: whose gain is asked for.
        base: against whom.
        metric: its name.
        seed: of the bootstrap.

    Raises:
        ValueError: no split and seed that both were measured on.
    """
    found: dict[str, dict[tuple[str, str], float]] = {variant: {}, base: {}}
    for f in figures:
        if f.metric == metric and f.variant in found:
            found[f.variant][f.split, f.seed] = f.value
    both = sorted(set(found[variant]) & set(found[base]))
    if not both:
        raise ValueError(f"{variant} and {base} share no split and seed in {metric}")
    by_split: dict[str, list[float]] = {}
    for place in both:
        gain = found[variant][place] - found[base][place]
        by_split.setdefault(place[0], []).append(gain)
    draws = _bootstrap(by_split, seed)
    low, high = np.quantile(draws, [0.025, 0.975])
    mean = float(np.mean([np.mean(g) for g in by_split.values()]))
    return Difference(mean, float(low), float(high), len(both))


def _bootstrap(by_split: Mapping[str, list[float]], seed: int) -> NDArray[np.float64]:
    """Means of splits drawn with replacement, of seeds drawn with replacement within each."""
    rng = np.random.default_rng(seed)
    groups = [np.asarray(g) for g in by_split.values()]
    within = np.stack(
        [g[rng.integers(len(g), size=(DRAWS, len(groups), len(g)))].mean(axis=2) for g in groups]
    )  # (splits, DRAWS, places)
    chosen = rng.integers(len(groups), size=(DRAWS, len(groups)))
    rows, places = np.arange(DRAWS)[:, None], np.arange(len(groups))[None]
    means: NDArray[np.float64] = within[chosen, rows, places].mean(axis=1)
    return means
