"""Fit the ranker, its background and its confidence.

Every example lies in one part of the data, and head k of the ranker learns without part k. Its
scores of part k are as wrong as they will be in service; on those the confidence is fitted, each
sentence asked of its own video and of another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.features.text import TextEncoder
from iptnet.losses.ranking import ranking_loss
from iptnet.model.localization.video import GridVideo
from iptnet.model.vocabulary import words_of
from iptnet.moments.candidates import candidates
from iptnet.moments.confidence import (
    FIGURES,
    LENGTHS,
    Background,
    Confidence,
    Usual,
    figures,
    fit_logistic,
    length_class,
    logit,
    usual_in,
)
from iptnet.moments.evidence import evidence
from iptnet.moments.ranker import Ranker
from iptnet.moments.similarity import PROPOSING, VideoVectors, similarity
from iptnet.protocol.moments import iou
from iptnet.selection.moments import suppress
from iptnet.training.fitting import Fit
from iptnet.training.loop import seed_of, train
from iptnet.training.moment_examples import Example
from iptnet.training.ranker_net import RankerNet

RIGHT = 0.5
"""IoU from which on an answer is right, for the confidence."""

ANSWERS, APART = 5, 0.5
"""Answers of a sentence that the confidence is fitted on, and what they may share of the shorter:
as many as ``find`` shows, and as far apart."""

FALSE_ALARMS = 0.1
"""Share of the sentences asked of another video that the threshold lets pass as shown."""

SENTENCES, PICTURES = 64, 512
"""Of the background: sentences of each length class, and pictures."""


@dataclass(frozen=True)
class Proposed:
    """Candidates of one example.

    Attributes:
        rows: (P, F) evidence.
        overlap: (P,) IoU of each with the truth.
        pairs: (P, 2) steps [first, after) of each.
        example: what was asked.
    """

    rows: NDArray[np.float32]
    overlap: NDArray[np.float32]
    pairs: NDArray[np.int64]
    example: Example


class Videos:
    """Prepared videos, each prepared once however many sentences ask it."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[GridVideo, VideoVectors]] = {}

    def of(self, video: GridVideo) -> VideoVectors:
        """Prepare a video; the video is kept, so that its id stays its own."""
        if id(video) not in self._known:
            prepared = VideoVectors.of(video.edges, video.vectors, video.cuts)
            self._known[id(video)] = (video, prepared)
        return self._known[id(video)][1]


MapsOf = Callable[[Example], NDArray[np.float64]]
"""LM's maps (2, T) for an example, by a module that never saw its part."""


def propose(
    examples: Sequence[Example], videos: Videos, maps_of: MapsOf | None = None
) -> list[Proposed]:
    """Propose and describe candidates of each example, as service does.

    Args:
        examples: what is asked.
        videos: keeps what was prepared.
        maps_of: LM's maps, where the ranker reads them.
    """
    sentences = TextEncoder().encode([e.query for e in examples])
    found = []
    for example, sentence in zip(examples, sentences, strict=True):
        video = videos.of(example.video)
        asked = similarity(video, sentence, example.tokens)
        learned = None if maps_of is None else maps_of(example)
        proposing = [asked.maps[:PROPOSING], *([] if learned is None else [learned])]
        pairs = candidates(video, np.concatenate(proposing))
        overlap = np.zeros(len(pairs), np.float32)
        if len(example.windows):
            overlap = iou(video.edges[pairs], example.windows).max(axis=1).astype(np.float32)
        rows = evidence(video, asked, sentence, pairs, learned)
        found.append(Proposed(rows, overlap, pairs, example))
    return found


def fit_ranker(fit: Fit, proposed: Sequence[Proposed]) -> Ranker:
    """Fit all heads together, head k without part k.

    Raises:
        Interrupted, IntegrityError, LimitError: as the loop says.
    """
    how, options = fit.arguments.ranker, fit.arguments.ranking
    seed = fit.arguments.seed * 100 + 50
    torch.manual_seed(seed_of(seed, 10**6 - 1))
    net = RankerNet(
        proposed[0].rows.shape[1], options.heads, options.hidden, options.dropout, options.plain
    )
    rows = torch.from_numpy(np.concatenate([p.rows for p in proposed]))
    overlap = torch.from_numpy(np.concatenate([p.overlap for p in proposed]))
    sizes = np.array([len(p.rows) for p in proposed])
    first = np.cumsum(sizes) - sizes
    parts = torch.tensor([p.example.part for p in proposed])
    heads = torch.arange(options.heads)[:, None]
    net.standardise_by(rows)

    def drawn(epoch: int) -> list[list[torch.Tensor]]:
        """Draw batches of examples, and of each example some candidates."""
        draw = np.random.default_rng(seed_of(seed, epoch))
        order = draw.permutation(len(sizes))
        batches = []
        for at in range(0, len(order), how.batch):
            own = order[at : at + how.batch]
            share = draw.random((len(own), options.candidates))
            chosen = first[own][:, None] + (share * sizes[own][:, None]).astype(np.int64)
            batches.append([torch.from_numpy(chosen), (parts[own] != heads).float()])
        return batches

    def loss_of(module: torch.nn.Module, batch: list[torch.Tensor]) -> torch.Tensor:
        chosen, counted = batch
        logits = module(rows[chosen.flatten()]).reshape(options.heads, *chosen.shape)
        return ranking_loss(logits, overlap[chosen], counted)

    train(
        net,
        how,
        drawn,
        loss_of,
        folder=fit.made("ranker"),
        run=fit.identity,
        seed=seed,
        stop=fit.stop,
        on_epoch=fit.told("ranker", how.epochs),
    )
    return net.eval().arrays()


def background_of(examples: Sequence[Example], texts: Sequence[str], seed: int) -> Background:
    """Draw sentences of each length from all that was read, and steps of the videos."""
    draw = np.random.default_rng([seed, 9])
    every = sorted(dict.fromkeys([e.query for e in examples] + list(texts)))
    classes = np.array([length_class(len(words_of(text))) for text in every])
    chosen = [
        int(i)
        for k in range(len(LENGTHS) + 1)
        for i in draw.permutation(np.flatnonzero(classes == k))[:SENTENCES]
    ]
    pictures = []
    for i in draw.integers(len(examples), size=PICTURES):
        vectors = examples[i].video.vectors
        vector = vectors[draw.integers(len(vectors))]
        pictures.append(vector / max(float(np.linalg.norm(vector)), 1e-6))
    sentences = TextEncoder().encode([every[i] for i in chosen])
    return Background(sentences, classes[chosen], np.stack(pictures).astype(np.float32))


def fit_confidence(
    ranker: Ranker, own: Sequence[Proposed], other: Sequence[Proposed], background: Background
) -> Confidence:
    """Fit both logistics and choose the threshold; what is not shown counts as much as what is.

    Args:
        ranker: its head k has not learned from part k.
        own: sentences asked of their own videos.
        other: the same asked of other videos, as many.
        background: of the localizer.
    """
    usual: dict[int, tuple[VideoVectors, Usual]] = {}
    rows, scores, right, of = [], [], [], []
    for case, sentence in zip(
        [*own, *other], TextEncoder().encode([p.example.query for p in (*own, *other)]), strict=True
    ):
        example = case.example
        if id(example.video) not in usual:
            video = VideoVectors.of(example.video.edges, example.video.vectors, example.video.cuts)
            usual[id(example.video)] = (video, usual_in(video, background))
        video, expected = usual[id(example.video)]
        count = len(words_of(example.query))
        rows.append(figures(video, sentence, count, background, expected))
        score = ranker.by_head(case.rows)[example.part % ranker.heads]
        # All answers that a user would read: the second one is rarely as right as the first.
        for k in suppress(case.pairs, score, APART, ANSWERS, "shorter"):
            scores.append(float(score[k]))
            right.append(bool(case.overlap[k] >= RIGHT))
            of.append(len(rows) - 1)
    weights = np.r_[np.ones(len(own)), np.full(len(other), len(own) / max(len(other), 1))]
    shown = np.r_[np.ones(len(own)), np.zeros(len(other))]
    presence = fit_logistic(rows, shown, weights)
    assert len(presence) == FIGURES + 1
    half = Confidence(presence)
    present = [half.present(row) for row in rows]
    answers = [[s, logit(present[i])] for s, i in zip(scores, of, strict=True)]
    slope, more, offset = fit_logistic(answers, right, weights[of])
    absent = present[len(own) :]
    threshold = float(np.quantile(absent, 1 - FALSE_ALARMS)) if absent else 0.5
    return Confidence(presence, (slope, more, offset), threshold)
