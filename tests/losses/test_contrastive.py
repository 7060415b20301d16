"""The contrast of pictures and sentences, against loops and by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.losses.contrastive import caption_contrast, soft_targets
from tests.oracles import retrieval as oracle


def unit(*shape: int, seed: int) -> torch.Tensor:
    made = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(made, dim=-1)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 5),
    k=st.integers(1, 4),
    temperature=st.floats(0.05, 2.0),
    softness=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 1000),
)
def test_equals_the_loops(n: int, k: int, temperature: float, softness: float, seed: int) -> None:
    pictures, sentences = unit(n, 6, seed=seed), unit(n, k, 6, seed=seed + 1)
    found = caption_contrast(pictures, sentences, temperature, softness)
    expected = oracle.contrast(pictures.tolist(), sentences.tolist(), temperature, softness)
    assert found.item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_two_orthogonal_pairs_by_hand() -> None:
    axes = torch.eye(2, dtype=torch.float64)
    one = -math.log(math.e / (math.e + 1))
    assert caption_contrast(axes, axes[:, None], 1.0).item() == pytest.approx(1.5 * one)


def test_a_wrong_match_costs_more_and_the_gradient_mends_it() -> None:
    sentences = torch.eye(3)[:, None]
    wrong = torch.eye(3).roll(1, 0).requires_grad_(True)
    loss = caption_contrast(wrong, sentences, 0.5, 0.3)
    assert loss > caption_contrast(torch.eye(3), sentences, 0.5, 0.3)
    loss.backward()
    assert wrong.grad is not None
    better = F.normalize(wrong - 0.5 * wrong.grad, dim=1)
    assert caption_contrast(better, sentences, 0.5, 0.3) < loss


def test_soft_targets_share_between_pictures_of_which_the_same_is_said() -> None:
    same = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]])
    targets = soft_targets(same, 0.05)
    assert targets[0].tolist() == pytest.approx([0.5, 0.5, 0.0], abs=1e-6)
    assert targets.sum(dim=1).tolist() == pytest.approx([1.0, 1.0, 1.0])
