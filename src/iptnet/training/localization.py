"""Train the localizer: LM, then the ranker of its answers and their confidence.

RUN/config.yaml  log.txt  RUN/fold-<f>/localizer.safetensors   (setting: folds)
RUN/localizer.safetensors                                       (setting: shipped)
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from iptnet import checkpoint as files_of
from iptnet.features.recipe import Recipe
from iptnet.model.localization.files import KIND, to_checkpoint
from iptnet.model.vocabulary import learn, new_filter
from iptnet.training.fitting import Fit
from iptnet.training.localization_arguments import (
    LocalizationArguments,
    load_localization,
    to_yaml,
)
from iptnet.training.localizer_fit import fit_localizer
from iptnet.training.loop import Stop, stop_on_signal
from iptnet.training.moment_examples import Example, negatives
from iptnet.training.moment_sources import FOLDS, MomentSources, load_sources
from iptnet.training.run_folder import claimed, finished

__all__ = ["TrainingReport", "load_localization", "train_localization"]

OnProgress = Callable[[str, int, int | None], None]
NAME = "localizer.safetensors"


@dataclass(frozen=True)
class TrainingReport:
    """What a training command did.

    Attributes:
        out: the run folder.
        checkpoints: every localizer of the configuration.
        trained: how many of them this call trained, wholly or to their end.
        found: how many were already there.
        seconds: wall time.
    """

    out: Path
    checkpoints: tuple[Path, ...]
    trained: int
    found: int
    seconds: float


def train_localization(
    arguments: LocalizationArguments, out: Path, on_progress: OnProgress | None = None
) -> TrainingReport:
    """Train, or go on where ``out`` stands.

    Raises:
        UsageError: a folder of another configuration.
        InputError: data that cannot be read.
        Interrupted: a signal asked to stop; the state is kept.
        IntegrityError: broken data or state.
        LimitError: a loss that is not finite.
        MachineError: another process trains in ``out``, or it cannot be written.
    """
    started = time.monotonic()
    out = Path(out)
    folds = range(FOLDS) if arguments.setting == "folds" else [None]
    paths, trained = [], 0
    with claimed(out, to_yaml(arguments)):
        sources = load_sources(arguments, on_progress)
        session = _Session(arguments, sources, on_progress)
        with stop_on_signal() as stop:
            for fold in folds:
                folder = out if fold is None else out / f"fold-{fold}"
                identity = _identity(arguments, sources.digest, fold)
                if not finished(folder / NAME, KIND, identity):
                    _train_one(session, fold, folder, identity, stop)
                    trained += 1
                paths.append(folder / NAME)
    seconds = time.monotonic() - started
    return TrainingReport(out, tuple(paths), trained, len(paths) - trained, seconds)


@dataclass(frozen=True)
class _Session:
    """What all localizers of one command share."""

    arguments: LocalizationArguments
    sources: MomentSources
    on_progress: OnProgress | None


def _train_one(
    session: _Session, fold: int | None, folder: Path, identity: str, stop: Stop
) -> None:
    arguments, sources = session.arguments, session.sources
    shown = sources.examples(without_fold=fold)
    examples = shown + negatives(shown, arguments.mixture.negatives, arguments.seed)
    vocabulary = new_filter()
    learn(vocabulary, sources.sentences(without_fold=fold))
    where = "" if fold is None else f"fold {fold + 1}/{FOLDS} "
    fit = Fit(arguments, folder, identity, stop, session.on_progress, where)
    made = fit_localizer(
        fit, examples, vocabulary, sources.short_examples(without_fold=fold), sources.texts
    )
    localizer = replace(made, words=sources.words)
    provenance: dict[str, Any] = {
        "run": identity,
        "variant": arguments.variant,
        "setting": arguments.setting,
        "fold": fold,
        "folds": FOLDS,
        "examples": _counts(examples),
        "data_sha256": sources.digest,
        # Where the data lay is nobody's business; what it was is in its digest.
        "arguments": json.loads(
            json.dumps(asdict(replace(arguments, sources=replace(arguments.sources, root="."))))
        ),
    }
    recipes: tuple[Recipe, ...] = sources.recipes
    files_of.save(folder / NAME, to_checkpoint(localizer, recipes, provenance))


def _counts(examples: list[Example]) -> dict[str, int]:
    found: dict[str, int] = {}
    for example in examples:
        kind = example.kind if len(example.windows) else f"{example.kind}, not shown"
        found[kind] = found.get(kind, 0) + 1
    return found


def _identity(arguments: LocalizationArguments, digest: str, fold: int | None) -> str:
    """What has to be equal for a run to be gone on with."""
    asked = asdict(arguments)
    del asked["sources"]
    whole = [asked, digest, fold]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
