"""Tuning the network's late stages on captioned pictures, resumable at each epoch's end.

The last two stages and the last layer learn, each block with a smaller rate than the one after it.
A few thousand pictures would make the network forget what it knows of a thousand classes, so the
published network's probabilities stay a target (distillation from itself), and what is kept is the
moving average of the weights.
"""

from __future__ import annotations

import copy
import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from iptnet import checkpoint
from iptnet.checkpoint import Checkpoint
from iptnet.features.backbone import EfficientNetLite0, late_stages, with_late_stages
from iptnet.features.lite_recipe import WIDTH
from iptnet.features.projection import Projection, pool
from iptnet.losses.contrastive import caption_contrast
from iptnet.training.captioned import Captioned, OnProgress
from iptnet.training.contrast import Batch, batches, epoch_of, members, optimisation
from iptnet.training.heads import new_head, start_from_ridge
from iptnet.training.projection_config import ProjectionConfig
from iptnet.training.state import TrainingState, load_state, save_state

LAYER_DECAY = 0.8
"""Rate of a block relative to that of the one after it."""

EPOCH_SEEDS = 10_007
"""Distance of the seeds of an epoch's dropout, so that runs of neighbouring seeds share none."""

STATE = "tuning.safetensors"
TUNED = "late_stages.safetensors"
KIND = "late-stages"
UNRELATED = ("data", "epochs", "batch", "rate", "linear_rate", "folds", "clips", "clip_captions")
"""Settings that tuning does not depend on."""


class TunedNetwork(nn.Module):
    """The late stages with a head beside them."""

    def __init__(self, backbone: EfficientNetLite0, head: Projection) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, middle: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map middle maps (N, 112, 14, 14) to frame vectors (N, 256) and class logits (N, 1000)."""
        pooled = pool(middle, self.backbone.top_map(middle))
        logits = self.backbone.classifier(pooled[:, :WIDTH])
        return self.head(pooled, logits), logits


def tune(
    published: EfficientNetLite0,
    sources: Sequence[Captioned],
    before: Sequence[Sequence[NDArray[np.float16]]],
    classes: torch.Tensor,
    *,
    config: ProjectionConfig,
    out: Path,
    on_progress: OnProgress,
) -> EfficientNetLite0:
    """Tune the late stages, or read what an earlier run of this configuration made of them.

    Args:
        published: the network as published.
        sources: pictures and stills; clips stay unseen, so that their vectors are honest.
        before: (R, 1504) pooled activations of each source and view by the published network.
        classes: (1000, 256) vectors of the class names.
        config: epochs, rates, loss.
        out: run folder.
        on_progress: called with a stage, steps done and in all.

    Raises:
        IntegrityError: what lies in ``out`` is of another configuration.
    """
    settings = {k: v for k, v in asdict(config).items() if k not in UNRELATED}
    mark = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    done_before = out / TUNED
    if done_before.is_file():
        stored = checkpoint.load(done_before, KIND)
        if stored.provenance.get("run") == mark:
            return with_late_stages(published, stored.tensors)
    torch.manual_seed(config.seed)
    head = new_head(config, classes)
    start_from_ridge(head, sources, before, config.ridge)
    network = TunedNetwork(copy.deepcopy(published), head)
    groups = _rates(network, config)
    draws = [1 if s.name == "pictures" else config.still_draws for s in sources]
    pairs = members(sources, draws, config.share)
    size = min(config.tuning_batch, len(pairs))
    steps = config.tuning_epochs * (len(pairs) // size)
    optimiser, schedule = optimisation(groups, config.decay, steps)
    average = {n: p.detach().clone() for n, p in network.named_parameters() if p.requires_grad}
    state = TrainingState(mark, 0, [])
    if (out / STATE).is_file():
        state = load_state(out / STATE, mark, network, optimiser, average)
    done = state.epoch * (len(pairs) // size)
    with warnings.catch_warnings():
        # The steps that these rates belong to were taken by the interrupted run.
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
        for _ in range(done):
            schedule.step()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()

    def loss_of(batch: Batch) -> torch.Tensor:
        maps = batch.inputs.to(memory_format=torch.channels_last)
        vectors, logits = network(maps)
        loss = caption_contrast(vectors, batch.sentences, config.temperature, config.softness)
        return loss + config.memory * forgetting(published, before, batch, logits)

    for epoch in range(state.epoch, config.tuning_epochs):
        torch.manual_seed(config.seed + EPOCH_SEEDS * (epoch + 1))  # dropout, also after a resume
        done = epoch_of(
            network,
            average,
            (optimiser, schedule),
            batches(sources, [s.views for s in sources], pairs, size, (config.seed, epoch)),
            loss_of,
            keep=config.average,
            start=done,
            on_step=lambda step, loss: on_progress("tuning", step, steps),
        )
        state = TrainingState(mark, epoch + 1, [])
        save_state(out / STATE, state, network, optimiser, average)
    tuned = {
        name.removeprefix("backbone."): tensor.half()
        for name, tensor in average.items()
        if name.startswith("backbone.")
    }
    checkpoint.save(done_before, Checkpoint(KIND, {}, (), tuned, {"run": mark}))
    return with_late_stages(published, tuned)


def forgetting(
    published: EfficientNetLite0,
    before: Sequence[Sequence[NDArray[np.float16]]],
    batch: Batch,
    logits: torch.Tensor,
) -> torch.Tensor:
    """Divergence of the class probabilities from the published network's, averaged over frames.

    Args:
        published: whose classifier is asked.
        before: its pooled activations of each source and view.
        batch: which rows.
        logits: (N, 1000) of the network that is trained.
    """
    rows = np.concatenate([before[s][v][r][:, :WIDTH] for s, v, r in batch.places])
    with torch.no_grad():
        known = published.classifier(torch.from_numpy(rows).float()).log_softmax(dim=1)
    return F.kl_div(logits.log_softmax(dim=1), known, log_target=True, reduction="batchmean")


def _rates(
    network: TunedNetwork, config: ProjectionConfig
) -> list[tuple[list[nn.Parameter], float]]:
    """Parameters and their rates: the head's, then those of the late stages, last layer first."""
    groups = [
        (list(network.head.linear.parameters()), config.linear_rate),
        (list(network.head.perceptron.parameters()), config.rate),
    ]
    for back, layer in enumerate(late_stages(network.backbone)):
        parameters = list(layer.requires_grad_(True).parameters())
        groups.append((parameters, config.tuning_rate * LAYER_DECAY**back))
    return groups
