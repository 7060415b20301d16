"""A localizer as one checkpoint: LM, ranker, confidence and background; half precision on disk."""

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
from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.members import Engine, restored
from iptnet.model.localization.words import CHARACTERS, WordTable
from iptnet.model.vocabulary import BYTES
from iptnet.moments.confidence import FIGURES, LENGTHS, Background, Confidence
from iptnet.moments.ranker import NAMES, Ranker
from iptnet.moments.ranker import restored as restored_ranker
from iptnet.rebuilding import configured

if TYPE_CHECKING:
    import torch

    from iptnet.model.localizer import Localizer

KIND = "localization"
MODULE, RANKER, VOCABULARY = "module.", "ranker.", "vocabulary"
BACKGROUND = "background."
SENTENCES, CLASSES, PICTURES = (BACKGROUND + n for n in ("sentences", "lengths", "pictures"))
WORDS, VECTORS = "words.text", "words.vectors"

FORMAT = 3
"""1: without background and consensus; 2: three modules, nine rankers, other evidence."""


def to_checkpoint(
    localizer: Localizer, recipes: tuple[Recipe, ...], provenance: Mapping[str, Any]
) -> Checkpoint:
    """Make a checkpoint of a localizer, not yet written.

    Raises:
        TypeError: its module is not PyTorch's: read it with that engine.
    """
    import torch

    from iptnet.model.localization.module import LocalizationModule

    module = localizer.module
    if not isinstance(module, LocalizationModule):
        raise TypeError(f"{type(module).__name__} is for answering only")
    tensors: dict[str, torch.Tensor] = {VOCABULARY: torch.from_numpy(localizer.vocabulary.copy())}
    tensors |= {MODULE + name: value.half() for name, value in module.state_dict().items()}
    if localizer.ranker is not None:
        # A ranker is small, and its evidence spans orders of magnitude: it stays whole.
        arrays = {RANKER + name: getattr(localizer.ranker, name) for name in NAMES}
        tensors |= {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    background = localizer.background
    if background is not None:
        tensors[SENTENCES] = torch.from_numpy(background.sentences).half()
        tensors[PICTURES] = torch.from_numpy(background.pictures).half()
        tensors[CLASSES] = torch.from_numpy(background.lengths.astype(np.uint8))
    if localizer.words is not None:
        text = np.frombuffer("\n".join(localizer.words.words).encode(), np.uint8)
        tensors[WORDS] = torch.from_numpy(text.copy())
        tensors[VECTORS] = torch.from_numpy(localizer.words.vectors).half()
    config = {
        "format": FORMAT,
        "module": asdict(module.config),
        "ranked": localizer.ranker is not None,
        "confidence": asdict(localizer.confidence),
    }
    return Checkpoint(KIND, config, recipes, tensors, dict(provenance))


def read_localizer(path: Path, engine: Engine = "auto") -> Localizer:
    """Read and verify.

    Args:
        path: the checkpoint.
        engine: what its module runs on.

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
        ranked = stored.config["ranked"]
        confidence = _confidence(stored.config["confidence"])
        vocabulary = np.asarray(stored.tensors[VOCABULARY])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _other_version(path, f"{type(error).__name__} {error}") from error
    if not isinstance(ranked, bool):
        raise _other_version(path, "whether it is ranked")
    if vocabulary.shape != (BYTES,) or vocabulary.dtype != np.uint8:
        raise _other_version(path, "its vocabulary")
    ranker = _ranker(stored, path) if ranked else None
    background = _background(stored, config, path)
    module = restored(config, _part(stored, MODULE), ranked=ranked, path=path, engine=engine)
    words = _words(stored, config, path)
    known = {VOCABULARY, *((WORDS, VECTORS) if words else ())}
    parts = (MODULE, *((RANKER,) if ranked else ()), *((BACKGROUND,) if background else ()))
    if extra := [k for k in stored.tensors if not k.startswith(parts) and k not in known]:
        raise IntegrityError(f"{path} does not fit the model: extra {extra[0]}", "check its config")
    return Localizer(module, vocabulary, stored, ranker, confidence, background, words)


def _confidence(raw: Mapping[str, Any]) -> Confidence:
    presence = tuple(float(x) for x in raw["presence"])
    right = tuple(float(x) for x in raw["right"])
    threshold = float(raw["threshold"])
    if len(presence) != FIGURES + 1 or len(right) != 3:
        raise ValueError("a confidence of other figures")
    if not all(math.isfinite(x) for x in (*presence, *right, threshold)):
        raise ValueError("a confidence that is not finite")
    return Confidence(presence, right, threshold)


def _ranker(stored: Checkpoint, path: Path) -> Ranker:
    arrays = {name: files_of.single(row) for name, row in _part(stored, RANKER).items()}
    try:
        return restored_ranker(arrays)
    except ValueError as error:
        raise _other_version(path, str(error)) from error


def _background(stored: Checkpoint, config: LocalizationConfig, path: Path) -> Background | None:
    names = (SENTENCES, CLASSES, PICTURES)
    if not any(name in stored.tensors for name in names):
        return None
    try:
        sentences, pictures = (files_of.single(stored.tensors[n]) for n in (SENTENCES, PICTURES))
        lengths = np.asarray(stored.tensors[CLASSES]).astype(np.int64)
    except KeyError as error:
        raise _other_version(path, "its background") from error
    rows = (sentences, pictures)
    if any(r.ndim != 2 or r.shape[1] != config.width or not len(r) for r in rows):
        raise _other_version(path, "its background")
    if lengths.shape != sentences.shape[:1] or lengths.min() < 0 or lengths.max() > len(LENGTHS):
        raise _other_version(path, "its background")
    return Background(sentences, lengths, pictures)


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


def _part(stored: Checkpoint, prefix: str) -> dict[str, Any]:
    """The tensors of one part, by their names in it."""
    return {k.removeprefix(prefix): v for k, v in stored.tensors.items() if k.startswith(prefix)}
