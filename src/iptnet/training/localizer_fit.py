"""Fit one localizer to examples: LM, then the ranker and the confidence of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.checkpoint import Checkpoint
from iptnet.errors import UsageError
from iptnet.features.text import TextEncoder
from iptnet.model.grid import at_times
from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.files import KIND
from iptnet.model.localization.module import LocalizationModule
from iptnet.model.localization.video import GridVideo, coarsened
from iptnet.model.localization.words import CHARACTERS
from iptnet.model.localizer import Localizer, VideoIndex
from iptnet.training.fitting import Fit
from iptnet.training.localization_arguments import ModuleArguments
from iptnet.training.loop import seed_of, train
from iptnet.training.moment_batches import Target, batches, localization_loss, target_of
from iptnet.training.moment_examples import Example, negatives
from iptnet.training.ranker_fit import (
    MapsOf,
    Videos,
    background_of,
    fit_confidence,
    fit_ranker,
    propose,
)

ASKED = 1200
"""Examples that the confidence is fitted on, each asked of two videos."""


def fit_localizer(
    fit: Fit,
    examples: Sequence[Example],
    vocabulary: NDArray[np.uint8],
    short: Sequence[Example] = (),
    texts: Sequence[str] = (),
) -> Localizer:
    """Train LM, and with ``decode: ranked`` what ranks; resumable at every epoch of each.

    Args:
        fit: of the run.
        examples: that both learn from.
        vocabulary: filter of the words seen in training.
        short: that the ranker alone learns from.
        texts: sentences that the background draws from, beside the examples'.

    Raises:
        UsageError: features of another width than sentences have, with ``decode: ranked``.
        Interrupted: a signal asked to stop.
        LimitError: a loss that is not finite.
        IntegrityError: a foreign state in the folder.
    """
    arguments = fit.arguments
    nothing = Checkpoint(KIND, {}, (), {})
    width = examples[0].video.vectors.shape[1]
    if arguments.decode == "ranked" and width != TextEncoder.width:
        raise UsageError(
            f"decode ranked compares features with sentences of {TextEncoder.width} numbers, and "
            f"these have {width}",
            "give features of the lite recipe, or decode: spans",
        )
    module = _fit_module(fit, examples, "module")
    if arguments.decode == "spans":
        return Localizer(module, vocabulary, nothing)
    videos = Videos()
    maps_of = _unseen_maps(fit, examples, vocabulary) if arguments.ranking.maps else None
    proposed = propose([*examples, *short], videos, maps_of)
    ranker = fit_ranker(fit, proposed)
    # The confidence is for what users have: pixels, where there are any.
    shown = [p for p in proposed if len(p.example.windows)]
    asked = [p for p in shown if p.example.kind == "pixels"] or shown
    draw = np.random.default_rng([arguments.seed, 8])
    asked = [asked[i] for i in draw.permutation(len(asked))[:ASKED]]
    elsewhere = negatives([p.example for p in asked], 1.0, arguments.seed + 1)
    background = background_of([p.example for p in asked], texts, arguments.seed)
    confidence = fit_confidence(ranker, asked, propose(elsewhere, videos, maps_of), background)
    return Localizer(module, vocabulary, nothing, ranker, confidence, background)


def config_for(example: Example, module: ModuleArguments) -> LocalizationConfig:
    """The module that reads such examples: their width, their word vectors."""
    config = LocalizationConfig(width=example.video.vectors.shape[1], **asdict(module))
    if example.characters is None:
        return config
    words = example.tokens.shape[1]
    return replace(config, text="glove", word_width=words, characters=CHARACTERS)


def on_module_grid(examples: Sequence[Example], steps: int) -> list[Example]:
    """The examples with their videos on the module's grid; videos are pooled once."""
    known: dict[int, GridVideo] = {}
    found = []
    for example in examples:
        fine = example.video
        video = known.setdefault(id(fine), coarsened(fine, steps))
        saliency = example.saliency
        if saliency is not None and video is not fine:
            middles = (video.edges[1:] + video.edges[:-1]) / 2
            saliency = at_times(fine.edges, saliency, middles).astype(np.float32)
        found.append(replace(example, video=video, saliency=saliency))
    return found


def _unseen_maps(fit: Fit, examples: Sequence[Example], vocabulary: NDArray[np.uint8]) -> MapsOf:
    """Train a module without each part, and answer each example by the one of its part."""
    nothing = Checkpoint(KIND, {}, (), {})
    modules = [
        _fit_module(fit, [e for e in examples if e.part != part], f"module-{part}", 1 + part)
        for part in range(fit.arguments.ranking.heads)
    ]
    localizers = [Localizer(module, vocabulary, nothing) for module in modules]
    known: dict[tuple[int, int], VideoIndex] = {}

    def maps_of(example: Example) -> NDArray[np.float64]:
        key = (id(example.video), example.part)
        if key not in known:
            middles = (example.video.edges[1:] + example.video.edges[:-1]) / 2
            known[key] = VideoIndex(localizers[example.part], example.video, middles)
        return known[key].learned_maps(example.query)

    return maps_of


def _fit_module(
    fit: Fit, examples: Sequence[Example], name: str, turn: int = 0
) -> LocalizationModule:
    """Train LM on examples; ``turn`` tells the seeds of several apart."""
    arguments = fit.arguments
    how, seed = arguments.optimiser, arguments.seed * 100 + turn
    torch.manual_seed(seed_of(seed, 10**6 - 1))
    module = LocalizationModule(config_for(examples[0], arguments.module))
    own = on_module_grid(examples, module.config.steps)
    targets: list[Target] = [target_of(e, arguments.loss.extension) for e in own]
    train(
        module,
        how,
        lambda epoch: batches(
            own, targets, how.batch, seed_of(seed, epoch), arguments.mixture.query_dropout
        ),
        lambda m, batch: localization_loss(m, batch, arguments.loss),
        folder=fit.made(name),
        run=fit.identity,
        seed=seed,
        stop=fit.stop,
        on_epoch=fit.told(name, how.epochs),
    )
    return module.eval()
