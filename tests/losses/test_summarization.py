"""SM's losses: numbers worked by hand, naive loops, and what happens without positives."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, tensor

from iptnet.losses.boundary_iou import boundary_iou_loss
from iptnet.losses.centrality import centrality_loss
from iptnet.losses.correlation import correlation_loss
from iptnet.losses.focal import focal_loss
from tests.oracles import summarization as oracle

lengths = st.integers(1, 12)


def draw(seed: int, T: int) -> tuple[Tensor, ...]:
    """Two videos of T + 2 steps, the second padded by two: p, y, mask, predicted, true offsets."""
    g = torch.Generator().manual_seed(seed)
    p = torch.rand(2, T + 2, generator=g, dtype=torch.float64) * 0.9 + 0.05
    y = (torch.rand(2, T + 2, generator=g) > 0.5).double()
    mask = torch.ones(2, T + 2, dtype=torch.bool)
    mask[1, T:] = False
    y[1, T:] = 0
    predicted = torch.rand(2, T + 2, 2, generator=g, dtype=torch.float64) * 5 + 0.1
    true = torch.randint(0, 4, (2, T + 2, 2), generator=g).double()
    return p, y, mask, predicted, true


def test_focal_by_hand() -> None:
    # .5 each: -(.5²)·ln .5 = .173287 per step; two steps, one positive.
    p, y = tensor([[0.5, 0.5]]), tensor([[1.0, 0.0]])
    loss = focal_loss(p, y, torch.ones(1, 2, dtype=torch.bool))
    assert loss.item() == pytest.approx(2 * 0.25 * math.log(2))
    # .9 on the positive: (.1²)·.105361 = .00105361; .2 on the negative: (.2²)·.223144 = .00892574
    loss = focal_loss(tensor([[0.9, 0.2]]), y, torch.ones(1, 2, dtype=torch.bool))
    assert loss.item() == pytest.approx(0.00105361 + 0.00892574, rel=1e-4)


def test_iou_by_hand() -> None:
    # Predicted (1, 3), true (2, 2): overlap 1 + 2, union 2 + 3: -ln .6.
    y = torch.ones(1, 1, dtype=torch.bool)
    loss = boundary_iou_loss(tensor([[[1.0, 3.0]]]), tensor([[[2.0, 2.0]]]), y)
    assert loss.item() == pytest.approx(-math.log(0.6), rel=1e-6)
    assert boundary_iou_loss(tensor([[[2.0, 2.0]]]), tensor([[[2.0, 2.0]]]), y).item() == (
        pytest.approx(0, abs=1e-6)
    )


def test_centrality_by_hand() -> None:
    # Target .5 at .25: -(.5 ln .25 + .5 ln .75); the second step is no positive.
    loss = centrality_loss(tensor([[0.25, 0.9]]), tensor([[0.5, 0.0]]), tensor([[True, False]]))
    assert loss.item() == pytest.approx(-0.5 * (math.log(0.25) + math.log(0.75)))


def test_correlation_by_hand() -> None:
    y = tensor([[1.0, 2.0, 3.0]])
    mask = torch.ones(1, 3, dtype=torch.bool)
    assert correlation_loss(10 * y - 4, y, mask).item() == pytest.approx(0, abs=1e-5)
    assert correlation_loss(-y, y, mask).item() == pytest.approx(2, abs=1e-5)
    # (0, 1, 0) has no part in (1, 2, 3) - 2.
    assert correlation_loss(tensor([[0.0, 1.0, 0.0]]), y, mask).item() == pytest.approx(1)


@given(st.integers(0, 10**6), lengths)
def test_losses_agree_with_the_loops(seed: int, T: int) -> None:
    p, y, mask, predicted, true = draw(seed, T)
    focal, boundary = focal_loss(p, y, mask), boundary_iou_loss(predicted, true, y > 0)
    central = centrality_loss(p, p.flip(1), y > 0)
    for b, n in enumerate((T + 2, T)):
        ys = y[b, :n].tolist()
        for alpha in (0.25, 0.6):  # it cancels
            expected = oracle.focal(p[b, :n].tolist(), ys, alpha=alpha)
            assert focal[b].item() == pytest.approx(expected)
        expected = oracle.boundary_iou(predicted[b, :n].tolist(), true[b, :n].tolist(), ys)
        assert boundary[b].item() == pytest.approx(expected)
        expected = oracle.centrality(p[b, :n].tolist(), p.flip(1)[b, :n].tolist(), ys)
        assert central[b].item() == pytest.approx(expected)


@given(st.integers(0, 10**6), st.integers(3, 12))
def test_correlation_agrees_with_the_loop(seed: int, T: int) -> None:
    p, _, mask, predicted, _ = draw(seed, T)
    target = predicted[..., 0]
    loss = correlation_loss(100 * p, 100 * target, mask)
    for b, n in enumerate((T + 2, T)):
        r = oracle.correlation(p[b, :n].tolist(), target[b, :n].tolist())
        assert loss[b].item() == pytest.approx(1 - r, abs=1e-4)


def test_a_one_step_segment_costs_nothing_and_pulls_nothing() -> None:
    offsets = tensor([[[0.3, 2.0]]], requires_grad=True)
    loss = boundary_iou_loss(offsets, torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.bool))
    loss.sum().backward()
    assert loss.item() == 0
    assert offsets.grad is not None
    assert offsets.grad.abs().max() == 0


def test_a_video_without_positives_is_skipped() -> None:
    p = torch.full((2, 3), 0.7, requires_grad=True)
    offsets = torch.ones(2, 3, 2, requires_grad=True)
    y = tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    mask = torch.ones(2, 3, dtype=torch.bool)
    total = (
        focal_loss(p, y, mask)
        + boundary_iou_loss(offsets, torch.ones(2, 3, 2), y > 0)
        + centrality_loss(p, y, y > 0)
    )
    assert total[0].item() == 0
    assert total[1].item() > 0
    total.sum().backward()
    assert p.grad is not None
    assert torch.isfinite(p.grad).all()
    assert p.grad[0].abs().max() == 0


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_saturated_probabilities_stay_finite(value: float) -> None:
    p = torch.full((1, 2), value, requires_grad=True)
    y = tensor([[1.0, 0.0]])
    mask = torch.ones(1, 2, dtype=torch.bool)
    loss = focal_loss(p, y, mask) + centrality_loss(p, y, y > 0)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert p.grad is not None
    assert torch.isfinite(p.grad).all()


def test_a_constant_curve_correlates_with_nothing() -> None:
    scores = torch.zeros(1, 4, requires_grad=True)
    loss = correlation_loss(scores, tensor([[1.0, 2.0, 3.0, 4.0]]), torch.ones(1, 4).bool())
    loss.sum().backward()
    assert loss.item() == pytest.approx(1)
    assert scores.grad is not None
    assert torch.isfinite(scores.grad).all()
