"""Checkpoints, training states and cache entries: whole as they were written, or refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from iptnet.errors import IptnetError
from iptnet.features.cache import FeatureCache, Features
from iptnet.training.arguments import OptimiserArguments
from iptnet.training.loop import build_optimiser
from iptnet.training.state import TrainingState, load_state, save_state
from tests.fuzz.runner import Target, run
from tests.model.attacks import KINDS
from tests.training.toys import RECIPE

KEY = "ab" * 32


def seeds(folder: Path) -> list[bytes]:
    """One of each kind of model, a state, a cache entry."""
    torch.set_num_threads(1)
    made = [KINDS[kind][0](folder / kind) for kind in ("summarizer", "localizer")]
    module, optimiser, state = _run()
    module(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    save_state(folder / "state", state, module, optimiser, dict(module.state_dict()))
    cache = FeatureCache(folder / "cache")
    cache.put(KEY, Features(np.arange(3.0), np.ones((3, 16), np.float32), RECIPE))
    return [p.read_bytes() for p in (*made, folder / "state", cache.path(KEY, RECIPE))]


def judge(path: Path) -> None:
    """Every reader; at least one takes what is whole."""
    taken, refused = 0, list[IptnetError]()
    for _, load in (KINDS["summarizer"], KINDS["localizer"]):
        try:
            load(path)
            taken += 1
        except IptnetError as error:
            refused.append(error)
    module, optimiser, state = _run()
    try:
        load_state(path, state.run, module, optimiser, {})
        taken += 1
    except IptnetError as error:
        refused.append(error)
    cache = FeatureCache(path.parent / "own cache")
    entry = cache.path(KEY, RECIPE)
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_bytes(path.read_bytes())
    found = cache.get(KEY, RECIPE)
    assert found is None or np.array_equal(found.vectors, np.ones((3, 16)))
    taken += found is not None
    if not taken:
        raise refused[-1]


def _run() -> tuple[torch.nn.Module, torch.optim.Optimizer, TrainingState]:
    module = torch.nn.Linear(3, 2)
    return module, build_optimiser(module, OptimiserArguments()), TrainingState("run", 1, [])


TARGET = Target("checkpoints", seeds, judge)

if __name__ == "__main__":
    sys.exit(run(TARGET))
