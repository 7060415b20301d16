"""The result of a summary or a query: frozen, in seconds, with its provenance.

A :class:`Timeline` holds everything a writer, the page or a later command needs; exporting never
needs the model. Its JSON is a stable format: ``Timeline.from_json(t.to_json()) == t``.

The JSON names the lowest schema that has all its fields: ``iptnet/timeline/1`` unless a field of
``iptnet/timeline/2`` is given. What needs nothing new stays readable by programs of before, and
what they would misread is refused by them for its schema.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from typing import Any

SCHEMA = "iptnet/timeline/1"
SCHEMA_2 = "iptnet/timeline/2"
ADDED: Mapping[str, tuple[str, ...]] = {
    "source": ("timecode",),
    "keyshots": ("picture",),
    "moments": ("present",),
}
"""What schema 2 added: optional fields by the part they stand in, left out where ``None``."""
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
    """A stretch that the summary plays, inside one shot, and the instant that pictures it best."""

    score: float
    picture: float | None = None


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
class Timecode:
    """The timecode of a camera at the first picture.

    Attributes:
        start: its label, ``hh:mm:ss:ff``.
        rate: labels a second, ``30000/1001`` or ``25``; 60 pictures a second may have 30 of them.
        drop_frame: whether labels are left out to agree with the clock, as the file says.

    Raises:
        ValueError: ``start`` is no label, or ``rate`` no rate.
    """

    start: str
    rate: str
    drop_frame: bool

    def __post_init__(self) -> None:
        if not re.fullmatch(r"([01][0-9]|2[0-3])(:[0-5][0-9]){2}[:;][0-9]{2,3}", self.start):
            raise ValueError(f"{self.start[:60]!r} is no timecode")
        if not re.fullmatch(r"[1-9][0-9]{0,6}(/[1-9][0-9]{0,6})?", self.rate):
            raise ValueError(f"{self.rate[:60]!r} is no rate of timecode")
        if not 1 <= self.base <= 1000 or int(self.start[9:]) >= self.base:
            raise ValueError(f"no timecode of {self.rate} a second begins at {self.start}")

    @property
    def base(self) -> int:
        """Frame numbers in a second of labels: the rate as a whole number."""
        return math.floor(Fraction(self.rate) + Fraction(1, 2))


@dataclass(frozen=True, slots=True)
class Source:
    """The video a timeline speaks of.

    ``start`` is the presentation time of the first frame as the container states it; all other
    times of a Timeline count from there, so that 0 is the first picture. ``fps`` is the mean rate.
    ``audio`` tells whether there is sound, ``None`` when that was not recorded. ``timecode`` is the
    camera's own, ``None`` without one.
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
    timecode: Timecode | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Source:
        """Build a source from its plain dict; TypeError or ValueError where it is none."""
        made: Source = _build(cls, raw)
        return made


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

    @property
    def of_moments(self) -> bool:
        """Whether it answers sentences without any summary, as ``iptnet find`` makes it."""
        return bool(self.moments) and not (self.keyshots or self.shots)

    @property
    def queries(self) -> tuple[str, ...]:
        """The sentences of its moments, each once, in order."""
        return tuple(dict.fromkeys(m.query for m in self.moments))

    def to_json(self) -> str:
        """The timeline as JSON, indented, with non-ASCII kept readable."""
        plain = asdict(self)
        schema = SCHEMA_2 if _takes_schema_2(plain) else SCHEMA
        ordered = {"schema": schema, "source": plain.pop("source"), "recipe": plain.pop("recipe")}
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
        found = raw.get("schema") if isinstance(raw, dict) else type(raw).__name__
        if not isinstance(raw, dict) or found not in (SCHEMA, SCHEMA_2):
            raise ValueError(f"schema {str(found)[:60]!r} is neither {SCHEMA!r} nor {SCHEMA_2!r}")
        if unknown := sorted(set(raw) - {f.name for f in fields(cls)} - {"schema"}):
            raise ValueError(f"not a timeline: unknown field {unknown[0][:60]!r}")
        try:
            return cls(
                source=_build(Source, raw["source"]),
                importance=_build(
                    Curve, {k: tuple(_numbers(v)) for k, v in raw["importance"].items()}
                ),
                shots=tuple(_build(Shot, s) for s in _expect(raw["shots"], list)),
                keyshots=tuple(_build(Keyshot, k) for k in _expect(raw["keyshots"], list)),
                moments=tuple(_build(Moment, m) for m in _expect(raw["moments"], list)),
                recipe=_expect(raw["recipe"], dict),
                checkpoint=_expect(raw["checkpoint"], dict),
                warnings=tuple(_expect(w, str) for w in _expect(raw["warnings"], list)),
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not a timeline: {type(error).__name__} at {error}") from error


def _takes_schema_2(plain: dict[str, Any]) -> bool:
    """Leave out the fields of schema 2 that are not given, and tell whether one is."""
    given = False
    for part, names in ADDED.items():
        found = plain[part]
        for one in [found] if isinstance(found, dict) else found:
            for name in names:
                if one[name] is None:
                    del one[name]
                else:
                    given = True
    return given


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in a timeline")


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"{digits} is beyond what a number here can be")
    return number


def _expect(value: Any, kind: type[Any]) -> Any:
    if not isinstance(value, kind):
        raise TypeError(dict[Any, str]({list: "a list", dict: "an object"}).get(kind, "a text"))
    return value


def _numbers(value: Any) -> list[float]:
    if not all(_is_number(x) for x in _expect(value, list)):
        raise TypeError("a list of numbers")
    return [float(x) for x in value]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "float": _is_number,
    "float | None": lambda value: value is None or _is_number(value),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "bool | None": lambda value: value is None or isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "Timecode | None": lambda value: value is None or isinstance(value, dict),
}
"""What a field's annotation takes from JSON; tuples come checked."""


def _build(kind: type[Any], raw: Any) -> Any:
    """A dataclass from its plain dict, with every field's type checked."""
    values = _expect(raw, dict)
    known = {f.name: str(f.type) for f in fields(kind)}
    if unknown := sorted(set(values) - set(known)):
        raise TypeError(f"unknown {kind.__name__} field {unknown[0]!r}")
    for name, value in values.items():
        if not TYPES.get(known[name], lambda x: isinstance(x, tuple))(value):
            raise TypeError(f"{kind.__name__}.{name} should be {known[name]}")
    cast = {n: float(v) if known[n] == "float" else v for n, v in values.items()}
    if isinstance(cast.get("timecode"), dict):
        cast["timecode"] = _build(Timecode, cast["timecode"])
    return kind(**cast)
