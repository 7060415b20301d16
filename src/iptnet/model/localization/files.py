"""A localizer as one checkpoint: members side by side, half precision on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from iptnet import checkpoint as files_of
from iptnet.checkpoint import Checkpoint
from iptnet.errors import IntegrityError
from iptnet.features.recipe import Recipe
from iptnet.model.localization.calibration import Calibration
from iptnet.model.localization.module import LocalizationConfig, LocalizationModule
from iptnet.model.localization.ranker import Ranker
from iptnet.model.localization.ranking import COLUMNS
from iptnet.model.vocabulary import BYTES

if TYPE_CHECKING:
    from iptnet.model.localizer import Localizer

KIND = "localization"
M = TypeVar("M", bound=torch.nn.Module)
MODULE, RANKER, VOCABULARY = "module", "ranker", "vocabulary"


def to_checkpoint(
    localizer: Localizer, recipes: tuple[Recipe, ...], provenance: Mapping[str, Any]
) -> Checkpoint:
    """The localizer as a checkpoint, not yet written."""
    tensors: dict[str, torch.Tensor] = {VOCABULARY: torch.from_numpy(localizer.vocabulary.copy())}
    for part, members in ((MODULE, localizer.modules), (RANKER, localizer.rankers)):
        for k, member in enumerate(members):
            for name, value in member.state_dict().items():
                # Evidence spans orders of magnitude: its statistics stay whole.
                keep = part == RANKER and name in ("mean", "scale")
                tensors[f"{part}.{k}.{name}"] = value if keep else value.half()
    config = {
        "module": asdict(localizer.modules[0].config),
        "modules": len(localizer.modules),
        "rankers": len(localizer.rankers),
        "ranker_hidden": localizer.rankers[0].layers[0].out_features if localizer.rankers else 0,
        "calibration": asdict(localizer.calibration),
    }
    return Checkpoint(KIND, config, recipes, tensors, dict(provenance))


def read_localizer(path: Path) -> Localizer:
    """Read and verify.

    Raises:
        InputError: no such file.
        IntegrityError: not a localizer, altered, or from another version.
    """
    from iptnet.model.localizer import Localizer

    stored = files_of.load(path, KIND)
    try:
        config = LocalizationConfig.from_dict(stored.config["module"])
        count, rankers = int(stored.config["modules"]), int(stored.config["rankers"])
        hidden = int(stored.config["ranker_hidden"])
        calibration = Calibration(**stored.config["calibration"])
        vocabulary = stored.tensors[VOCABULARY].numpy()
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{path} is of another version: {error}", "train it again") from error
    if vocabulary.shape != (BYTES,) or vocabulary.dtype != np.uint8 or count < 1:
        raise IntegrityError(f"{path} is of another version", "train it again")
    modules = tuple(
        _restored(LocalizationModule(config), stored, f"{MODULE}.{k}.", path) for k in range(count)
    )
    ranking = tuple(
        _restored(Ranker(COLUMNS, hidden), stored, f"{RANKER}.{k}.", path) for k in range(rankers)
    )
    return Localizer(modules, ranking, vocabulary, calibration, stored)


def _restored(module: M, stored: Checkpoint, prefix: str, path: Path) -> M:
    own = {k.removeprefix(prefix): v for k, v in stored.tensors.items() if k.startswith(prefix)}
    part = Checkpoint(KIND, {}, (), own)
    files_of.restore(module, part, f"{path} ({prefix[:-1]})")
    return module.eval()
