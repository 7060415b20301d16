"""A localizer as one checkpoint: members side by side, half precision on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iptnet import checkpoint as files_of
from iptnet.checkpoint import Checkpoint
from iptnet.errors import IntegrityError
from iptnet.features.recipe import Recipe
from iptnet.model.localization.calibration import Calibration
from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.members import Engine, restored
from iptnet.model.localization.presence import FIGURES, Background
from iptnet.model.localization.words import CHARACTERS, WordTable
from iptnet.model.vocabulary import BYTES
from iptnet.rebuilding import LARGEST, configured
from iptnet.selection.moments import Consensus

if TYPE_CHECKING:
    import torch

    from iptnet.model.localizer import Localizer

KIND = "localization"
MODULE, RANKER, VOCABULARY = "module", "ranker", "vocabulary"
SENTENCES, PICTURES = "background.sentences", "background.pictures"
WORDS, VECTORS = "words.text", "words.vectors"

MOST = 1000  # modules and rankers, far beyond what anybody trains

FORMAT = 2
"""1: up to 0.1, without background and consensus, and of other evidence."""


def to_checkpoint(
    localizer: Localizer, recipes: tuple[Recipe, ...], provenance: Mapping[str, Any]
) -> Checkpoint:
    """The localizer as a checkpoint, not yet written.

    Raises:
        TypeError: its members are not torch's: read it with that engine.
    """
    import torch

    from iptnet.model.localization.module import LocalizationModule
    from iptnet.model.localization.ranker import Ranker

    tensors: dict[str, torch.Tensor] = {VOCABULARY: torch.from_numpy(localizer.vocabulary.copy())}
    for part, members in ((MODULE, localizer.modules), (RANKER, localizer.rankers)):
        for k, member in enumerate(members):
            if not isinstance(member, LocalizationModule | Ranker):
                raise TypeError(f"{type(member).__name__} is for answering only")
            for name, value in member.state_dict().items():
                # Evidence spans orders of magnitude: its statistics stay whole.
                keep = part == RANKER and name in ("mean", "scale")
                tensors[f"{part}.{k}.{name}"] = value if keep else value.half()
    if localizer.background is not None:
        for key, rows in (
            (SENTENCES, localizer.background.sentences),
            (PICTURES, localizer.background.pictures),
        ):
            tensors[key] = torch.from_numpy(rows).half()
    if localizer.words is not None:
        text = np.frombuffer("\n".join(localizer.words.words).encode(), np.uint8)
        tensors[WORDS] = torch.from_numpy(text.copy())
        tensors[VECTORS] = torch.from_numpy(localizer.words.vectors).half()
    config = {
        "format": FORMAT,
        "module": asdict(localizer.modules[0].config),
        "modules": len(localizer.modules),
        "rankers": len(localizer.rankers),
        "ranker_hidden": localizer.rankers[0].hidden if localizer.rankers else 0,
        "consensus": asdict(localizer.consensus),
        "calibration": asdict(localizer.calibration),
    }
    return Checkpoint(KIND, config, recipes, tensors, dict(provenance))


def read_localizer(path: Path, engine: Engine = "auto") -> Localizer:
    """Read and verify.

    Args:
        path: the checkpoint.
        engine: what its members run on.

    Raises:
        InputError: no such file.
        IntegrityError: not a localizer, altered, or from another version.
    """
    from iptnet.model.localizer import Localizer

    plain = files_of.load_plain(path, KIND) if engine == "auto" else None
    stored = plain or files_of.load(path, KIND)
    if stored.config.get("format") != FORMAT:
        raise _other_version(path, f"format {stored.config.get('format', 1)}, not {FORMAT}")
    try:
        config = configured(LocalizationConfig, stored.config["module"], str(path))
        count, rankers = int(stored.config["modules"]), int(stored.config["rankers"])
        hidden = int(stored.config["ranker_hidden"])
        consensus = configured(Consensus, stored.config["consensus"], str(path))
        raw = stored.config["calibration"]
        slopes = tuple(float(w) for w in raw["slopes"])
        calibration = Calibration(slopes, float(raw["offset"]))
        _require_sane(slopes, calibration.offset, count, rankers, hidden)
        vocabulary = np.asarray(stored.tensors[VOCABULARY])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _other_version(path, f"{type(error).__name__} {error}") from error
    if vocabulary.shape != (BYTES,) or vocabulary.dtype != np.uint8 or count < 1:
        raise _other_version(path, "its vocabulary")
    background = _background(stored, path)
    if len(calibration.slopes) != (1 if background is None else 1 + FIGURES):
        raise _other_version(path, "its calibration")
    modules, ranking = restored(
        config,
        hidden,
        _parts(stored, MODULE, count),
        _parts(stored, RANKER, rankers),
        path=path,
        engine=engine,
    )
    words = _words(stored, config, path)
    own = tuple(f"{p}.{k}." for p, n in ((MODULE, count), (RANKER, rankers)) for k in range(n))
    others = {VOCABULARY, SENTENCES, PICTURES} | ({WORDS, VECTORS} if words else set())
    if extra := [k for k in stored.tensors if not k.startswith(own) and k not in others]:
        raise IntegrityError(f"{path} does not fit the model: extra {extra[0]}", "check its config")
    return Localizer(
        modules, ranking, vocabulary, calibration, stored, consensus, background, words
    )


def _background(stored: Checkpoint, path: Path) -> Background | None:
    found = [
        files_of.single(stored.tensors[k]) for k in (SENTENCES, PICTURES) if k in stored.tensors
    ]
    if not found:
        return None
    width = stored.config["module"]["width"]
    if len(found) < 2 or any(rows.ndim != 2 or rows.shape[1] != width for rows in found):
        raise _other_version(path, "its background")
    return Background(*found)


def _words(stored: Checkpoint, config: LocalizationConfig, path: Path) -> WordTable | None:
    if config.text != "glove":
        return None
    try:
        words = tuple(np.asarray(stored.tensors[WORDS]).tobytes().decode().split("\n"))
        vectors = files_of.single(stored.tensors[VECTORS])
    except (KeyError, ValueError, TypeError) as error:
        raise _other_version(path, "its word vectors") from error
    if vectors.shape != (len(words), config.word_width) or config.characters != CHARACTERS:
        raise _other_version(path, "its word vectors")
    return WordTable(words, vectors)


def _other_version(path: Path, why: str) -> IntegrityError:
    return IntegrityError(f"{path} is of another version: {why}", "train it again")


def _require_sane(
    slopes: tuple[float, ...], offset: float, count: int, rankers: int, hidden: int
) -> None:
    if not all(math.isfinite(x) for x in (*slopes, offset)):
        raise ValueError("a calibration that is not finite")
    if not (0 < count <= MOST and 0 <= rankers <= MOST and 0 <= hidden <= LARGEST):
        raise ValueError(f"{count} modules and {rankers} rankers of {hidden}")


def _parts(stored: Checkpoint, part: str, count: int) -> dict[str, dict[str, Any]]:
    """The tensors of each member, by the member's name."""
    return {
        prefix[:-1]: {
            k.removeprefix(prefix): v for k, v in stored.tensors.items() if k.startswith(prefix)
        }
        for prefix in (f"{part}.{k}." for k in range(count))
    }
