"""A module from a checkpoint's configuration and tensors, neither of which is believed.

A configuration is plain numbers, flags and words, so nothing of it can be executed; but a wrong one
can still ask for terabytes or make a module that fails in use. So its fields are checked, and the
module is made without memory first, to be compared with the tensors that are at hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from iptnet import checkpoint as files_of
from iptnet.checkpoint import Checkpoint
from iptnet.errors import IntegrityError, is_shortage

if TYPE_CHECKING:
    from torch import nn

LARGEST = 2**20
"""What a number of a configuration may be: widths, counts, seconds."""

T = TypeVar("T")
M = TypeVar("M", bound="nn.Module")


def configured(kind: type[T], raw: object, where: str) -> T:
    """A frozen dataclass of numbers, flags and words from plain values.

    Raises:
        IntegrityError: not a mapping, unknown or missing fields, values of another type or beyond
            any that make sense; names the first.
    """
    assert is_dataclass(kind)
    remedy = "use the version that wrote it, or train it again"
    if not isinstance(raw, Mapping):
        raise IntegrityError(f"{where}: its configuration is no object", remedy)
    hints = get_type_hints(kind)
    if unknown := sorted(set(raw) - set(hints)):
        raise IntegrityError(f"{where}: its configuration has an unknown {unknown[0]!r}", remedy)
    for name, value in raw.items():
        if not _fits(value, hints[name]):
            shown = repr(value)[:60] if isinstance(value, str | float | bool) else type(value)
            raise IntegrityError(f"{where}: its configuration has {name} = {shown}", remedy)
    if missing := [f.name for f in fields(kind) if f.name not in raw and _required(f)]:
        raise IntegrityError(f"{where}: its configuration has no {missing[0]}", remedy)
    return kind(**raw)


def rebuilt(make: Callable[[], M], stored: Checkpoint, where: str) -> M:
    """A module with the checkpoint's tensors.

    Args:
        make: makes it, freshly drawn.
        stored: its tensors.
        where: the file, for messages.

    Raises:
        IntegrityError: the configuration makes no module, or the tensors are not this module's;
            lists the differences.
    """
    import torch

    try:
        with torch.device("meta"):
            shape = make()
    except (TypeError, ValueError, ArithmeticError, RuntimeError, AssertionError) as error:
        if is_shortage(error):
            raise
        raise IntegrityError(
            f"{where}: its configuration makes no model: {error}",
            "use the version that wrote it, or train it again",
        ) from error
    files_of.require_fit(shape.state_dict(), stored, where)
    module = make()
    files_of.restore(module, stored, where)
    return module


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if hint is bool or isinstance(value, bool):
        return hint is bool and isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and 0 <= value <= LARGEST
    if hint is float:
        return isinstance(value, int | float) and abs(value) <= LARGEST and math.isfinite(value)
    return hint is str and isinstance(value, str)


def _required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
