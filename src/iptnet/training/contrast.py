"""One epoch of picture–sentence contrast, for the head alone or with the network's late stages.

Randomness comes from (seed, epoch), so that a run that goes on ends with the same bits.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from iptnet.training.captioned import Captioned
from iptnet.training.compiler import import_compiler
from iptnet.training.partition import position

SENTENCES = 5
"""Sentences of an item in a batch, drawn anew each time."""
WARM_UP = 0.15
"""Share of the steps in which the rates rise to their maximum."""
LONGEST_STEP = 5.0
"""Norm to which a step's gradient is cut."""


@dataclass(frozen=True)
class Batch:
    """Some frames with their sentences.

    Attributes:
        inputs: (N, …) what the module reads of each frame, source after source.
        sentences: (N, K, 256), rows of length one.
        places: for each source and view that is in it: both numbers and the rows, in order.
    """

    inputs: torch.Tensor
    sentences: torch.Tensor
    places: tuple[tuple[int, int, NDArray[np.int64]], ...]


def members(sources: Sequence[Captioned], draws: Sequence[int], share: float) -> NDArray[np.int64]:
    """Pairs of source and item (M, 2), each training item as often as it is drawn in an epoch."""
    found = [
        (s, i)
        for s, (source, count) in enumerate(zip(sources, draws, strict=True))
        for i in source.of("train")
        # By another hash than the one that makes the parts: those are its lowest share.
        if share >= 1 or position(f"share {source.items[i]}") < share
        for _ in range(count)
    ]
    return np.array(found, np.int64).reshape(-1, 2)


def batches(
    sources: Sequence[Captioned],
    inputs: Sequence[Sequence[NDArray[np.float16]]],
    pairs: NDArray[np.int64],
    size: int,
    seed: tuple[int, int],
) -> Iterator[Batch]:
    """Go through the members once, in batches of a random row and view of each.

    Args:
        sources: where frames and sentences come from.
        inputs: of each source and view what the module reads, one entry a row.
        pairs: (M, 2), see :func:`members`.
        size: frames of a batch; what is left over at the end waits for the next epoch.
        seed: of the run and the epoch.
    """
    rng = np.random.default_rng(seed)
    order = pairs[rng.permutation(len(pairs))]
    for at in range(0, len(order) - size + 1, size):
        some = order[at : at + size]
        parts, said, places = [], [], []
        for s, source in enumerate(sources):
            items = some[some[:, 0] == s, 1]
            rows = np.array([source.rows[i][rng.integers(len(source.rows[i]))] for i in items])
            views = rng.integers(len(inputs[s]), size=len(items))
            for view in range(len(inputs[s])):
                # In the file's order, which is how a disk likes to be read.
                chosen = np.flatnonzero(views == view)
                chosen = chosen[np.argsort(rows[chosen], kind="stable")]
                if not len(chosen):
                    continue
                parts.append(torch.from_numpy(np.asarray(inputs[s][view][rows[chosen]])))
                places.append((s, view, rows[chosen].astype(np.int64)))
                for item in items[chosen]:
                    own = source.sentences[item]
                    drawn = rng.integers(len(own), size=SENTENCES)
                    said.append(own[torch.from_numpy(drawn)])
        yield Batch(torch.cat(parts).float(), torch.stack(said), tuple(places))


def optimisation(
    groups: Sequence[tuple[list[nn.Parameter], float]], decay: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Make AdamW with a rate a group, each rising to it and falling to nothing over the steps."""
    import_compiler()
    optimiser = torch.optim.AdamW(
        [{"params": parameters, "lr": rate} for parameters, rate in groups], weight_decay=decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=[rate for _, rate in groups],
        total_steps=max(steps, 2),
        pct_start=WARM_UP,
        # Momentum stays: cycling it would have to be part of a resumed state.
        cycle_momentum=False,
    )
    return optimiser, schedule


def epoch_of(
    module: nn.Module,
    average: dict[str, torch.Tensor],
    stepped: tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler],
    found: Iterator[Batch],
    loss_of: Callable[[Batch], torch.Tensor],
    *,
    keep: float,
    start: int,
    on_step: Callable[[int, float], None],
) -> int:
    """Train for an epoch and follow the weights with their moving average.

    Args:
        module: what is trained.
        average: its trainable tensors by name, changed in place.
        stepped: optimiser and schedule, see :func:`optimisation`.
        found: the batches.
        loss_of: the loss of a batch.
        keep: decay of the average; less in the first steps.
        start: steps done before.
        on_step: told the steps done and the loss.

    Returns:
        Steps done.
    """
    step, (optimiser, schedule) = start, stepped
    trained = {n: p for n, p in module.named_parameters() if p.requires_grad}
    for batch in found:
        loss = loss_of(batch)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained.values(), LONGEST_STEP)
        optimiser.step()
        schedule.step()
        step += 1
        decay = min(keep, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, parameter in trained.items():
                average[name].lerp_(parameter, 1 - decay)
        on_step(step, float(loss.detach()))
    return step


def averaged(module: nn.Module, average: dict[str, torch.Tensor]) -> nn.Module:
    """Copy a module with its averaged weights, in evaluation mode."""
    made = copy.deepcopy(module).eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name in average:
                parameter.copy_(average[name])
    return made.requires_grad_(False)
