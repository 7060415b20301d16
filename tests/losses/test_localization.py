from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from iptnet.losses.highlight import extended_foreground, highlight_loss
from iptnet.losses.ranking import ranking_loss
from iptnet.losses.span import span_loss
from tests.oracles import localization as oracle


def test_span_loss_by_hand() -> None:
    # softmax([0, ln 3]) = [1/4, 3/4]; the padded step takes no part.
    start = torch.tensor([[0.0, math.log(3), -torch.inf]])
    end = torch.tensor([[math.log(3), 0.0, -torch.inf]])
    loss = span_loss(start, end, torch.tensor([1]), torch.tensor([1]))
    assert math.isclose(loss.item(), math.log(4 / 3) + math.log(4), rel_tol=1e-6)


def test_span_loss_averages_over_the_batch() -> None:
    start = torch.tensor([[0.0, 0.0], [0.0, math.log(3)]])
    both = span_loss(start, start, torch.tensor([0, 1]), torch.tensor([0, 1]))
    assert math.isclose(both.item(), math.log(2) + math.log(4 / 3), rel_tol=1e-6)


@given(st.integers(0, 39), st.integers(1, 40), st.integers(40, 60))
def test_the_extension_is_a_tenth_on_each_side(first: int, length: int, steps: int) -> None:
    last = min(first + length - 1, steps - 1)
    mask = torch.ones(1, steps, dtype=torch.bool)
    found = extended_foreground(torch.tensor([first]), torch.tensor([last]), mask)
    assert found[0].tolist() == oracle.extended(first, last, steps)


def test_the_extension_stays_inside_the_video() -> None:
    mask = torch.arange(30)[None] < 20
    found = extended_foreground(torch.tensor([0]), torch.tensor([19]), mask)
    assert found[0].tolist() == [True] * 20 + [False] * 10


@given(st.integers(0, 2**31 - 1), st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_highlight_loss_equals_the_loop(seed: int, lengths: list[int]) -> None:
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(len(lengths), 5, generator=draw, dtype=torch.float64) * 2
    truth = torch.randint(0, 2, logits.shape, generator=draw)
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    expected = oracle.highlight_loss(logits.tolist(), truth.tolist(), lengths)
    assert math.isclose(highlight_loss(logits, truth, mask).item(), expected, rel_tol=1e-9)


def test_highlight_loss_by_hand() -> None:
    # Foreground at p = 1/2 twice the weight: (2·ln 2 + ln 2) / 2; the padded step does not count.
    logits = torch.tensor([[0.0, 0.0, 50.0]])
    loss = highlight_loss(logits, torch.tensor([[1, 0, 0]]), torch.tensor([[True, True, False]]))
    assert math.isclose(loss.item(), 1.5 * math.log(2), rel_tol=1e-6)
    none = highlight_loss(logits, torch.tensor([[0, 0, 0]]), torch.zeros(1, 3, dtype=torch.bool))
    assert none.item() == 0


def test_ranking_loss_by_hand() -> None:
    # p = 1/2 twice against IoU 1 and 0: ln 2; the order: softmax([10, 0]) against an even one.
    logits, overlap = torch.zeros(1, 1, 2), torch.tensor([[1.0, 0.0]])
    loss = ranking_loss(logits, overlap, torch.ones(1, 1))
    assert math.isclose(loss.item(), 1.1 * math.log(2), rel_tol=1e-6)


@given(st.integers(0, 2**31 - 1), st.integers(1, 4), st.integers(1, 5), st.integers(1, 3))
def test_ranking_loss_equals_the_loop(seed: int, queries: int, many: int, heads: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(heads, queries, many, generator=draw, dtype=torch.float64)
    overlap = torch.rand(queries, many, generator=draw, dtype=torch.float64)
    counted = (torch.rand(heads, queries, generator=draw) < 0.7).double()
    expected = 0.0
    for head in range(heads):
        own = [k for k in range(queries) if counted[head, k]]
        if own:
            expected += oracle.ranking_loss(
                [logits[head, k].tolist() for k in own], [overlap[k].tolist() for k in own], 0.1
            )
    found = ranking_loss(logits, overlap, counted).item()
    assert math.isclose(found, expected, rel_tol=1e-8, abs_tol=1e-12)


def test_a_video_without_the_moment_teaches_rejection_only() -> None:
    logits = torch.zeros(1, 1, 3, requires_grad=True)
    ranking_loss(logits, torch.zeros(1, 3), torch.ones(1, 1)).backward()
    assert logits.grad is not None
    assert (logits.grad > 0).all()
