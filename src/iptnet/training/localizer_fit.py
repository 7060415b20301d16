"""Fit one localizer to examples: cross-fitted modules, rankers and calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.checkpoint import Checkpoint
from iptnet.losses.ranking import ranking_loss
from iptnet.model.localization.calibration import Calibration, fit_calibration
from iptnet.model.localization.files import KIND
from iptnet.model.localization.module import LocalizationConfig, LocalizationModule
from iptnet.model.localization.ranker import Ranker
from iptnet.model.localization.ranking import COLUMNS, Scene, propose
from iptnet.model.localizer import Localizer
from iptnet.protocol.moments import iou
from iptnet.training.localization_arguments import LocalizationArguments
from iptnet.training.loop import Stop, seed_of, train
from iptnet.training.moment_batches import (
    Target,
    batches,
    collate,
    localization_loss,
    target_of,
)
from iptnet.training.moment_examples import Example

OnProgress = Callable[[str, int, int | None], None]
RIGHT = 0.5
"""IoU from which on an answer is right, for the confidence."""


@dataclass(frozen=True)
class Fit:
    """Where and how one localizer is fitted."""

    arguments: LocalizationArguments
    folder: Path
    identity: str
    stop: Stop
    on_progress: OnProgress | None = None
    where: str = ""

    def told(self, stage: str, epochs: int) -> Callable[[int], None]:
        """A callback for the loop."""

        def tell(done: int) -> None:
            if self.on_progress:
                self.on_progress(f"{self.where}{stage}", done, epochs)

        return tell


@dataclass(frozen=True)
class Proposed:
    """Candidates of one example: evidence (P, F), IoU with the truth (P,), and what it is."""

    rows: NDArray[np.float32]
    overlap: NDArray[np.float32]
    part: int
    kind: str
    shown: bool


def fit_localizer(
    fit: Fit, examples: Sequence[Example], vocabulary: NDArray[np.uint8]
) -> Localizer:
    """Train all members; resumable at every epoch of each.

    Raises:
        Interrupted: a signal asked to stop.
        IntegrityError: a loss that is not finite, or a foreign state in the folder.
    """
    arguments = fit.arguments
    targets = [target_of(e, arguments.loss.extension) for e in examples]
    modules, proposed = [], list[Proposed]()
    for k in range(arguments.members):
        own = [i for i, e in enumerate(examples) if arguments.members == 1 or e.part != k]
        module = _fit_module(fit, k, [examples[i] for i in own], [targets[i] for i in own])
        modules.append(module)
        if arguments.decode == "ranked":
            proposed += _propose(module, [e for e in examples if e.part == k])
    rankers = [
        _fit_ranker(fit, k, [p for p in proposed if p.part != k])
        for k in range(arguments.members)
        if arguments.decode == "ranked"
    ]
    calibration = _calibrate(rankers, proposed)
    nothing = Checkpoint(KIND, {}, (), {})
    return Localizer(tuple(modules), tuple(rankers), vocabulary, calibration, nothing)


def _fit_module(
    fit: Fit, member: int, examples: Sequence[Example], targets: Sequence[Target]
) -> LocalizationModule:
    arguments = fit.arguments
    how, seed = arguments.optimiser, arguments.seed * 100 + member
    torch.manual_seed(seed_of(seed, 10**6 - 1))
    width = examples[0].video.vectors.shape[1]
    module = LocalizationModule(LocalizationConfig(width=width, **asdict(arguments.module)))
    train(
        module,
        how,
        lambda epoch: batches(
            examples, targets, how.batch, seed_of(seed, epoch), arguments.mixture.query_dropout
        ),
        lambda m, batch: localization_loss(m, batch, arguments.loss),
        folder=_made(fit.folder / f"module-{member}"),
        run=fit.identity,
        seed=seed,
        stop=fit.stop,
        on_epoch=fit.told(f"module {member + 1}/{arguments.members}", how.epochs),
    )
    return module.eval()


def _propose(module: LocalizationModule, examples: Sequence[Example]) -> list[Proposed]:
    """What a module says of examples it never saw, as the rankers' evidence."""
    found = []
    size = 32
    for at in range(0, len(examples), size):
        part = examples[at : at + size]
        batch = collate(part, [target_of(e, 0.0) for e in part])
        with torch.inference_mode():
            out = module(batch.video, batch.mask, batch.query, batch.words)
        saliency = out.highlight if out.saliency is None else out.saliency
        for i, example in enumerate(part):
            T = len(example.video.vectors)
            candidates = propose(
                Scene.of(example.video.vectors[None], [example.video.changes(0, T)]),
                example.tokens,
                out.highlight[i : i + 1, :T].double().numpy(),
                saliency[i : i + 1, :T].double().numpy(),
            )
            overlap = np.zeros(len(candidates.pairs), np.float32)
            if len(example.windows):
                windows = example.video.edges[candidates.pairs]
                overlap = iou(windows, example.windows).max(axis=1).astype(np.float32)
            shown = len(example.windows) > 0
            found.append(Proposed(candidates.rows, overlap, example.part, example.kind, shown))
    return found


def _fit_ranker(fit: Fit, member: int, proposed: Sequence[Proposed]) -> Ranker:
    arguments = fit.arguments
    how, seed = arguments.ranker, arguments.seed * 100 + 50 + member
    torch.manual_seed(seed_of(seed, 10**6 - 1))
    ranker = Ranker(COLUMNS)
    rows = [torch.from_numpy(p.rows) for p in proposed]
    overlap = [torch.from_numpy(p.overlap) for p in proposed]
    ranker.standardise_by(torch.cat(rows))

    def drawn(epoch: int) -> list[list[int]]:
        order = np.random.default_rng(seed_of(seed, epoch)).permutation(len(rows)).tolist()
        return [order[k : k + how.batch] for k in range(0, len(order), how.batch)]

    train(
        ranker,
        how,
        drawn,
        lambda m, own: ranking_loss(
            m(torch.cat([rows[i] for i in own])),
            torch.cat([overlap[i] for i in own]),
            [len(rows[i]) for i in own],
        ),
        folder=_made(fit.folder / f"ranker-{member}"),
        run=fit.identity,
        seed=seed,
        stop=fit.stop,
        on_epoch=fit.told(f"ranker {member + 1}/{arguments.members}", how.epochs),
    )
    return ranker.eval()


def _calibrate(rankers: Sequence[Ranker], proposed: Sequence[Proposed]) -> Calibration:
    """From each ranker's best score on the part it never saw; the literal module stays as it is.

    On pixels where there are any, as users have them; what is not shown counts as much as what is.
    """
    if not rankers:
        return Calibration()
    cases = [p for p in proposed if p.kind == "pixels"] or list(proposed)
    absent = sum(not p.shown for p in cases)
    weight = (len(cases) - absent) / absent if absent else 1.0
    scores, right = [], []
    for case in cases:
        with torch.inference_mode():
            values = torch.sigmoid(rankers[case.part](torch.from_numpy(case.rows)))
        best = int(values.argmax())
        scores.append(float(values[best]))
        right.append(bool(case.overlap[best] >= RIGHT))
    return fit_calibration(scores, right, [1.0 if p.shown else weight for p in cases])


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
