"""Clock, axis, markup and timeline.json."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.outputs.axis import ticks
from iptnet.outputs.clock import clock
from iptnet.outputs.json import write_json
from iptnet.outputs.markup import clean, escape, shorten
from iptnet.timeline import Timeline
from tests.outputs.timelines import HOSTILE, hostile, timeline


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [
        (0, 0, "0:00"),
        (59.4, 0, "0:59"),
        (59.5, 0, "1:00"),
        (59.999, 2, "1:00.00"),
        (65.25, 2, "1:05.25"),
        (65.254, 1, "1:05.3"),
        (3599.996, 2, "1:00:00.00"),
        (3725, 0, "1:02:05"),
        (90061.05, 2, "25:01:01.05"),
    ],
)
def test_clock(seconds: float, decimals: int, text: str) -> None:
    assert clock(seconds, decimals) == text


@given(st.floats(0, 1e6), st.integers(0, 3))
def test_the_clock_reads_back_within_half_a_digit(seconds: float, decimals: int) -> None:
    total = 0.0
    for part in clock(seconds, decimals).split(":"):
        total = total * 60 + float(part)
        assert float(part) < 60 or seconds >= 216000
    assert abs(total - seconds) <= 0.5 / 10**decimals + 1e-5


@given(st.floats(0.01, 3e6), st.integers(2, 30))
def test_ticks_are_few_even_and_inside(duration: float, most: int) -> None:
    found = ticks(duration, most)
    assert 1 <= len(found) <= most + 1
    assert all(0 <= t <= duration + 1e-6 for t, _ in found)
    assert len({label for _, label in found}) == len(found)


def test_ticks_fall_on_times_people_name() -> None:
    assert [label for _, label in ticks(87, 9)] == [
        "0:00", "0:10", "0:20", "0:30", "0:40", "0:50", "1:00", "1:10", "1:20"
    ]  # fmt: skip
    assert ticks(7200, 8)[1] == (900, "15:00")
    assert ticks(0.9, 5)[1] == (0.2, "0:00.2")


@given(st.text())
def test_any_text_survives_xml_and_stays_what_it_says(text: str) -> None:
    element = ET.fromstring(f'<a b="{escape(text)}">{escape(text)}</a>')
    assert (element.text or "") == element.attrib["b"] == clean(text)
    assert clean(text).encode().decode() == clean(text)


def test_direction_overrides_are_shown_and_names_kept() -> None:
    assert clean("a\u202egpj.exe") == "a\ufffdgpj.exe"
    assert clean("שלום мир é 猫") == "שלום мир é 猫"


@given(st.text(), st.integers(3, 60))
def test_shortened_texts_fit(text: str, room: int) -> None:
    from iptnet.outputs.markup import _width

    assert _width(shorten(text, room)) <= room + 1


def test_shortened_names_keep_their_ending() -> None:
    assert shorten("a-very-long-name-of-a-film.mp4", 16).endswith(".mp4")
    assert shorten("short.mp4", 16) == "short.mp4"


@pytest.mark.parametrize("name", HOSTILE)
def test_json_round_trips_any_name(name: str, tmp_path: Path) -> None:
    made = hostile(name)
    write_json(made, tmp_path / "timeline.json")
    text = (tmp_path / "timeline.json").read_text("utf-8")
    plain = json.loads(text)
    assert plain["schema"] == "iptnet/timeline/1"
    assert plain["source"]["name"] == name
    again = Timeline.from_json(text)
    assert (again.source, again.keyshots, again.moments, again.warnings) == (
        made.source, made.keyshots, made.moments, made.warnings
    )  # fmt: skip


def test_json_round_trips_whole(tmp_path: Path) -> None:
    write_json(timeline(), tmp_path / "timeline.json")
    assert Timeline.from_json((tmp_path / "timeline.json").read_text("utf-8")) == timeline()
