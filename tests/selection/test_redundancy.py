"""A second look at the same scene is worth less, another scene is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.selection.keyshots import select
from iptnet.selection.redundancy import ALIKE, REPEAT, discounts
from tests.oracles import redundancy as oracle


def test_by_hand() -> None:
    # Three times the same scene and once another, all affordable: 1, a half, a quarter; and 1.
    room, street = [1.0, 0.0], [0.0, 2.0]
    got = discounts([0.9, 0.8, 0.7, 0.1], [1, 1, 1, 1], [room, room, room, street], budget=4)
    assert got.tolist() == [1.0, REPEAT, REPEAT**2, 1.0]
    # What does not fit makes nothing redundant.
    got = discounts([0.9, 0.8], [9, 1], [room, room], budget=4)
    assert got.tolist() == [1.0, 1.0]
    # Half way between the threshold and the same: half the loss.
    cosine = (1 + ALIKE) / 2
    near = [cosine, float(np.sqrt(1 - cosine**2))]
    got = discounts([0.9, 0.8], [1, 1], [room, near], budget=2)
    assert got[1] == pytest.approx(1 - (1 - REPEAT) / 2)


@given(
    count=st.integers(1, 12), width=st.integers(1, 5), budget=st.integers(0, 40),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_it_equals_the_loop(count: int, width: int, budget: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, lengths = rng.random(count), rng.integers(1, 10, count)
    vectors = rng.standard_normal((count, width)).round(1)
    vectors[rng.random(count) < 0.3] = vectors[0]
    mine = discounts(scores, lengths, vectors, budget)
    naive = oracle.discounts(
        scores.tolist(), lengths.tolist(), vectors.tolist(), budget, ALIKE, REPEAT
    )
    assert mine.tolist() == pytest.approx(naive)
    assert ((mine > 0) & (mine <= 1)).all()


def test_a_summary_prefers_another_scene_to_the_same_one_again() -> None:
    times = np.arange(0, 40, 0.5)
    scene = (times // 10).astype(int)  # ten seconds each: a, b, a, a
    values = np.array([0.9, 0.6, 0.85, 0.8])[scene]
    vectors = np.eye(2)[np.array([0, 1, 0, 0])[scene]]
    bounds = [(0, 10), (10, 20), (20, 30), (30, 40)]

    def starts(**options: object) -> list[float]:
        got = select(times, values, bounds, 40.0, ratio=0.5, frame_interval=0.04, **options)  # type: ignore[arg-type]
        return [k.start // 10 for k in got.keyshots if k.duration > 4]

    assert starts() == [0, 2, 3]
    assert 1 in starts(vectors=vectors)


def test_vectors_must_fit_the_samples() -> None:
    with pytest.raises(ValueError, match="vectors"):
        select([0.0, 1.0], [0.5, 0.5], [(0, 2)], 2.0, vectors=np.ones((3, 2)))
