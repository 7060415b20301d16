"""The objective is what its formula says, and the greedy choice keeps its guarantee."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.selection.objective import Objective
from tests.oracles import objective as oracle

GUARANTEE = 1 - 1 / math.sqrt(math.e)


def instance(seed: int, count: int) -> dict[str, Any]:
    """Pieces of a few subjects, at random."""
    rng = np.random.default_rng(seed)
    at = rng.integers(0, 3, count) + 0.3 * rng.standard_normal(count)
    apart = np.abs(at[:, None] - at)
    return {
        "repeats": np.clip(1 - 4 * apart, 0, 1).astype(np.float32),
        "subjects": np.clip(1 - apart**2, 0, 1).astype(np.float32),
        "worth": rng.random(count).astype(np.float32),
        "standing": (0.5 + 0.5 * rng.random(count)).astype(np.float32),
        "lengths": rng.integers(4, 11, count),
        "coverage": float(rng.choice([0.0, 0.5, 2.0])),
    }


def plain(given_: dict[str, Any]) -> dict[str, Any]:
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in given_.items()}


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 9), share=st.floats(0.1, 0.9))
def test_the_greedy_choice_is_worth_its_guarantee(seed: int, count: int, share: float) -> None:
    given_ = instance(seed, count)
    budget = int(share * given_["lengths"].sum())
    objective = Objective(**given_)
    chosen, _ = objective.choose(budget, stop_at=2.0)
    assert sum(given_["lengths"][chosen]) <= budget and len(set(chosen)) == len(chosen)
    mine = objective.value(chosen)
    assert mine == pytest.approx(oracle.value(chosen, **plain(given_)), rel=1e-4, abs=1e-6)
    best = oracle.best_set(**plain(given_), budget=budget)
    assert mine >= GUARANTEE * best - 1e-4


def test_the_greedy_choice_is_mostly_near_the_best() -> None:
    ratios = []
    for seed in range(60):
        given_ = instance(seed, 9)
        budget = int(0.4 * given_["lengths"].sum())
        objective = Objective(**given_)
        best = oracle.best_set(**plain(given_), budget=budget)
        ratios.append(objective.value(objective.choose(budget, stop_at=2.0)[0]) / best)
    assert np.mean(ratios) > 0.95 and min(ratios) > 0.75


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 8))
def test_gains_fall_as_the_set_grows(seed: int, count: int) -> None:
    objective = Objective(**instance(seed, count))
    rng = np.random.default_rng(seed)
    order = rng.permutation(count).tolist()
    new, small, large = order[0], order[1 : 1 + count // 2], order[1:]
    gains = [objective.value([*s, new]) - objective.value(s) for s in (small, large)]
    assert gains[0] >= gains[1] - 1e-5 and gains[1] >= -1e-5


def test_a_piece_whose_picture_is_shown_is_never_taken() -> None:
    given_ = instance(0, 6)
    given_["repeats"] = np.ones((6, 6), np.float32)
    assert len(Objective(**given_).choose(10**6)[0]) == 1
    assert len(Objective(**given_).choose(10**6, stop_at=2.0)[0]) == 6


def test_what_is_not_allowed_is_not_taken() -> None:
    objective = Objective(**instance(1, 8))
    allowed = np.arange(8) % 2 == 0
    assert set(objective.choose(10**6, stop_at=2.0, allowed=allowed)[0]) == {0, 2, 4, 6}


def test_what_does_not_continue_a_piece_keeps_apart_until_nothing_else_is_left() -> None:
    worth = np.array([1.0, 0.2, 0.9, 0.3, 0.1, 0.8], np.float32)
    objective = Objective(
        repeats=np.eye(6, dtype=np.float32), subjects=np.eye(6, dtype=np.float32),
        worth=worth, standing=worth, lengths=np.full(6, 10), coverage=0.0,
    )  # fmt: skip
    assert objective.choose(60)[0] == [0, 2, 5, 3, 1, 4]
    # The third waits until the one before it, which continues the first, is in.
    assert objective.choose(60, apart=20)[0] == [0, 5, 1, 2, 3, 4]
    allowed = np.array([True, False, True, False, False, True])
    assert objective.choose(60, allowed=allowed, apart=20)[0] == [0, 5, 2]
    # What shows another scene need not wait.
    objective.unlike = ~np.eye(6, dtype=bool)
    objective.unlike[0, 3] = objective.unlike[3, 0] = False
    assert objective.choose(60, apart=30)[0] == [0, 2, 5, 3, 1, 4]
    objective.unlike[0, 2] = objective.unlike[2, 0] = False
    assert objective.choose(60, allowed=allowed, apart=20)[0] == [0, 5, 2]


def test_one_splendid_piece_beats_what_is_densest() -> None:
    one = np.eye(2, dtype=np.float32)
    worth = np.array([0.5, 0.4], np.float32)
    objective = Objective(
        repeats=one,
        subjects=one,
        worth=worth,
        standing=worth,
        lengths=np.array([2, 100]),
        coverage=0.0,
    )
    # The short one is denser but leaves no room for the one that is worth far more.
    assert objective.choose(100) == ([1], 1)
