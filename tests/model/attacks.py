"""Checkpoints that lie in their configuration, with a digest that is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from iptnet import checkpoint
from iptnet.features.projection import (
    Projection,
    ProjectionShape,
    load_projection,
    save_projection,
)
from iptnet.model.localization.files import read_localizer
from iptnet.model.localization.files import to_checkpoint as localizer_checkpoint
from iptnet.model.localization.module import LocalizationConfig, LocalizationModule
from iptnet.model.localizer import Localizer
from iptnet.model.summarization import SummarizationConfig, SummarizationModule
from iptnet.model.summarizer import load_summarizer, to_checkpoint
from iptnet.model.vocabulary import new_filter
from tests.moments.test_ranker import ranker
from tests.training.toys import RECIPE


def summarizer(path: Path) -> Path:
    """A small one."""
    config = SummarizationConfig(width=16, heads=2, hidden=8)
    made = to_checkpoint(SummarizationModule(config), "importance", (RECIPE,), {"f": 1})
    checkpoint.save(path, made)
    return path


def localizer(path: Path) -> Path:
    """A small one, of a module and a ranker."""
    config = LocalizationConfig(width=16, word_width=16, hidden=8, heads=2, steps=16, similarity=2)
    nothing = checkpoint.Checkpoint("localization", {}, (), {})
    made = Localizer(LocalizationModule(config), new_filter(), nothing, ranker())
    checkpoint.save(path, localizer_checkpoint(made, (RECIPE,), {}))
    return path


def projection(path: Path) -> Path:
    """One with a narrow perceptron."""
    save_projection(path, Projection(ProjectionShape(hidden=4)), None, {})
    return path


KINDS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    "summarizer": (summarizer, load_summarizer),
    "localizer": (localizer, read_localizer),
    "projection": (projection, load_projection),
}
VALUES: tuple[Any, ...] = (
    "__import__('os').system('touch pwned')",
    "/etc/passwd",
    {"__reduce__": "os.system"},
    ["os.system"],
    None,
    True,
    -8,
    0,
    3,
    10**12,
    10**400,
    1e308,
    0.5,
    "nan",
)


def places(config: dict[str, Any], prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of all values of a configuration."""
    found = []
    for key, value in config.items():
        found.append((*prefix, key))
        if isinstance(value, dict):
            found += places(value, (*prefix, key))
    return found


def with_value(config: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The configuration with another value at a place."""
    if len(place) == 1:
        return {**config, place[0]: value}
    return {**config, place[0]: with_value(config[place[0]], place[1:], value)}


def forged(source: Path, to: Path, config: dict[str, Any]) -> Path:
    """A copy with another configuration, its digest made anew."""
    checkpoint.save(to, replace(checkpoint.load(source), config=config))
    return to
