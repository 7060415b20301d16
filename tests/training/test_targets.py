"""Targets from keyshot runs and from the users' ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.protocol.correlation import rank_correlation
from iptnet.training.targets import segment_targets, user_ranks
from tests.oracles import summarization as oracle


def test_segments_by_hand() -> None:
    targets = segment_targets([0, 1, 1, 1, 0, 1])
    assert targets.importance.tolist() == [0, 1, 1, 1, 0, 1]
    assert targets.offsets.tolist() == [[0, 0], [0, 2], [1, 1], [2, 0], [0, 0], [0, 0]]
    assert targets.centrality.tolist() == [0, 0, 1, 0, 0, 1]


@given(st.lists(st.integers(0, 1), min_size=1, max_size=30))
def test_segments_agree_with_the_walk(summary: list[int]) -> None:
    targets = segment_targets(summary)
    offsets, centrality = oracle.targets(summary)
    assert targets.offsets.tolist() == [list(map(float, pair)) for pair in offsets]
    assert targets.centrality.tolist() == pytest.approx(centrality)


@pytest.mark.parametrize("summary", [[0, 2], [[0, 1]], [0.5]])
def test_other_rows_are_refused(summary: list[object]) -> None:
    with pytest.raises(ValueError, match="0 and 1"):
        segment_targets(summary)  # type: ignore[arg-type]


def test_user_ranks_by_hand() -> None:
    # Ranks 1 2 3 and 3 2 1 cancel; the user who orders nothing has no say.
    assert user_ranks([[1, 2, 3], [9, 5, 1], [4, 4, 4]]).tolist() == pytest.approx([0, 0, 0])
    ranks = user_ranks([[1, 2, 9], [4, 4, 4]])
    assert ranks.tolist() == pytest.approx([-(1.5**0.5), 0, 1.5**0.5], rel=1e-5)
    assert user_ranks([[4, 4, 4]]).tolist() == [0, 0, 0]


@given(st.integers(0, 10**6))
def test_no_other_curve_agrees_better_with_the_users(seed: int) -> None:
    """Exactly true of ρ before re-ranking: compare Pearson's r with the users' ranks."""
    from scipy.stats import rankdata

    rng = np.random.default_rng(seed)
    users = rng.integers(1, 6, size=(5, 20))
    users[:, 0] = 0  # nobody is constant
    ranks = rankdata(users, axis=1)

    def mean_r(curve: np.ndarray) -> float:
        return float(np.mean([np.corrcoef(curve, r)[0, 1] for r in ranks]))

    ours = mean_r(user_ranks(users))
    for other in (users.mean(axis=0), rng.random(20), user_ranks(users) + rng.normal(0, 0.3, 20)):
        assert ours >= mean_r(other) - 1e-6


def test_user_ranks_beat_the_mean_score_where_scales_differ() -> None:
    shouting = [0, 100, 0, 0, 0, 0]
    calm = [1, 2, 3, 4, 5, 6]
    users = np.array([shouting, calm, calm])
    ours = rank_correlation(user_ranks(users), users).rho
    assert ours > rank_correlation(users.mean(axis=0), users).rho
