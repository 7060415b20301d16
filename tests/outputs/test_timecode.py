"""Frames and timecode against counting one by one and against OpenTimelineIO."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.outputs.timecode import drops_frames, timecode, to_frame, whole_frames
from iptnet.rates import USUAL
from tests.oracles.timecode import labels

FILM, NTSC, NTSC60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)


@pytest.mark.parametrize(
    ("rate", "base", "dropped"),
    [(NTSC, 30, 2), (NTSC60, 60, 4), (FILM, 24, 0), (Fraction(25), 25, 0), (Fraction(60), 60, 0)],
)
def test_every_label_of_twenty_minutes(rate: Fraction, base: int, dropped: int) -> None:
    count = 21 * 60 * base
    for frame, label in enumerate(islice(labels(base, dropped), count)):
        assert timecode(frame, rate) == label


@pytest.mark.parametrize("rate", [NTSC, NTSC60])
def test_drop_frame_keeps_to_the_clock(rate: Fraction) -> None:
    """After an hour, and after ten, the label is that of the clock within 0.1 s."""
    for hours in (1, 10):
        frame = to_frame(3600.0 * hours, rate)
        hour, minute, second = timecode(frame, rate).split(";")[0].split(":")
        label = int(hour) * 3600 + int(minute) * 60 + int(second)
        assert abs(label - 3600 * hours) <= 1
    assert timecode(to_frame(3600.0, NTSC), NTSC) == "01:00:00;00"
    assert timecode(1800, NTSC) == "00:01:00;02" and timecode(1799, NTSC) == "00:00:59;29"
    assert timecode(17982, NTSC) == "00:10:00;00"


@given(st.integers(0, 24 * 3600 * 60 - 1), st.sampled_from(USUAL))
def test_another_library_reads_the_same_frame(frame: int, rate: Fraction) -> None:
    frame = min(frame, int(24 * 3600 * rate) - 1)
    read = otio.opentime.from_timecode(timecode(frame, rate), float(rate))
    assert read.to_frames() == frame


@given(st.integers(0, 10**7), st.sampled_from(USUAL))
def test_times_of_frames_are_those_frames(frame: int, rate: Fraction) -> None:
    assert to_frame(float(frame / rate), rate) == frame
    assert whole_frames(float(frame / rate), rate) == max(frame, 1)


def test_only_two_rates_drop() -> None:
    assert [r for r in USUAL if drops_frames(r)] == [NTSC, NTSC60]
