"""Rankers, the consensus and the confidence: learned from what a member says of what it never saw.

Every example lies in one part of the data, and member k was trained without part k. What it says of
part k is the evidence; the rankers of part k learn from the other parts' evidence, so their scores
of part k are as wrong as in service. On those scores the consensus' constants are chosen and the
confidence is fitted: nothing here ever looks at data that the localizer will be reported on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.losses.ranking import ranking_loss
from iptnet.model.localization.calibration import Calibration, fit_calibration, logit
from iptnet.model.localization.module import LocalizationModule
from iptnet.model.localization.presence import Background, presence, unit
from iptnet.model.localization.ranker import Ranker
from iptnet.model.localization.ranking import COLUMNS, Scene, propose
from iptnet.protocol.moments import iou
from iptnet.selection.moments import Consensus, agreement, overlaps
from iptnet.training.fitting import Fit
from iptnet.training.loop import seed_of, train
from iptnet.training.moment_batches import collate, target_of
from iptnet.training.moment_examples import Example

RIGHT = 0.5
"""IoU from which on an answer is right, for the confidence."""

TEMPERATURES, MIXES = (0.03, 0.045, 0.06, 0.09, 0.13), (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""What the consensus is chosen from."""

SENTENCES, PICTURES = 256, 512
"""Of the confidence's background."""


@dataclass(frozen=True)
class Proposed:
    """Candidates of one example.

    Attributes:
        rows: (P, COLUMNS) evidence.
        windows: (P, 2) seconds.
        overlap: (P,) IoU of each with the truth.
        highlight: (T,) logits of the member.
        example: what was asked.
    """

    rows: NDArray[np.float32]
    windows: NDArray[np.float64]
    overlap: NDArray[np.float32]
    highlight: NDArray[np.float32]
    example: Example

    @property
    def shown(self) -> bool:
        """Whether there is a right answer at all."""
        return len(self.example.windows) > 0


@dataclass(frozen=True)
class Judged:
    """What the rankers of its part say of an example: scores (P,)."""

    case: Proposed
    scores: NDArray[np.float64]


def propose_unseen(module: LocalizationModule, examples: Sequence[Example]) -> list[Proposed]:
    """What a module says of examples that it never saw, as the rankers' evidence."""
    found = []
    size = 32
    for at in range(0, len(examples), size):
        part = examples[at : at + size]
        batch = collate(part, [target_of(e, 0.0) for e in part])
        with torch.inference_mode():
            out = module(batch.video, batch.mask, batch.query, batch.words, spans=False)
        saliency = out.highlight if out.saliency is None else out.saliency
        for i, example in enumerate(part):
            T = len(example.video.vectors)
            candidates = propose(
                Scene.of(example.video.vectors[None], [example.video.changes(0, T)]),
                example.tokens,
                out.highlight[i : i + 1, :T].double().numpy(),
                saliency[i : i + 1, :T].double().numpy(),
            )
            windows = example.video.edges[candidates.pairs]
            overlap = np.zeros(len(windows), np.float32)
            if len(example.windows):
                overlap = iou(windows, example.windows).max(axis=1).astype(np.float32)
            highlight = out.highlight[i, :T].numpy().copy()
            found.append(Proposed(candidates.rows, windows, overlap, highlight, example))
    return found


def fit_ranker(fit: Fit, part: int, turn: int, proposed: Sequence[Proposed]) -> Ranker:
    """The ranker of a part and a turn, from the other parts' evidence.

    Raises:
        Interrupted, IntegrityError, LimitError: as the loop says.
    """
    arguments = fit.arguments
    how = arguments.ranker
    seed = arguments.seed * 100 + 50 + part + 1000 * turn
    torch.manual_seed(seed_of(seed, 10**6 - 1))
    ranker = Ranker(COLUMNS, dropout=arguments.evidence.dropout)
    rows = [torch.from_numpy(p.rows) for p in proposed]
    overlap = [torch.from_numpy(p.overlap) for p in proposed]
    ranker.standardise_by(torch.cat(rows))

    def drawn(epoch: int) -> list[list[torch.Tensor]]:
        """Batches of examples; of each, the candidates that are looked at this time."""
        draw = np.random.default_rng(seed_of(seed, epoch))
        order = draw.permutation(len(rows)).tolist()
        most = arguments.evidence.candidates
        chosen = [torch.from_numpy(draw.permutation(len(r))[:most]) for r in rows]
        batches = [order[k : k + how.batch] for k in range(0, len(order), how.batch)]
        return [
            [
                torch.cat([rows[i][chosen[i]] for i in own]),
                torch.cat([overlap[i][chosen[i]] for i in own]),
                torch.tensor([len(chosen[i]) for i in own]),
            ]
            for own in batches
        ]

    train(
        ranker,
        how,
        drawn,
        lambda m, batch: ranking_loss(m(batch[0]), batch[1], batch[2].tolist()),
        folder=fit.made(f"ranker-{part}-{turn}"),
        run=fit.identity,
        seed=seed,
        stop=fit.stop,
        on_epoch=fit.told(f"ranker {part + 1}.{turn + 1}", how.epochs),
    )
    return ranker.eval()


def judge(rankers: Sequence[Ranker], case: Proposed) -> Judged:
    """The mean score of some rankers."""
    rows = torch.from_numpy(case.rows)
    with torch.inference_mode():
        scores = torch.stack([torch.sigmoid(r(rows)) for r in rankers]).mean(dim=0)
    return Judged(case, scores.double().numpy())


def choose_consensus(judged: Sequence[Judged]) -> Consensus:
    """The constants with which first answers reach IoU 0.5 and 0.7 most often, ties to the mean.

    Single counts jump; each pair of constants is judged with its neighbours on the grid.
    """
    table = np.zeros((len(TEMPERATURES), len(MIXES)))
    for one in judged:
        overlap = overlaps(one.case.windows)
        for (i, t), (k, mix) in product(enumerate(TEMPERATURES), enumerate(MIXES)):
            first = int(np.argmax(agreement(overlap, one.scores, Consensus(t, mix))))
            reached = float(one.case.overlap[first])
            table[i, k] += (reached >= 0.5) + (reached >= 0.7)
    wide = np.pad(table, 1, mode="edge")
    smooth = sum(
        wide[1 + i : 1 + i + table.shape[0], 1 + k : 1 + k + table.shape[1]]
        for i in (-1, 0, 1)
        for k in (-1, 0, 1)
    )
    best = np.unravel_index(int(np.argmax(smooth)), table.shape)
    return Consensus(TEMPERATURES[best[0]], MIXES[best[1]])


def background_of(examples: Sequence[Example], seed: int) -> Background:
    """Some of the sentences and some of the steps of training."""
    draw = np.random.default_rng([seed, 9])
    chosen = draw.permutation(len(examples))[:SENTENCES]
    sentences = [examples[i].tokens.mean(axis=0) for i in chosen]
    pictures = []
    for i in draw.integers(len(examples), size=PICTURES):
        vectors = examples[i].video.vectors
        pictures.append(vectors[draw.integers(len(vectors))])
    return Background(_rows(sentences), _rows(pictures))


def calibrate(
    judged: Sequence[Judged], consensus: Consensus, background: Background
) -> Calibration:
    """The confidence; what is not shown counts as much as what is."""
    rows, right = [], []
    usual = {id(j.case.example.video): (0.0, 1.0) for j in judged}
    for one in judged:
        example = one.case.example
        if usual[id(example.video)] == (0.0, 1.0):
            usual[id(example.video)] = background.usual(example.video.vectors)
        overlap = overlaps(one.case.windows)
        first = int(np.argmax(agreement(overlap, one.scores, consensus)))
        figures = presence(
            example.video.vectors,
            example.tokens,
            one.case.highlight,
            background,
            usual[id(example.video)],
        )
        # The first answer shows the greatest score, as in service.
        rows.append([logit(float(one.scores.max())), *figures])
        right.append(bool(one.case.overlap[first] >= RIGHT))
    absent = sum(not j.case.shown for j in judged)
    weight = (len(judged) - absent) / absent if absent else 1.0
    return fit_calibration(rows, right, [1.0 if j.case.shown else weight for j in judged])


def _rows(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return unit(np.stack(vectors).astype(np.float64)).astype(np.float32)
