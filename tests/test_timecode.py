"""Labels of timecode against counting them one by one."""

from __future__ import annotations

from itertools import islice

import pytest

from iptnet.timecode import exists, frame_of, frames_a_day, label_of, read_label
from tests.oracles.timecode import labels

COUNTINGS = [(24, 0), (25, 0), (30, 0), (30, 2), (48, 0), (60, 0), (60, 4), (120, 8)]


@pytest.mark.parametrize(("base", "dropped"), COUNTINGS)
def test_labels_and_frames_are_each_others_inverse(base: int, dropped: int) -> None:
    drop = dropped > 0
    for frame, text in enumerate(islice(labels(base, dropped), 11 * 60 * base)):
        label = read_label(text)
        assert label is not None and label.drop is drop and exists(label, base, drop)
        assert frame_of(label, base, drop) == frame and label_of(frame, base, drop) == text


@pytest.mark.parametrize(("base", "dropped"), [(25, 0), (30, 2)])
def test_a_day_has_as_many_frames_as_labels(base: int, dropped: int) -> None:
    assert frames_a_day(base, dropped > 0) == sum(1 for _ in labels(base, dropped))


@pytest.mark.parametrize(
    "text",
    ["", "1:2:3", "24:00:00:00", "00:60:00:00", "00:00:60:00", "00:00:00:0x", "-1:00:00:00",
     "00:00:00:1000", "٠٠:00:00:00", "00:00:00:00 ", "01:00:00"],
)  # fmt: skip
def test_what_no_clock_shows_is_no_label(text: str) -> None:
    assert read_label(text) is None


def test_separators_say_drop_frame() -> None:
    for text, drop in (("01:00:00:00", False), ("01:00:00;00", True), ("01:00:00.00", True)):
        label = read_label(text)
        assert label is not None and label.drop is drop


@pytest.mark.parametrize(
    ("text", "base", "drop", "there"),
    [
        ("00:01:00:00", 30, True, False), ("00:01:00:01", 30, True, False),
        ("00:01:00:02", 30, True, True), ("00:10:00:00", 30, True, True),
        ("00:01:00:00", 30, False, True), ("00:01:00:03", 60, True, False),
        ("00:00:00:30", 30, False, False), ("00:00:00:24", 24, False, False),
    ],
)  # fmt: skip
def test_numbers_left_out_or_beyond_the_base_do_not_exist(
    text: str, base: int, drop: bool, there: bool
) -> None:
    label = read_label(text)
    assert label is not None and exists(label, base, drop) is there
