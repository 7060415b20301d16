"""Fit one localizer to examples: cross-fitted modules, then rankers, consensus and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.checkpoint import Checkpoint
from iptnet.model.localization.calibration import Calibration
from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.files import KIND
from iptnet.model.localization.module import LocalizationModule
from iptnet.model.localization.words import CHARACTERS
from iptnet.model.localizer import Localizer
from iptnet.training.fitting import Fit
from iptnet.training.localization_arguments import ModuleArguments
from iptnet.training.loop import seed_of, train
from iptnet.training.moment_batches import Target, batches, localization_loss, target_of
from iptnet.training.moment_examples import Example, negatives
from iptnet.training.ranker_fit import (
    background_of,
    calibrate,
    choose_consensus,
    fit_ranker,
    judge,
    propose_unseen,
)


def fit_localizer(
    fit: Fit, examples: Sequence[Example], vocabulary: NDArray[np.uint8]
) -> Localizer:
    """Train all members; resumable at every epoch of each.

    Raises:
        Interrupted: a signal asked to stop.
        LimitError: a loss that is not finite.
        IntegrityError: a foreign state in the folder.
    """
    arguments = fit.arguments
    targets = [target_of(e, arguments.loss.extension) for e in examples]
    modules = []
    for k in range(arguments.members):
        own = [i for i, e in enumerate(examples) if arguments.members == 1 or e.part != k]
        modules.append(_fit_module(fit, k, [examples[i] for i in own], [targets[i] for i in own]))
    nothing = Checkpoint(KIND, {}, (), {})
    if arguments.decode == "spans":
        return Localizer(tuple(modules), (), vocabulary, Calibration(), nothing)
    return _ranked(fit, examples, modules, vocabulary)


def config_for(example: Example, module: ModuleArguments) -> LocalizationConfig:
    """The module that reads such examples: their width, their word vectors."""
    config = LocalizationConfig(width=example.video.vectors.shape[1], **asdict(module))
    if example.characters is None:
        return config
    words = example.tokens.shape[1]
    return replace(config, text="glove", word_width=words, characters=CHARACTERS)


def _ranked(
    fit: Fit,
    examples: Sequence[Example],
    modules: Sequence[LocalizationModule],
    vocabulary: NDArray[np.uint8],
) -> Localizer:
    """Everything behind the modules."""
    arguments = fit.arguments
    parts = range(arguments.members)
    proposed = [
        p for k in parts for p in propose_unseen(modules[k], [e for e in examples if e.part == k])
    ]
    rankers = [
        [
            fit_ranker(fit, k, turn, [p for p in proposed if p.example.part != k])
            for turn in range(arguments.evidence.rankers)
        ]
        for k in parts
    ]
    shown = [p for p in proposed if p.shown]
    consensus = choose_consensus([judge(rankers[p.example.part], p) for p in shown])
    # The confidence is for what users have: pixels, where there are any. Each sentence is asked of
    # its own video and of another one.
    asked = [p for p in shown if p.example.kind == "pixels"] or shown
    absent = negatives([p.example for p in asked], 1.0, arguments.seed + 1)
    elsewhere = [
        p for k in parts for p in propose_unseen(modules[k], [e for e in absent if e.part == k])
    ]
    judged = [judge(rankers[p.example.part], p) for p in (*asked, *elsewhere)]
    background = background_of([p.example for p in asked], arguments.seed)
    calibration = calibrate(judged, consensus, background)
    every = tuple(r for own in rankers for r in own)
    nothing = Checkpoint(KIND, {}, (), {})
    return Localizer(tuple(modules), every, vocabulary, calibration, nothing, consensus, background)


def _fit_module(
    fit: Fit, member: int, examples: Sequence[Example], targets: Sequence[Target]
) -> LocalizationModule:
    arguments = fit.arguments
    how, seed = arguments.optimiser, arguments.seed * 100 + member
    torch.manual_seed(seed_of(seed, 10**6 - 1))
    module = LocalizationModule(config_for(examples[0], arguments.module))
    train(
        module,
        how,
        lambda epoch: batches(
            examples, targets, how.batch, seed_of(seed, epoch), arguments.mixture.query_dropout
        ),
        lambda m, batch: localization_loss(m, batch, arguments.loss),
        folder=fit.made(f"module-{member}"),
        run=fit.identity,
        seed=seed,
        stop=fit.stop,
        on_epoch=fit.told(f"module {member + 1}/{arguments.members}", how.epochs),
    )
    return module.eval()
