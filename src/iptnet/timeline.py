"""The result of a summary or a query: frozen, in seconds, with its provenance.

A :class:`Timeline` holds everything a writer, the page or a later command needs, so exporting
never needs the model. It imports nothing of ours, and its JSON (``iptnet/timeline/1``) is a stable
format: ``Timeline.from_json(t.to_json()) == t``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

SCHEMA = "iptnet/timeline/1"
LATEST = 1e12
"""Seconds; 30,000 years. Sums and frames of such spans are still exact enough, and finite."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of the source, ``[start, end)``, in seconds.

    Raises:
        ValueError: when a bound is not finite, ``start`` is negative, or ``end`` lies before it
            or beyond :data:`LATEST`.
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end)):
            raise ValueError(f"a span needs finite bounds, not {self.start} to {self.end}")
        if self.start < 0 or self.end < self.start:
            raise ValueError(f"a span runs forward from 0 or later, not {self.start} to {self.end}")
        if self.end > LATEST:
            raise ValueError(f"a span that ends at {self.end:g} s is of no video")

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Shot(Span):
    """A stretch between two change points, its mean importance, and whether the summary has it."""

    score: float
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Keyshot(Span):
    """A stretch that the summary plays; consecutive selected shots stay separate keyshots."""

    score: float


@dataclass(frozen=True, slots=True)
class Moment(Span):
    """An answer to a query.

    ``score`` ranks; ``confidence`` is a calibrated probability, or ``None`` without calibration.
    ``present`` tells whether the video shows what the query says at all, the same for all moments
    of a query; ``None`` where nothing can tell.
    """

    query: str
    score: float
    confidence: float | None = None
    present: bool | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """One value in [0, 1] per sampled frame, at strictly increasing ``times`` in seconds."""

    times: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.times) != len(self.values):
            raise ValueError(f"a curve of {len(self.times)} times but {len(self.values)} values")
        if any(b <= a for a, b in zip(self.times, self.times[1:], strict=False)):
            raise ValueError("a curve's times must increase strictly")
        if not all(math.isfinite(x) for x in (*self.times, *self.values)):
            raise ValueError("a curve holds finite numbers only")


@dataclass(frozen=True, slots=True)
class Source:
    """The video a timeline speaks of.

    ``start`` is the presentation time of the first frame as the container states it; all other
    times of a Timeline count from there, so that 0 is the first picture. ``fps`` is the mean rate.
    ``audio`` tells whether there is sound, ``None`` when that was not recorded.
    """

    path: str
    name: str
    sha256: str
    duration: float
    fps: float
    width: int
    height: int
    start: float = 0.0
    audio: bool | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Importance, shots, keyshots and moments of one video, with what made them."""

    source: Source
    importance: Curve
    shots: tuple[Shot, ...] = ()
    keyshots: tuple[Keyshot, ...] = ()
    moments: tuple[Moment, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def summary_duration(self) -> float:
        """Seconds that the keyshots play."""
        return math.fsum(k.duration for k in self.keyshots)

    def to_json(self) -> str:
        """The timeline as ``iptnet/timeline/1``, indented, with non-ASCII kept readable."""
        plain = asdict(self)
        ordered = {"schema": SCHEMA, "source": plain.pop("source"), "recipe": plain.pop("recipe")}
        ordered["checkpoint"] = plain.pop("checkpoint")
        text = json.dumps({**ordered, **plain}, indent=1, ensure_ascii=False, allow_nan=False)
        # File names that are not UTF-8 come as lone surrogates, which no UTF-8 file can hold.
        return re.sub("[\ud800-\udfff]", lambda lone: f"\\u{ord(lone[0]):04x}", text)

    @classmethod
    def from_json(cls, text: str) -> Timeline:
        """Read what :meth:`to_json` wrote; unknown keys are refused.

        Raises:
            ValueError: not JSON, another schema, or a field that is missing, unknown or ill-typed.
        """
        try:
            raw = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        except RecursionError as error:
            raise ValueError("the JSON is nested too deeply") from error
        if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
            found = raw.get("schema") if isinstance(raw, dict) else type(raw).__name__
            raise ValueError(f"schema {str(found)[:60]!r} is not {SCHEMA!r}")
        if unknown := sorted(set(raw) - {f.name for f in fields(cls)} - {"schema"}):
            raise ValueError(f"not a timeline: unknown field {unknown[0][:60]!r}")
        try:
            return cls(
                source=_build(Source, raw["source"]),
                importance=_build(
                    Curve, {k: tuple(_numbers(v)) for k, v in raw["importance"].items()}
                ),
                shots=tuple(_build(Shot, s) for s in _list(raw["shots"])),
                keyshots=tuple(_build(Keyshot, k) for k in _list(raw["keyshots"])),
                moments=tuple(_build(Moment, m) for m in _list(raw["moments"])),
                recipe=_mapping(raw["recipe"]),
                checkpoint=_mapping(raw["checkpoint"]),
                warnings=tuple(_text(w) for w in _list(raw["warnings"])),
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not a timeline: {type(error).__name__} at {error}") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in a timeline")


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"{digits} is beyond what a number here can be")
    return number


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list")
    return value


def _numbers(value: Any) -> list[float]:
    if not all(_is_number(x) for x in _list(value)):
        raise TypeError("a list of numbers")
    return [float(x) for x in value]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("an object")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text")
    return value


def _build(kind: type[Any], raw: Any) -> Any:
    """A dataclass from its plain dict, with every field's type checked."""
    values = _mapping(raw)
    known = {f.name: str(f.type) for f in fields(kind)}
    if unknown := sorted(set(values) - set(known)):
        raise TypeError(f"unknown {kind.__name__} field {unknown[0]!r}")
    for name, value in values.items():
        expected = known[name]
        good = (
            _is_number(value)
            if expected == "float"
            else isinstance(value, int) and not isinstance(value, bool)
            if expected == "int"
            else isinstance(value, bool)
            if expected == "bool"
            else value is None or isinstance(value, bool)
            if expected == "bool | None"
            else isinstance(value, str)
            if expected == "str"
            else value is None or _is_number(value)
            if expected == "float | None"
            else isinstance(value, tuple)
        )
        if not good:
            raise TypeError(f"{kind.__name__}.{name} should be {expected}")
    cast = {n: float(v) if known[n] == "float" else v for n, v in values.items()}
    return kind(**cast)
