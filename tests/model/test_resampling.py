"""Maps on another grid against the loop over pairs; mass and time are kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iptnet.model.resampling import pad_resamplings, resample, resampling, step_edges
from tests.oracles import resampling as oracle


def edges_of(seed: int, steps: int, end: float) -> np.ndarray:
    inner = np.random.default_rng(seed).uniform(0.05, end - 0.05, steps - 1)
    return np.concatenate([[0.0], np.sort(inner) + np.arange(steps - 1) * 1e-6, [end]])


@given(S=st.integers(1, 40), T=st.integers(1, 40), seed=st.integers(0, 99))
def test_equals_the_loop(S: int, T: int, seed: int) -> None:
    source, target = edges_of(seed, S, 20.0), edges_of(seed + 1, T, 20.0)
    values = np.random.default_rng(seed).random(S)
    found = resample(
        torch.from_numpy(values).float()[None], pad_resamplings([resampling(source, target)])
    )
    lengths = np.diff(target)  # a step of microseconds has no more digits than its mass
    expected = oracle.resample(values, source, target)
    np.testing.assert_allclose(found[0].numpy() * lengths, expected * lengths, atol=2e-5)
    mass = (found[0].double().numpy() * lengths).sum()
    assert mass == pytest.approx((values * np.diff(source)).sum(), abs=1e-3)


def test_padded_steps_weigh_nothing() -> None:
    short = resampling([0, 1, 2], [0, 2])
    long = resampling([0, 1, 2, 3, 4], [0, 1, 2, 4])
    values = torch.tensor([[1.0, 3.0, 9.0, 9.0], [1.0, 2.0, 3.0, 5.0]])
    out = resample(values, pad_resamplings([short, long]))
    assert out.tolist() == [[2.0, 0.0, 0.0], [1.0, 2.0, 4.0]]


def test_beyond_the_source_there_is_nothing() -> None:
    out = resample(torch.tensor([[2.0, 4.0]]), pad_resamplings([resampling([0, 1, 2], [0, 2, 3])]))
    assert out.tolist() == [[3.0, 0.0]]


def test_steps_reach_halfway_to_their_neighbours() -> None:
    assert step_edges([0.0, 0.5, 1.5], 2.0).tolist() == [0.0, 0.25, 1.0, 2.0]
    assert step_edges([0.3], 0.1).tolist() == pytest.approx([0.0, 0.301])


@pytest.mark.parametrize("edges", [[0.0], [0.0, 0.0], [1.0, 0.5]])
def test_edges_ascend(edges: list[float]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        resampling(edges, [0, 1])
