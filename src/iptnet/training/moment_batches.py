"""Examples as padded batches with their targets, and the objective L_LM (METHOD.md, LM)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from iptnet.losses.highlight import extended_foreground, highlight_loss
from iptnet.losses.span import span_loss
from iptnet.model.grid import best_bins
from iptnet.model.localization.module import LocalizationOutput
from iptnet.training.localization_arguments import LossArguments
from iptnet.training.moment_examples import Example

SHUFFLED = 8
"""Batches that are sorted by length together: little padding, still random company."""


@dataclass(frozen=True)
class Target:
    """What an example should make of its T steps.

    Attributes:
        foreground: (T,) bool, extended; nothing where the video does not show the query.
        span: first and last step of the longest true window, or None.
    """

    foreground: Tensor
    span: tuple[int, int] | None


class MomentBatch(NamedTuple):
    """B examples padded to T steps and L words; shapes as the module's."""

    video: Tensor
    mask: Tensor
    query: Tensor | None
    words: Tensor | None
    foreground: Tensor
    first: Tensor
    last: Tensor
    saliency: Tensor
    unknown: Tensor | None = None
    characters: Tensor | None = None


def target_of(example: Example, extension: float) -> Target:
    """The target of one example, on its grid."""
    T = len(example.video.vectors)
    mask = torch.ones(1, T, dtype=torch.bool)
    foreground = torch.zeros(T, dtype=torch.bool)
    longest, span = 0.0, None
    for window in example.windows:
        bins = best_bins(example.video.edges, window)
        first, last = torch.tensor([bins[0]]), torch.tensor([bins[1]])
        foreground |= extended_foreground(first, last, mask, extension)[0]
        if window[1] - window[0] > longest:
            longest, span = float(window[1] - window[0]), bins
    return Target(foreground, span)


def collate(
    examples: Sequence[Example], targets: Sequence[Target], *, null: bool = False
) -> MomentBatch:
    """Pad a batch. With ``null`` the query is withheld, and only I_Loc has a target."""
    B = len(examples)
    T = max(len(e.video.vectors) for e in examples)
    L = max(len(e.tokens) for e in examples)
    video = torch.zeros(B, T, examples[0].video.vectors.shape[1])
    query = torch.zeros(B, L, examples[0].tokens.shape[1])
    mask, words = torch.zeros(B, T, dtype=torch.bool), torch.zeros(B, L, dtype=torch.bool)
    foreground = torch.zeros(B, T, dtype=torch.bool)
    first, last = torch.full((B,), -1), torch.full((B,), -1)
    saliency = torch.full((B, T), -1.0)
    for i, (example, target) in enumerate(zip(examples, targets, strict=True)):
        t, n = len(example.video.vectors), len(example.tokens)
        video[i, :t] = torch.from_numpy(example.video.vectors)
        mask[i, :t], words[i, :n] = True, True
        query[i, :n] = torch.from_numpy(example.tokens)
        foreground[i, :t] = target.foreground
        if target.span is not None and not null:
            first[i], last[i] = target.span
        if example.saliency is not None:
            saliency[i, :t] = torch.from_numpy(example.saliency)
    if null:
        return MomentBatch(video, mask, None, None, foreground, first, last, saliency)
    whole = MomentBatch(video, mask, query, words, foreground, first, last, saliency)
    if examples[0].characters is None:
        return whole
    unknown, characters = _spelled(examples, L)
    return whole._replace(unknown=unknown, characters=characters)


def _spelled(examples: Sequence[Example], longest: int) -> tuple[Tensor, Tensor]:
    """Flags (B, L) and letters (B, L, C) of word vectors."""
    letters = [e.characters for e in examples if e.characters is not None]
    C = max(rows.shape[1] for rows in letters)
    unknown = torch.zeros(len(examples), longest, dtype=torch.bool)
    characters = torch.zeros(len(examples), longest, C, dtype=torch.long)
    for i, (example, rows) in enumerate(zip(examples, letters, strict=True)):
        if example.unknown is not None:
            unknown[i, : len(rows)] = torch.from_numpy(example.unknown)
        characters[i, : len(rows), : rows.shape[1]] = torch.from_numpy(rows)
    return unknown, characters


def batches(
    examples: Sequence[Example],
    targets: Sequence[Target],
    size: int,
    seed: int,
    null: float = 0.0,
) -> list[MomentBatch]:
    """All examples once, in an order of the seed's, batched with neighbours in length.

    Args:
        null: share of the batches whose queries are withheld (query dropout, ambiguity 13).
    """
    rng = random.Random(f"batches {seed}")  # noqa: S311
    order = rng.sample(range(len(examples)), len(examples))
    groups: list[list[int]] = []
    for at in range(0, len(order), size * SHUFFLED):
        near = order[at : at + size * SHUFFLED]
        near.sort(key=lambda i: len(examples[i].video.vectors))
        groups += [near[k : k + size] for k in range(0, len(near), size)]
    rng.shuffle(groups)
    return [
        collate(
            [examples[i] for i in group],
            [targets[i] for i in group],
            null=rng.random() < null,
        )
        for group in groups
    ]


def localization_loss(module: nn.Module, batch: MomentBatch, weights: LossArguments) -> Tensor:
    """L_LM with the saliency term of highlight detection; see the arguments for the weights."""
    out: LocalizationOutput = module(
        batch.video,
        batch.mask,
        batch.query,
        batch.words,
        unknown=batch.unknown,
        characters=batch.characters,
    )
    return objective_of(out, batch, weights)


def objective_of(out: LocalizationOutput, batch: MomentBatch, weights: LossArguments) -> Tensor:
    """L_LM of what the module said of a batch."""
    loss = weights.highlight * highlight_loss(out.highlight, batch.foreground, batch.mask)
    shown = batch.first >= 0
    if weights.span and bool(shown.any()):
        loss = loss + weights.span * span_loss(
            out.start[shown], out.end[shown], batch.first[shown], batch.last[shown]
        )
    graded = batch.mask & (batch.saliency >= 0)
    if weights.saliency and out.saliency is not None and bool(graded.any()):
        grades = batch.saliency.clamp(min=0)
        loss = loss + weights.saliency * highlight_loss(out.saliency, grades, graded)
    return loss
