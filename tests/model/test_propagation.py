"""PM against Algorithm 1's own loop, and the small cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.model.propagation import (
    BLOCK,
    Propagation,
    PropagationConfig,
    band_cosine,
    peak_distance,
    window_sizes,
)
from tests.oracles import propagation as oracle

STEP = 0.5


def module(**how: object) -> Propagation:
    torch.manual_seed(0)
    built = Propagation(PropagationConfig(width=6, hidden=5, **how))  # type: ignore[arg-type]
    if built.config.gamma != "none":
        torch.nn.init.normal_(built.feed[-1].weight, std=0.3)
    return built.double()


def gamma_of(built: Propagation, hidden: torch.Tensor) -> np.ndarray:
    if built.config.gamma == "none":
        return np.zeros(hidden.shape[1])
    raw = built.feed(hidden)[0, :, 0].detach().numpy()
    return np.log1p(np.exp(raw)) if built.config.gamma == "softplus" else raw


@settings(max_examples=40)
@given(
    T=st.integers(1, 2 * BLOCK + 9),
    s=st.integers(1, 12),
    seed=st.integers(0, 99),
    gamma=st.sampled_from(["softplus", "linear", "none"]),
    cosine=st.sampled_from(["clamped", "signed"]),
    divisor=st.sampled_from(["window", "similarity"]),
    update=st.sampled_from(["simultaneous", "in-place"]),
    decay=st.sampled_from(["density", "none"]),
)
def test_every_reading_equals_the_loop(
    T: int, s: int, seed: int, gamma: str, cosine: str, divisor: str, update: str, decay: str
) -> None:
    rng = np.random.default_rng(seed)
    importance, hidden = rng.random(T), rng.standard_normal((T, 6))
    if cosine == "signed":
        hidden = np.abs(hidden)  # else the sum of O may vanish, where nothing is defined
    built = module(
        gamma=gamma, cosine=cosine, divisor=divisor, update=update, decay=decay, seconds=s * STEP
    )
    rows = torch.from_numpy(hidden)[None]
    found = built(
        torch.from_numpy(importance)[None], rows, torch.ones(1, T, dtype=torch.bool), STEP
    )
    expected = oracle.propagate(
        importance,
        hidden,
        s,
        gamma_of(built, rows),
        decay=decay == "density",
        clamp=cosine == "clamped",
        divisor=divisor,
        in_place=update == "in-place",
    )
    np.testing.assert_allclose(found[0].detach().numpy(), expected, atol=1e-9)


def test_by_hand() -> None:
    """Three steps, the outer two alike, the middle one at right angles; s = 1."""
    hidden = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
    importance = torch.tensor([[0.5, 0.75, 0.25]])
    built = Propagation(PropagationConfig(width=2, gamma="none", seconds=STEP))
    out = built(importance, hidden, torch.ones(1, 3, dtype=torch.bool), STEP)
    # Stage 1: .5/2, .75/3, .25/2; the maximum of every window is .25, that of steps 0 and 1.
    first = [0.25, 0.25, 0.125]
    away = math.exp(-1 / (2 * 0.5**2))
    assert out[0].tolist() == pytest.approx([first[0], first[1], first[2] * away])


@settings(max_examples=40)
@given(T=st.integers(1, 60), s=st.integers(1, 15), seed=st.integers(0, 99))
def test_the_nearest_peak(T: int, s: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 3, T).astype(float)  # many ties
    found = peak_distance(torch.from_numpy(values)[None], torch.ones(1, T, dtype=torch.bool), s)
    assert found[0].tolist() == oracle.distances(values, s)


def test_padding_changes_nothing_and_holds_nothing() -> None:
    rng = np.random.default_rng(0)
    built = module()
    rows = torch.from_numpy(rng.standard_normal((1, 50, 6)))
    values = torch.from_numpy(rng.random((1, 50)))
    alone = built(values, rows, torch.ones(1, 50, dtype=torch.bool), STEP)
    wide = torch.cat([rows, torch.full((1, 9, 6), 7.0, dtype=torch.float64)], dim=1)
    longer = torch.cat([values, torch.ones(1, 9, dtype=torch.float64)], dim=1)
    mask = torch.arange(59)[None] < 50
    padded = built(longer, wide, mask, STEP)
    torch.testing.assert_close(padded[:, :50], alone)
    assert (padded[:, 50:] == 0).all()


def test_the_reach_is_in_seconds() -> None:
    built = module(seconds=5.0)
    mask = torch.ones(1, 40, dtype=torch.bool)
    rows, values = torch.randn(1, 40, 6).double(), torch.rand(1, 40).double()
    ten = band_cosine(rows, mask, 10)
    assert ten.shape == (1, 40, 21)
    coarse = built(values, rows, mask, 2.5)
    fine = module(seconds=1.0)(values, rows, mask, 0.5)
    torch.testing.assert_close(coarse, fine)
    with pytest.raises(ValueError, match="seconds"):
        built(values, rows, mask, 0.0)


def test_it_begins_as_the_spread_map_with_a_small_constant() -> None:
    fresh = Propagation(PropagationConfig(width=6))
    rows, values = torch.randn(1, 30, 6), torch.rand(1, 30)
    mask = torch.ones(1, 30, dtype=torch.bool)
    bare = Propagation(PropagationConfig(width=6, gamma="none"))(values, rows, mask, STEP)
    whole = fresh(values, rows, mask, STEP)
    torch.testing.assert_close(whole - bare, torch.full((1, 30), math.log1p(math.exp(-4))))


def test_window_sizes_at_the_rims() -> None:
    mask = torch.tensor([[True] * 5 + [False] * 2])
    assert window_sizes(mask, 2)[0, :5].tolist() == [3, 4, 5, 4, 3]


def test_no_gradient_through_the_distance() -> None:
    built = module()
    values = torch.rand(1, 20, dtype=torch.float64, requires_grad=True)
    rows = torch.randn(1, 20, 6, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(1, 20, dtype=torch.bool)
    assert torch.autograd.gradcheck(
        lambda v, r: built(v, r, mask, STEP), (values, rows), eps=1e-7, atol=1e-5
    )
