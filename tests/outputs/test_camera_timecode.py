"""Exports of videos with a camera's timecode count from it; rates are named where they must be."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from iptnet.outputs.exports import FORMATS
from iptnet.outputs.segments import cut_list
from iptnet.outputs.timecode import timecode
from iptnet.rates import USUAL, edit_rate, nearest
from iptnet.timecode import can_drop, frames_a_day
from iptnet.timeline import Keyshot, Timecode, Timeline
from tests.outputs.readers import DTD, READERS
from tests.outputs.timelines import sourced

NTSC, NTSC60, FILM = Fraction(30000, 1001), Fraction(60000, 1001), Fraction(24000, 1001)


def filmed(
    rate: Fraction | float, own: Timecode | None, *frames: tuple[int, int], seconds: float = 140.0
) -> Timeline:
    """A video whose keyshots are given in frames of its rate."""
    made = sourced(seconds, float(rate))
    spans = (Keyshot(float(a / Fraction(rate)), float(b / Fraction(rate)), 0.5) for a, b in frames)
    return replace(made, source=replace(made.source, timecode=own), keyshots=tuple(spans))


def events(made: Timeline) -> list[list[str]]:
    """The four timecodes of each event of the EDL."""
    lines = FORMATS["edl"].render(made).splitlines()
    return [line.split()[-4:] for line in lines if line[:3].isdigit()]


def otio_clips(made: Timeline) -> list[otio.schema.Clip]:
    document = otio.adapters.read_from_string(FORMATS["otio"].render(made), "otio_json")
    return list(document.tracks[0])


def seconds(text: str) -> Fraction:
    return Fraction(text.removesuffix("s"))


def test_an_hour_in_drop_frame_in_every_format_for_editors() -> None:
    made = filmed(NTSC, Timecode("01:00:00;00", "30000/1001", True), (30, 60), (1790, 1810))
    assert "FCM: DROP FRAME" in FORMATS["edl"].render(made)
    assert events(made) == [
        ["01:00:01;00", "01:00:02;00", "00:00:00;00", "00:00:01;00"],
        ["01:00:59;20", "01:01:00;12", "00:00:01;00", "00:00:01;20"],
    ]

    first, second = otio_clips(made)
    available = first.media_reference.available_range
    assert available.start_time == otio.opentime.RationalTime(107_892, float(NTSC))
    assert available.duration.value == 4195
    assert (first.source_range.start_time.value, first.source_range.duration.value) == (107_922, 30)
    assert second.source_range.start_time.value == 109_682

    root = etree.fromstring(FORMATS["fcpxml"].render(made).encode())
    asset, clips = root.find(".//asset"), root.findall(".//asset-clip")
    assert seconds(asset.get("start")) == 107_892 * Fraction(1001, 30000)
    assert [seconds(c.get("start")) for c in clips] == [
        107_922 * Fraction(1001, 30000), 109_682 * Fraction(1001, 30000),
    ]  # fmt: skip
    assert {e.get("tcFormat") for e in root.iter("asset-clip", "sequence")} == {"DF"}
    with DTD.open("rb") as file:
        assert etree.DTD(file).validate(root)
    (timeline,) = otio.adapters.read_from_string(FORMATS["fcpxml"].render(made), "fcpx_xml")
    found = [c.source_range.start_time.to_seconds() for c in timeline.find_clips()]
    # The adapter knows whole rates only and rounds down to their frames.
    assert found == [pytest.approx(float(f * Fraction(1001, 30000)), abs=1 / 29)
                     for f in (107_922, 109_682)]  # fmt: skip


@pytest.mark.parametrize(
    ("rate", "own", "first", "frame"),
    [
        (NTSC, Timecode("01:00:00:00", "30000/1001", False), "01:00:00:05", 108_000),
        (NTSC60, Timecode("10:00:00;58", "60000/1001", True), "10:00:01;03", 2_157_898),
        (FILM, Timecode("01:00:00:23", "24000/1001", False), "01:00:01:04", 86_423),
        (25, Timecode("10:11:12:13", "25", False), "10:11:12:18", 916_813),
        (48, Timecode("00:00:01:40", "48", False), "00:00:01:45", 88),
        # Timecode of another rate than the pictures: the label stays, its frames are scaled.
        (60, Timecode("01:00:00:10", "30", False), "01:00:00:25", 216_020),
        (NTSC60, Timecode("01:00:00;10", "30000/1001", True), "01:00:00;25", 215_804),
        (NTSC60, Timecode("00:01:00;02", "30000/1001", True), "00:01:00;09", 3600),
        (FILM, Timecode("01:00:00:10", "24", False), "01:00:00:15", 86_410),
        (50, Timecode("01:00:00:12", "25", False), "01:00:00:29", 180_024),
        (25, Timecode("01:00:00:49", "50", False), "01:00:01:04", 90_024),
        (25, Timecode("01:00:00;15", "30000/1001", True), "01:00:00:17", 90_012),
        # A slow source is counted at 30, and its timecode with it.
        (15, Timecode("01:00:00:20", "30", False), "01:00:01:00", 108_020),
    ],
)  # fmt: skip
def test_labels_of_the_sixth_frame(
    rate: Fraction | float, own: Timecode, first: str, frame: int
) -> None:
    made = filmed(rate, own, (5, 10))
    assert events(made)[0][0] == first
    assert cut_list(made).begin == frame
    (clip,) = otio_clips(made)
    assert clip.media_reference.available_range.start_time.value == frame


def test_record_times_still_begin_at_zero() -> None:
    made = filmed(NTSC, Timecode("01:00:00:00", "30000/1001", False), (5, 65), (70, 75))
    assert [e[2:] for e in events(made)] == [
        ["00:00:00:00", "00:00:02:00"], ["00:00:02:00", "00:00:02:05"],
    ]  # fmt: skip
    root = etree.fromstring(FORMATS["fcpxml"].render(made).encode())
    assert root.find(".//sequence").get("tcStart") == "0s"
    assert {e.get("tcFormat") for e in root.iter("asset-clip", "sequence")} == {"NDF"}


def test_timecode_begins_anew_at_midnight() -> None:
    made = filmed(25, Timecode("23:59:50:00", "25", False), (0, 25), (225, 275), (300, 325))
    assert [e[:2] for e in events(made)] == [
        ["23:59:50:00", "23:59:51:00"],
        ["23:59:59:00", "24:00:01:00"],  # across it, the end is after its beginning
        ["00:00:02:00", "00:00:03:00"],
    ]
    drop = filmed(NTSC, Timecode("23:59:59;28", "30000/1001", True), (2, 4))
    assert events(drop)[0][:2] == ["00:00:00;00", "00:00:00;02"]
    # Frames of the other formats are numbers and run on.
    assert [c.source_range.start_time.value for c in otio_clips(made)][-1] == 86_390 * 25 + 300


@given(
    st.sampled_from(USUAL),
    st.integers(0, 24 * 3600 * 20),
    st.booleans(),
    st.lists(st.integers(1, 4000), min_size=2, max_size=8),
)
@settings(max_examples=60)
def test_other_readers_find_the_segments_after_the_timecode(
    tmp_path_factory: pytest.TempPathFactory,
    rate: Fraction,
    begin: int,
    drop: bool,
    lengths: list[int],
) -> None:
    drop = drop and can_drop(nearest(rate)) and rate.denominator > 1
    own = Timecode(timecode(begin, rate, drop), str(rate), drop)
    frames = [(sum(lengths[:n]), sum(lengths[: n + 1])) for n in range(len(lengths))]
    made = filmed(rate, own, *frames, seconds=float(sum(lengths) / rate))
    assert cut_list(made).begin == begin
    folder = tmp_path_factory.mktemp("exports")
    for name in ("otio", "edl"):
        path = folder / f"x{FORMATS[name].suffix}"
        FORMATS[name].write(made, path)
        if name == "otio":
            found = READERS["otio"](path, rate)
        else:
            document = otio.adapters.read_from_file(str(path), "cmx_3600", rate=float(rate))
            found = [
                (c.source_range.start_time.value, c.source_range.duration.value)
                for c in document.tracks[0]
            ]
            day = frames_a_day(nearest(rate), drop)
            assert found == [((begin + a) % day, b - a) for a, b in frames]
            continue
        for read, (first, after) in zip(found, frames, strict=True):
            assert read.start == pytest.approx(float((begin + first) / rate), abs=1e-6)
            assert read.end == pytest.approx(float((begin + after) / rate), abs=1e-6)


@given(st.sampled_from(sorted(FORMATS)), st.sampled_from((None, True, False)))
def test_formats_that_play_the_file_from_its_beginning_stay(name: str, drop: bool | None) -> None:
    own = None if drop is None else Timecode("01:00:00;00", "30000/1001", drop)
    text = FORMATS[name].render(filmed(NTSC, own, (30, 60)))
    if name not in {"edl", "fcpxml", "otio", "json"}:
        assert text == FORMATS[name].render(filmed(NTSC, None, (30, 60)))


@pytest.mark.parametrize(
    ("fps", "said"),
    [
        (15.0, "counted at 30 frames a second, the video has 15"),
        (12.0, "counted at 24 frames a second, the video has 12"),
        (10.0, "counted at 30 frames a second, the video has 10"),
        (90.0, "counted at 30 frames a second, the video has 90"),
        (120000 / 1001, "counted at 59.9401 frames a second, the video has 119.88"),
        (41.0, "counted at 50 frames a second, the video has 41"),
        (0.0, "counted at 30 frames a second, the video's is unknown"),
        *((float(rate), "") for rate in USUAL),
        (29.97, ""), (47.95, ""),
    ],
)  # fmt: skip
def test_an_edl_names_the_rate_that_is_not_the_videos(
    fps: float, said: str, tmp_path: Path
) -> None:
    made = replace(sourced(20, fps), keyshots=(Keyshot(1.0, 2.0, 0.5), Keyshot(4.0, 6.0, 0.5)))
    text = FORMATS["edl"].render(made)
    assert text.count("counted at") == bool(said)
    if said:
        assert f"* COMMENT: {said}" in text.splitlines()
    path = tmp_path / "x.edl"
    path.write_text(text, encoding="utf-8")
    rate = edit_rate(fps)
    found = READERS["edl"](path, rate)
    assert [(r.start, r.end) for r in found] == [
        (pytest.approx(a, abs=0.5 / float(rate)), pytest.approx(b, abs=0.5 / float(rate)))
        for a, b in ((1, 2), (4, 6))
    ]


@pytest.mark.parametrize("rate", [Fraction(48), Fraction(48000, 1001)])
def test_48_counts_as_itself(rate: Fraction) -> None:
    made = filmed(rate, None, (47, 97))
    assert events(made)[0][:2] == ["00:00:00:47", "00:00:02:01"]
    document = json.loads(FORMATS["otio"].render(made))
    clip = document["tracks"]["children"][0]["children"][0]
    assert clip["source_range"]["start_time"]["rate"] == float(rate)
    root = etree.fromstring(FORMATS["fcpxml"].render(made).encode())
    assert seconds(root.find(".//format").get("frameDuration")) == 1 / rate
