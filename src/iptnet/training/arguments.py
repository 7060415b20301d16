"""Everything a training run depends on, as frozen dataclasses read from YAML.

``task`` in the file says which room trains it. A key nobody knows and a value of the wrong type are
refused by name: a misspelt option that silently keeps its default costs a night.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from iptnet.errors import InputError, LimitError, UsageError

T = TypeVar("T")
LARGEST = 1 << 20
"""Bytes of a configuration; ours have two thousand."""


@dataclass(frozen=True)
class ModelArguments:
    """Which summarization module; the defaults are the paper's."""

    heads: int = 8
    """Attention heads."""

    hidden: int = 128
    """Width of the shared head."""

    dropout: float = 0.5
    """On the attention, after it, and in the shared head."""

    attention: bool = True
    """Whether steps attend to each other before the head."""

    context: bool = False
    """Whether features are blurred and centred per video, with cues of how a step stands out."""


@dataclass(frozen=True)
class ObjectiveArguments:
    """What is learnt; the defaults are the paper's."""

    target: Literal["keyshots", "users"] = "keyshots"
    """0/1 keyshot summary of the mean user, or the mean of the users' ranks."""

    importance: Literal["focal", "bce", "mse", "correlation"] = "focal"
    """Loss of the importance head; mse and correlation are taken on its logits."""

    boundary: float = 1.0
    """Weight of −log IoU of the offsets."""

    centrality: float = 1.0
    """Weight of the centrality's cross-entropy."""


@dataclass(frozen=True)
class OptimiserArguments:
    """How it is learnt; the defaults are DSNet's."""

    name: Literal["adam", "adamw"] = "adam"
    """Adam with L2, or AdamW with decoupled weight decay."""

    lr: float = 5e-5
    """Learning rate (the paper states 1e-5)."""

    weight_decay: float = 1e-5
    """Weight decay, of the kind the optimiser has."""

    epochs: int = 300
    """Passes over the training videos."""

    batch: int = 1
    """Videos a step, grouped by length."""

    clip: float = 5.0
    """Largest gradient norm."""

    decay: bool = False
    """Whether the rate falls to a tenth, linearly, after 20 steps of warm-up."""

    average: float = 0.0
    """Decay of the exponential moving average of the weights that is kept; 0 keeps the last."""


@dataclass(frozen=True)
class AugmentationArguments:
    """Noise on the training features, held over stretches as a scene holds its look."""

    copies: int = 0
    """Noisy copies of every video, made once a run; epochs alternate between them and the clean."""

    noise: float = 0.0
    """Norm of the noise added to unit features."""

    residuals: str = ""
    """npy file of real residuals (N, D), picture minus sentence vector; empty: Gaussian."""


@dataclass(frozen=True)
class SummarizationArguments:
    """One published row of the summarizer: data, model, objective, optimiser, seeds."""

    task: Literal["summarization"] = "summarization"
    """Which room trains this file."""

    data: tuple[str, ...] = ()
    """Benchmark h5 files, when the command names none."""

    setting: Literal[
        "canonical", "validated", "augmented", "augmented-validated", "transfer", "shipped"
    ] = "canonical"
    """Which splits; shipped trains one model on everything but its two test videos."""

    datasets: tuple[str, ...] = ("summe", "tvsum")
    """Sets that are tested, each with its own splits; not for shipped."""

    seeds: tuple[int, ...] = (0, 1, 2)
    """One run a split and seed."""

    use_validation: bool = False
    """Train on the validation videos, too, once everything is chosen."""

    accepts: tuple[str, ...] = ()
    """Further recipes the checkpoints accept, by name: of the same space as the data's."""

    model: ModelArguments = field(default_factory=ModelArguments)
    """The module."""

    objective: ObjectiveArguments = field(default_factory=ObjectiveArguments)
    """The losses."""

    optimiser: OptimiserArguments = field(default_factory=OptimiserArguments)
    """The optimiser."""

    augmentation: AugmentationArguments = field(default_factory=AugmentationArguments)
    """The noise."""

    decode: Literal["boxes", "importance"] = "boxes"
    """From outputs to step scores: the paper's suppressed boxes, or the importance itself."""

    serve: float = 0.0
    """Seconds of propagation with which the importance is read; see docs/reproduce.md."""

    pictures: float = 0.0
    """Strength of the ridge that fits the importance on pictures to rated videos; 0: none."""


def task_of(path: Path | str) -> str:
    """The ``task`` of a configuration file.

    Raises:
        InputError: no such file, or not YAML.
        UsageError: it names no task.
    """
    task = read_yaml(Path(path)).get("task")
    if not isinstance(task, str):
        raise UsageError(f"{path} names no task", "begin with `task: summarization`; see configs/")
    return task


def load_arguments(path: Path | str, overrides: Sequence[str] = ()) -> SummarizationArguments:
    """Read a summarizer's configuration.

    Args:
        path: the YAML file.
        overrides: ``section.key=value`` assignments, values in YAML.

    Raises:
        InputError: no such file, or not YAML.
        UsageError: an unknown key, a value of the wrong type or beyond its range.
    """
    raw = read_yaml(Path(path))
    for assignment in overrides:
        _assign(raw, assignment)
    arguments = from_dict(SummarizationArguments, raw, str(path))
    _check(arguments, str(path))
    return arguments


def _assign(raw: dict[str, Any], assignment: str) -> None:
    import yaml

    name, equals, text = assignment.partition("=")
    if not equals:
        raise UsageError(f"{assignment!r} assigns nothing", "write key=value")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{assignment!r} assigns no YAML", "write key=value") from error
    *sections, key = name.split(".")
    at: Any = raw
    for section in sections:
        at = at.setdefault(section, {})
        if not isinstance(at, dict):
            raise UsageError(f"{assignment!r}: {section} is no section", "see configs/")
    at[key] = value


def to_yaml(arguments: SummarizationArguments) -> str:
    """The arguments as YAML that :func:`load_arguments` reads."""
    import json

    import yaml

    # Through JSON, so that tuples come out as the lists they were read from.
    return yaml.safe_dump(json.loads(json.dumps(asdict(arguments))), sort_keys=False)


def from_dict(kind: type[T], raw: Any, where: str) -> T:
    """A dataclass from plain values, every field checked; nested dataclasses included.

    Raises:
        UsageError: not a mapping, an unknown key, or a value of the wrong type.
    """
    assert is_dataclass(kind)
    if not isinstance(raw, Mapping):
        raise UsageError(f"{where}: expected a mapping, found {raw!r}", "see configs/")
    hints = typing.get_type_hints(kind)
    if unknown := [k for k in raw if k not in hints]:
        known = ", ".join(f.name for f in fields(kind))
        raise UsageError(f"{where}: unknown key {unknown[0]!r}", f"there are {known}")
    return kind(**{k: _value(hints[k], v, f"{where}: {k}") for k, v in raw.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return from_dict(hint, value, where)
    if origin is Literal and value in options:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_value(options[0], v, where) for v in value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        # Not math.isfinite: whole numbers in YAML may be larger than any float.
        if abs(value) <= sys.float_info.max:
            return float(value)
        raise UsageError(f"{where} is {value!r}", "expected a finite float")
    if (
        isinstance(hint, type)
        and isinstance(value, hint)
        and isinstance(value, bool) == (hint is bool)
    ):
        return value
    if origin is Literal:
        asked = f"one of {', '.join(map(str, options))}"
    else:
        asked = "a list" if origin is tuple else hint.__name__
    raise UsageError(f"{where} is {value!r}", f"expected {asked}")


def read_yaml(path: Path) -> dict[str, Any]:
    """A configuration file as plain values.

    Raises:
        InputError: no such file, or not a mapping in YAML.
        LimitError: far larger than any configuration.
    """
    import yaml

    if not path.is_file():
        raise InputError(f"no configuration at {path}", "see configs/")
    if path.stat().st_size > LARGEST:
        raise LimitError(f"{path} is too large for a configuration", "see configs/")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise InputError(f"{path} is nested too deeply", "see configs/") from error
    except (yaml.YAMLError, ValueError) as error:  # such as 2001-99-99, a date to YAML
        raise InputError(f"{path} is not YAML: {error}", "see configs/") from error
    if not isinstance(raw, dict):
        raise InputError(f"{path} is no configuration", "see configs/")
    return raw


def _check(a: SummarizationArguments, where: str) -> None:
    rules = {
        "seeds: name one at least, each once": len(set(a.seeds)) == len(a.seeds) > 0,
        "datasets: name one at least": len(a.datasets) > 0,
        "model.dropout: from 0 to below 1": 0 <= a.model.dropout < 1,
        "model.heads, model.hidden: at least 1": min(a.model.heads, a.model.hidden) >= 1,
        "optimiser.lr: positive": a.optimiser.lr > 0,
        "optimiser.epochs, optimiser.batch: at least 1": min(a.optimiser.epochs, a.optimiser.batch)
        >= 1,
        "optimiser.average: from 0 to below 1": 0 <= a.optimiser.average < 1,
        "optimiser.clip: positive": a.optimiser.clip > 0,
        "augmentation.copies, noise: not negative": min(a.augmentation.copies, a.augmentation.noise)
        >= 0,
        "objective.importance: focal and bce need 0/1 keyshots": a.objective.target == "keyshots"
        or a.objective.importance in ("mse", "correlation"),
        "serve: not negative": a.serve >= 0,
        "pictures: with setting shipped, decode importance, context": a.pictures <= 0
        or ((a.setting, a.decode) == ("shipped", "importance") and a.model.context),
    }
    for rule, good in rules.items():
        if not good:
            raise UsageError(f"{where}: {rule}", "correct the configuration")
