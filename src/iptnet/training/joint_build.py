"""The modules of a joint run, their optimiser, and a localizer trained alone to start from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from iptnet.atomic import sweep
from iptnet.checkpoint import Checkpoint
from iptnet.locks import sole_user
from iptnet.model.iptnet import Iptnet, Student
from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.files import to_checkpoint
from iptnet.model.localization.module import LocalizationModule
from iptnet.model.localizer import Localizer
from iptnet.model.propagation import Propagation, PropagationConfig
from iptnet.model.summarization import SummarizationConfig, SummarizationModule
from iptnet.model.vocabulary import learn, new_filter
from iptnet.training.arguments import OptimiserArguments
from iptnet.training.joint_arguments import JointArguments
from iptnet.training.joint_data import JointData
from iptnet.training.localizer_fit import config_for
from iptnet.training.loop import (
    Interrupted,
    Stop,
    optimiser_of,
    parameter_groups,
    seed_of,
    train,
)
from iptnet.training.moment_batches import batches, localization_loss

OnProgress = Callable[[str, int, int | None], None]


def build_summarizer(arguments: JointArguments, width: int) -> SummarizationModule:
    """SM of a configuration, freshly drawn."""
    return SummarizationModule(SummarizationConfig(width=width, **asdict(arguments.model)))


def build_model(arguments: JointArguments, width: int, data: JointData) -> Iptnet:
    """Student and teacher of a configuration, freshly drawn.

    Args:
        arguments: the configuration.
        width: D of the summarizer's features.
        data: tells what the localizer reads.
    """
    return Iptnet(
        Student(
            build_summarizer(arguments, width),
            Propagation(PropagationConfig(width=width, **asdict(arguments.propagation))),
            _build_localizer(arguments, data, width),
        )
    )


def build_optimiser(model: Iptnet, arguments: JointArguments) -> torch.optim.Optimizer:
    """One optimiser over the students; each module keeps its own rate, decay and clipping."""
    how, theirs = arguments.optimiser, arguments.localizer
    student = model.student
    groups = [
        group | {"clip": options.clip}
        for options, modules in (
            (how, (student.summarization, student.propagation)),
            (theirs, (student.localization,)),
        )
        for module in modules
        for group in parameter_groups(module, options)
    ]
    return optimiser_of(groups, how)


def warm_up(
    arguments: JointArguments,
    data: JointData,
    *,
    beside: Path,
    fold: int | None,
    seed: int,
    stop: Stop,
    on_progress: OnProgress | None = None,
) -> LocalizationModule:
    """A localizer trained alone; run folders side by side find it by what made it.

    Args:
        arguments: of the run.
        data: with the examples.
        beside: folder that holds the states of such localizers.
        fold: of QVHighlights that it does not see.
        seed: of the run.
        stop: looked at after each pass.
        on_progress: told (what, passes done, passes).

    Raises:
        Interrupted: ``stop`` was set.
    """
    passes, how = arguments.schedule.warm_up, arguments.localizer
    asked = {
        "module": asdict(arguments.module),
        "loss": asdict(arguments.loss),
        "localizer": asdict(how),
        "mixture": asdict(arguments.mixture),
        "passes": passes,
        "data": data.digest,
        "fold": fold,
        "seed": seed,
    }
    identity = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    folder = beside / identity[:16]
    torch.manual_seed(seed_of(seed, 10**6 - 2))
    own = data.shown(fold)
    examples, targets = [data.examples[i] for i in own], [data.targets[i] for i in own]
    module = _build_localizer(arguments, data, width=0)
    where = "everything" if fold is None else f"all but fold {fold + 1}"

    def waits() -> bool:
        if stop.number is not None:
            raise Interrupted(f"stopped waiting for {folder}", "run it again", stop.number)
        return True

    # Runs side by side may want the same one: who comes second waits and finds it.
    with sole_user(folder, "another training", waits):
        sweep(folder)
        train(
            module,
            OptimiserArguments(**{**asdict(how), "epochs": passes}),
            lambda epoch: batches(
                examples, targets, how.batch, seed_of(seed, epoch), arguments.mixture.query_dropout
            ),
            lambda m, batch: localization_loss(m, batch, arguments.loss),
            folder=folder,
            run=identity,
            seed=seed,
            stop=stop,
            on_epoch=lambda n: (
                on_progress(f"localizer on {where}, seed {seed}", n, passes)
                if on_progress
                else None
            ),
        )
    return module


def localizer_checkpoint(
    module: LocalizationModule, data: JointData, about: Mapping[str, Any]
) -> Checkpoint:
    """The localizer of a run, read by its span predictor, as `iptnet find` loads it."""
    assert data.sources is not None
    vocabulary = new_filter()
    learn(vocabulary, data.sources.sentences(without_fold=about["fold"]))
    localizer = Localizer(
        module.eval(),
        vocabulary,
        Checkpoint("localization", {}, (), {}),
        words=data.sources.words,
    )
    return to_checkpoint(localizer, data.sources.recipes, about)


def _build_localizer(arguments: JointArguments, data: JointData, width: int) -> LocalizationModule:
    """Of the examples' kind; without any (−L) it idles at the summarizer's width."""
    if data.examples:
        return LocalizationModule(config_for(data.examples[0], arguments.module))
    return LocalizationModule(LocalizationConfig(width=width, **asdict(arguments.module)))
