"""Paired differences: by hand, and with an interval that covers as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from iptnet.evaluation.paired import paired
from iptnet.evaluation.results import Figure


def figures(values: dict[str, dict[tuple[int, int], float]], metric: str = "tau") -> list[Figure]:
    return [
        Figure("tvsum", "canonical", variant, str(s), str(k), "last", metric, value)
        for variant, own in values.items()
        for (s, k), value in own.items()
    ]


def test_by_hand() -> None:
    base = {(0, 0): 0.1, (0, 1): 0.2, (1, 0): 0.5}
    full = {(0, 0): 0.2, (0, 1): 0.4, (1, 0): 0.4, (1, 1): 9.0}
    found = paired(figures({"full": full, "-L": base}), "full", "-L", "tau")
    # Split 0 gains .15 on average, split 1 loses .1; the unpaired run is left out.
    assert found.mean == pytest.approx((0.15 - 0.1) / 2)
    assert found.pairs == 3
    assert found.low == pytest.approx(-0.1, abs=1e-9) and 0.15 <= found.high <= 0.2
    assert not found.clear


def test_a_constant_gain_is_clear() -> None:
    base = {(s, k): 0.1 * s + 0.01 * k for s in range(5) for k in range(3)}
    full = {place: value + 0.02 for place, value in base.items()}
    found = paired(figures({"full": full, "-L": base}), "full", "-L", "tau")
    assert found.clear and found.low == pytest.approx(0.02) and found.high == pytest.approx(0.02)


def test_splits_count_more_than_seeds() -> None:
    """Many seeds of few splits do not make an interval narrow."""
    rng = np.random.default_rng(0)
    by_split = rng.normal(0, 1, 5)
    zero = {(s, k): 0.0 for s in range(5) for k in range(40)}
    full = {(s, k): by_split[s] for s in range(5) for k in range(40)}
    found = paired(figures({"a": full, "b": zero}), "a", "b", "tau")
    assert found.high - found.low > by_split.std()


def test_nothing_to_pair() -> None:
    lone = figures({"full": {(0, 0): 1.0}, "-L": {(1, 0): 1.0}})
    with pytest.raises(ValueError, match="share no split"):
        paired(lone, "full", "-L", "tau")
