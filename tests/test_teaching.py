"""Equations 3–12 of the paper against numbers worked out by hand; the schedule of section 3.7."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from iptnet.teaching import (
    Maps,
    Phase,
    TeachingConfig,
    divergence,
    follow,
    localization_terms,
    schedule,
    summarization_terms,
    union,
)

HALF = math.log(2)


def row(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def all_of(values: Tensor) -> Tensor:
    return torch.ones(values.shape, dtype=torch.bool)


def test_divergence_of_two_distributions_by_hand() -> None:
    # (3/4, 1/4) from (1/2, 1/2): 3/4 log 3/2 + 1/4 log 1/2; the maps' own scale does not matter.
    p, q = row(0.6, 0.2), row(0.3, 0.3)
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert divergence(p, q, all_of(p)).item() == pytest.approx(expected)
    assert divergence(2 * p, q, all_of(p)).item() == pytest.approx(expected)
    backwards = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert divergence(q, p, all_of(p)).item() == pytest.approx(backwards)


def test_divergence_of_coins_by_hand() -> None:
    # Per step, on the maps' own scale: .8 log(.8/.4) + .2 log(.2/.6), and 0; their mean.
    p, q = row(0.8, 0.5), row(0.4, 0.5)
    expected = (0.8 * HALF + 0.2 * math.log(1 / 3)) / 2
    assert divergence(p, q, all_of(p), "bernoulli").item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["normalised", "bernoulli"])
def test_padded_steps_have_no_say(kind: str) -> None:
    p, q = row(0.6, 0.2, 0.9), row(0.3, 0.3, 0.1)
    mask = torch.tensor([[True, True, False]])
    short = divergence(p[:, :2], q[:, :2], mask[:, :2], kind)  # type: ignore[arg-type]
    torch.testing.assert_close(divergence(p, q, mask, kind), short)  # type: ignore[arg-type]


@given(
    values=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12),
    kind=st.sampled_from(["normalised", "bernoulli"]),
)
def test_divergence_is_finite_never_negative_and_zero_at_home(
    values: Sequence[tuple[float, float]], kind: str
) -> None:
    p, q = row(*(v[0] for v in values)), row(*(v[1] for v in values))
    p.requires_grad_()
    found = divergence(p, q, all_of(p), kind)  # type: ignore[arg-type]
    assert found.item() >= -1e-9 and math.isfinite(found.item())
    found.sum().backward()
    assert p.grad is not None and torch.isfinite(p.grad).all()
    assert divergence(p, p, all_of(p), kind).item() == pytest.approx(0, abs=1e-12)  # type: ignore[arg-type]


class Tiny(nn.Module):
    def __init__(self, value: float, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([value]))
        self.register_buffer("count", torch.tensor(count))


def test_a_teacher_follows_by_hand() -> None:
    teacher, student = Tiny(1.0, 0), Tiny(2.0, 7)
    follow(teacher, student, 0.3)
    assert teacher.weight.item() == pytest.approx(0.3 * 1 + 0.7 * 2)
    assert teacher.count.item() == 7
    follow(teacher, student, 1.0)
    assert teacher.weight.item() == pytest.approx(1.7)
    with pytest.raises(ValueError, match="share"):
        follow(teacher, student, 1.5)
    with pytest.raises(ValueError, match="copy"):
        follow(teacher, nn.Linear(1, 1), 0.5)


S, B = (0.6, 0.2), (0.3, 0.3)
FORWARD = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)  # D(S, B)
BACK = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)  # D(B, S)


def maps(**changed: Tensor | None) -> Maps:
    """Students say S and teachers B, on both tasks."""
    made = Maps(
        summary=row(*S),
        summary_teacher=row(*B),
        propagated=row(*S),
        propagated_teacher=row(*B),
        located=row(*S),
        located_teacher=row(*B),
        mask=all_of(row(*S)),
        summary_mask=all_of(row(*S)),
    )
    return made._replace(**changed)


OWNER = torch.zeros(1, dtype=torch.int64)


def test_terms_on_localization_data() -> None:
    terms = localization_terms(maps(located=row(0.1, 0.3)), TeachingConfig(), OWNER)
    third = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    assert terms["LL teacher"].item() == pytest.approx(third)
    assert terms["LS teacher"].item() == pytest.approx(FORWARD)
    # D((3/4, 1/4), (1/4, 3/4)) = 3/4 log 3 − 1/4 log 3.
    assert terms["LS student"].item() == pytest.approx(0.5 * math.log(3))
    assert set(terms) == {"LL teacher", "LS teacher", "LS student"}


def test_terms_on_summarization_data() -> None:
    terms = summarization_terms(maps(), TeachingConfig())
    assert terms["SS teacher"].item() == pytest.approx(FORWARD)
    assert terms["SL teacher"].item() == pytest.approx(BACK)  # the teacher's J comes first
    assert terms["SL student"].item() == pytest.approx(0)
    assert set(terms) == {"SS teacher", "SL teacher", "SL student"}


def test_directions_can_be_swapped() -> None:
    how = TeachingConfig(direction="swapped")
    assert localization_terms(maps(), how, OWNER)["LS teacher"].item() == pytest.approx(BACK)
    assert summarization_terms(maps(), how)["SL teacher"].item() == pytest.approx(FORWARD)


def test_the_annotated_moments_as_teacher() -> None:
    truth = torch.tensor([[True, False]])
    how = TeachingConfig(truth=2.0)
    found = localization_terms(maps(), how, OWNER, truth)["LS truth"].item()
    assert found == pytest.approx(2 * math.log(1 / 0.75), abs=1e-4)
    nothing = localization_terms(maps(), how, OWNER, torch.zeros_like(truth))["LS truth"]
    assert nothing.item() == 0


def grads(terms: dict[str, Tensor], name: str, inputs: dict[str, Tensor]) -> set[str]:
    """Which of the inputs a term teaches."""
    found = torch.autograd.grad(
        terms[name], list(inputs.values()), allow_unused=True, retain_graph=True
    )
    return {n for n, g in zip(inputs, found, strict=True) if g is not None and bool(g.any())}


def test_who_learns_from_what() -> None:
    fields = ("summary", "propagated", "located", "summary_teacher", "propagated_teacher")
    inputs = {n: row(0.1 + 0.1 * k, 0.5).requires_grad_() for k, n in enumerate(fields)}
    inputs["located_teacher"] = row(0.9, 0.2).requires_grad_()
    made = maps(**inputs)
    on_moments = localization_terms(made, TeachingConfig(), OWNER)
    assert grads(on_moments, "LL teacher", inputs) == {"located"}
    assert grads(on_moments, "LS teacher", inputs) == {"propagated"}
    assert grads(on_moments, "LS student", inputs) == {"propagated"}
    both = localization_terms(made, TeachingConfig(detach=False), OWNER)
    assert grads(both, "LS student", inputs) == {"propagated", "located"}
    on_summaries = summarization_terms(made, TeachingConfig())
    assert grads(on_summaries, "SS teacher", inputs) == {"summary"}
    assert grads(on_summaries, "SL teacher", inputs) == {"located"}
    assert grads(on_summaries, "SL student", inputs) == {"propagated", "located"}
    only = summarization_terms(made, TeachingConfig(propagation_learns="localization"))
    assert grads(only, "SL student", inputs) == {"located"}


def test_ablations_leave_their_terms_out() -> None:
    no_teachers = TeachingConfig(teach=False)
    assert set(localization_terms(maps(), no_teachers, OWNER)) == {"LS student"}
    assert set(summarization_terms(maps(), no_teachers)) == {"SL student"}
    alone = replace(TeachingConfig(), localize=False)
    assert set(summarization_terms(maps(), alone)) == {"SS teacher"}


def test_the_union_over_a_videos_queries() -> None:
    values = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.4]])
    joined = union(values, torch.tensor([0, 0, 1]))
    torch.testing.assert_close(joined, torch.tensor([[0.8, 0.9], [0.8, 0.9], [0.3, 0.4]]))


def test_union_targets_are_used_when_asked() -> None:
    made = Maps(*(torch.cat([m, m.flip(1)]) if m is not None else None for m in maps()))
    owner = torch.tensor([0, 0])
    each = localization_terms(made._replace(located_teacher=made.located), TeachingConfig(), owner)
    assert each["LS teacher"].item() == pytest.approx(0)
    how = TeachingConfig(queries="union")
    union_of = localization_terms(made._replace(located_teacher=made.located), how, owner)
    # The union of (.6, .2) and (.2, .6) is even: D(S, even) for both.
    assert union_of["LS teacher"].item() == pytest.approx(FORWARD)


def test_the_schedule() -> None:
    s, m = Phase("summarization", "alone"), Phase("localization", "teach")
    t = Phase("summarization", "teach")
    assert list(schedule(2, 2)) == [s, s, m, t, m, t]
    assert list(schedule(1, 1, repeats=2, finish=1)) == [s, m, t, s, m, t, s]
    assert list(schedule(0, 1, pretrain=1)) == [Phase("localization", "pretrain"), m, t]
    assert list(schedule(2, 2, localize=False)) == [s, s, t, t]


@given(st.integers(0, 4), st.integers(1, 4), st.integers(1, 3))
def test_passes_alternate_and_never_mix(alone: int, cycles: int, repeats: int) -> None:
    phases = list(schedule(alone, cycles, repeats=repeats))
    assert len(phases) == repeats * (alone + 2 * cycles)
    teaching = [p.data for p in phases if p.role == "teach"]
    assert all(a != b for a, b in pairwise(teaching))
