"""``timeline.json`` keeps everything and takes nothing that it would not write itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.timeline import (
    SCHEMA,
    SCHEMA_2,
    Curve,
    Keyshot,
    Moment,
    Shot,
    Source,
    Span,
    Timecode,
    Timeline,
)

numbers = st.floats(0, 1e6, allow_nan=False)
bounds = st.tuples(numbers, numbers).map(sorted)
texts = st.text(max_size=20)
plain = st.dictionaries(texts, st.one_of(st.none(), st.booleans(), st.integers(), numbers, texts))
curves = st.lists(st.tuples(numbers, st.floats(0, 1)), unique_by=lambda p: p[0]).map(
    lambda points: Curve(tuple(t for t, _ in sorted(points)), tuple(v for _, v in sorted(points)))
)
timelines = st.builds(
    Timeline,
    source=st.builds(
        Source,
        *(texts, texts, texts, numbers, numbers, st.integers(), st.integers()),
        timecode=st.sampled_from((None, Timecode("01:00:00;00", "30000/1001", True))),
    ),
    importance=curves,
    shots=st.lists(
        st.builds(lambda b, s, x: Shot(b[0], b[1], s, x), bounds, numbers, st.booleans())
    ).map(tuple),
    keyshots=st.lists(st.builds(lambda b, s: Keyshot(b[0], b[1], s), bounds, numbers)).map(tuple),
    moments=st.lists(
        st.builds(
            lambda b, q, s, c, p: Moment(b[0], b[1], q, s, c, p),
            bounds,
            texts,
            numbers,
            st.one_of(st.none(), st.floats(0, 1)),
            st.sampled_from([None, True, False]),
        )
    ).map(tuple),
    recipe=plain,
    checkpoint=plain,
    warnings=st.lists(texts).map(tuple),
)
EXAMPLE = Timeline(
    Source("/v/é.mp4", "é.mp4", "0" * 64, 10.0, 25.0, 640, 480),
    Curve((0.0, 0.5), (0.1, 0.9)),
    shots=(Shot(0.0, 4.0, 0.5, True), Shot(4.0, 10.0, 0.2)),
    keyshots=(Keyshot(0.0, 1.5, 0.5), Keyshot(2.0, 2.25, 0.4)),
    moments=(Moment(1.0, 2.0, "a dog", 0.7),),
    recipe={"name": "lite"},
    warnings=("no sound",),
)


def raw() -> dict[str, Any]:
    value = json.loads(EXAMPLE.to_json())
    assert isinstance(value, dict)
    return value


@settings(max_examples=80, deadline=None)
@given(timelines)
def test_json_and_back(timeline: Timeline) -> None:
    assert Timeline.from_json(timeline.to_json()) == timeline


def test_layout_is_the_documented_one() -> None:
    assert list(raw()) == [
        *("schema", "source", "recipe", "checkpoint", "importance"),
        *("shots", "keyshots", "moments", "warnings"),
    ]
    assert raw()["schema"] == SCHEMA == "iptnet/timeline/1"
    assert raw()["shots"][0] == {"start": 0.0, "end": 4.0, "score": 0.5, "selected": True}
    assert "é.mp4" in EXAMPLE.to_json()
    assert EXAMPLE.summary_duration == 1.75


def test_a_file_name_that_is_not_utf8_still_makes_a_utf8_file() -> None:
    name = b"caf\xe9.mp4".decode("utf-8", "surrogateescape")
    odd = replace(EXAMPLE, source=replace(EXAMPLE.source, name=name))
    stored = odd.to_json().encode("utf-8")
    assert Timeline.from_json(stored.decode("utf-8")) == odd


@pytest.mark.parametrize("span", [(-1, 2), (3, 2), (0, float("nan")), (0, float("inf")), (0, 1e13)])
def test_spans_run_forward(span: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="span"):
        Span(*span)


@pytest.mark.parametrize(
    ("times", "values"),
    [((0.0,), ()), ((0.0, 0.0), (1, 1)), ((1.0, 0.0), (1, 1)), ((0.0,), (float("nan"),))],
)
def test_curves_are_functions_of_time(times: tuple[float, ...], values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="curve"):
        Curve(times, values)


HOSTILE: list[tuple[str, Any]] = [
    ("schema", "iptnet/timeline/3"),
    ("schema", None),
    ("more", 1),
    ("source", None),
    ("source", {"path": "x"}),
    ("importance", []),
    ("importance", {"times": [0, "1"], "values": [0, 0]}),
    ("importance", {"times": [0, True], "values": [0, 0]}),
    ("importance", {"times": 3, "values": 3}),
    ("importance", {"times": [10**400], "values": [0]}),
    ("shots", {}),
    ("shots", [[]]),
    ("shots", [{"start": 0, "end": 1, "score": 1, "selected": 1}]),
    ("keyshots", [{"start": 2, "end": 1, "score": 1}]),
    ("keyshots", [{"start": 0, "end": 1}]),
    ("keyshots", [{"start": 0, "end": 1, "score": 1, "more": 1}]),
    ("moments", [{"start": 0, "end": 1, "score": "1", "query": "x"}]),
    ("recipe", []),
    ("checkpoint", None),
    ("warnings", [1]),
    ("warnings", "text"),
    ("moments", {}),
    ("keyshots", ""),
]


@pytest.mark.parametrize(("key", "value"), HOSTILE, ids=lambda x: str(x)[:40])
def test_other_json_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Timeline.from_json(json.dumps({**raw(), key: value}))


@pytest.mark.parametrize("missing", list(raw()))
def test_no_field_may_be_missing(missing: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Timeline.from_json(json.dumps({k: v for k, v in raw().items() if k != missing}))


@pytest.mark.parametrize("value", ["1.5", "true", '"3"', "1e3"])
def test_width_is_a_whole_number(value: str) -> None:
    text = EXAMPLE.to_json().replace('"width": 640', f'"width": {value}')
    with pytest.raises(ValueError, match="width"):
        Timeline.from_json(text)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("field", ['"duration": 10.0', '"score": 0.7', '"fps": 25.0'])
def test_only_finite_numbers(field: str, value: str) -> None:
    text = EXAMPLE.to_json()
    assert field in text
    with pytest.raises(ValueError, match="number"):
        Timeline.from_json(text.replace(field, f"{field.split(':', maxsplit=1)[0]}: {value}"))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 200_000, '"x"'])
def test_not_even_an_object(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Timeline.from_json(text)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_no_single_replacement_crashes(data: st.DataObject) -> None:
    """A changed character gives a timeline or a ValueError, nothing else."""
    text = EXAMPLE.to_json()
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.sampled_from(list('0e{}[]",:-tn')))
    try:
        Timeline.from_json(text[:at] + new + text[at + 1 :])
    except ValueError:
        return


def test_what_needs_nothing_of_schema_2_stays_schema_1() -> None:
    """A program of before reads it, so it has no field that such a program would refuse."""
    assert raw()["schema"] == SCHEMA
    assert set(raw()["source"]) == {
        *("path", "name", "sha256", "duration", "fps", "width", "height", "start", "audio"),
    }


def test_a_timecode_makes_it_schema_2() -> None:
    own = Timecode("01:00:00;00", "30000/1001", True)
    made = replace(EXAMPLE, source=replace(EXAMPLE.source, timecode=own))
    stored = json.loads(made.to_json())
    assert stored["schema"] == SCHEMA_2 == "iptnet/timeline/2"
    assert stored["source"]["timecode"] == {
        "start": "01:00:00;00",
        "rate": "30000/1001",
        "drop_frame": True,
    }
    assert Timeline.from_json(made.to_json()) == made


def test_schema_2_without_its_fields_is_read() -> None:
    assert Timeline.from_json(json.dumps({**raw(), "schema": SCHEMA_2})) == EXAMPLE
    source = {**raw()["source"], "timecode": None}
    assert Timeline.from_json(json.dumps({**raw(), "schema": SCHEMA_2, "source": source}))


TIMECODE = {"start": "01:00:00:00", "rate": "25", "drop_frame": False}


@pytest.mark.parametrize(
    "timecode",
    [
        "01:00:00:00", 1, [], {}, {**TIMECODE, "more": 1}, {**TIMECODE, "drop_frame": 0},
        {**TIMECODE, "start": "1:00:00:00"}, {**TIMECODE, "start": "24:00:00:00"},
        {**TIMECODE, "start": "01:00:00:25"}, {**TIMECODE, "start": "01:00:60:00"},
        {**TIMECODE, "rate": 25}, {**TIMECODE, "rate": "25.0"}, {**TIMECODE, "rate": "0"},
        {**TIMECODE, "rate": "1/0"}, {**TIMECODE, "rate": "-25"}, {**TIMECODE, "rate": "1/9"},
        {**TIMECODE, "rate": "5000"}, {**TIMECODE, "rate": "1" * 9999},
    ],
)  # fmt: skip
def test_other_timecodes_are_refused(timecode: object) -> None:
    source = {**raw()["source"], "timecode": timecode}
    with pytest.raises(ValueError, match=r".+"):
        Timeline.from_json(json.dumps({**raw(), "schema": SCHEMA_2, "source": source}))


def test_presence_makes_it_schema_2_and_older_files_have_none() -> None:
    assert "present" not in raw()["moments"][0]
    assert Timeline.from_json(json.dumps(raw())).moments[0].present is None
    told = replace(EXAMPLE, moments=(Moment(1.0, 2.0, "a dog", 0.7, present=False),))
    stored = json.loads(told.to_json())
    assert stored["schema"] == SCHEMA_2 and stored["moments"][0]["present"] is False
    assert Timeline.from_json(told.to_json()) == told
    stored["moments"][0]["present"] = "yes"
    with pytest.raises(ValueError, match="present"):
        Timeline.from_json(json.dumps(stored))
