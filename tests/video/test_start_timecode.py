"""The camera's timecode, from every place where files keep it."""

from __future__ import annotations

import struct
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.timeline import Timecode
from iptnet.video.probe import probe
from iptnet.video.tmcd import tracks
from tests.video.making import convert, make

NTSC, NTSC60 = "30000/1001", "60000/1001"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("plain") / "plain.mp4", 50, beeps=[0.5])


def filmed(plain: Path, target: Path, timecode: str, rate: str, *more: str) -> Path:
    """A copy of another rate with timecode, as ffmpeg writes it."""
    return convert(plain, target, "-r", rate, "-timecode", timecode, *more)


def described(data: bytes) -> int:
    """Where the one description of a timecode track begins, after size and kind."""
    return data.index(b"tmcd" + bytes(6) + b"\0\1") + 4


def patch(path: Path, *changes: tuple[int, int]) -> None:
    """Write 32-bit numbers at places of a file."""
    data = bytearray(path.read_bytes())
    for place, value in changes:
        struct.pack_into(">I", data, place, value)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("rate", "label", "drop"),
    [
        (NTSC, "01:00:00;00", True), (NTSC, "01:00:00:00", False), (NTSC, "00:01:00:00", False),
        (NTSC60, "10:00:00;58", True), (NTSC60, "23:59:59:59", False),
        ("24000/1001", "01:00:00:23", False), ("25", "10:11:12:13", False),
        ("24", "00:00:00:00", False), ("48", "01:00:00:47", False), ("50", "09:58:59:49", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_a_timecode_track_with_its_own_flag_and_rate(
    plain: Path, tmp_path: Path, suffix: str, rate: str, label: str, drop: bool
) -> None:
    info = probe(filmed(plain, tmp_path / f"a{suffix}", label, rate))
    assert info.timecode == Timecode(label, rate, drop) and not info.warnings


@pytest.mark.parametrize(
    ("rate", "label", "drop"),
    [(NTSC, "01:00:00;00", True), (NTSC, "01:00:00:00", False), ("25", "01:02:03:04", False)],
)
def test_mxf(plain: Path, tmp_path: Path, rate: str, label: str, drop: bool) -> None:
    codec = ("-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000")
    info = probe(filmed(plain, tmp_path / "a.mxf", label, rate, *codec))
    assert info.timecode == Timecode(label, rate, drop)


def test_matroska_keeps_it_as_a_tag_of_the_video_or_of_the_file(
    plain: Path, tmp_path: Path
) -> None:
    camera = filmed(plain, tmp_path / "a.mov", "01:00:00;02", NTSC)
    assert probe(convert(camera, tmp_path / "a.mkv", "-c", "copy")).timecode == Timecode(
        "01:00:00;02", NTSC, True
    )
    tagged = convert(plain, tmp_path / "b.mkv", "-c", "copy", "-metadata", "timecode=05:06:07:08")
    assert probe(tagged).timecode == Timecode("05:06:07:08", "25", False)


def test_a_track_that_the_video_does_not_refer_to(plain: Path, tmp_path: Path) -> None:
    camera = filmed(plain, tmp_path / "a.mov", "01:00:00;00", NTSC)
    data = camera.read_bytes()
    assert data.count(b"tref") == 1
    camera.write_bytes(data.replace(b"tref", b"free"))
    with av.open(str(camera)) as container:
        assert "timecode" not in container.streams.video[0].metadata
    assert probe(camera).timecode == Timecode("01:00:00;00", NTSC, True)


def test_the_flag_is_the_files_and_no_guess_from_the_rate(plain: Path, tmp_path: Path) -> None:
    """Drop-frame, although 30 labels a second need none left out."""
    camera = filmed(plain, tmp_path / "a.mov", "01:00:00:00", "30")
    patch(camera, (described(camera.read_bytes()) + 12, 1))
    found = probe(camera).timecode
    assert found is not None and found.drop_frame and found.rate == "30"
    assert found.start == "01:00:03;18"  # the file holds a number, 108,000


def test_timecode_of_30_on_a_video_of_60(plain: Path, tmp_path: Path) -> None:
    """As cameras have it that count at half the rate of their pictures."""
    camera = filmed(plain, tmp_path / "a.mov", "01:00:00;10", NTSC60)
    data = camera.read_bytes()
    entry, number = described(data), struct.pack(">I", 215_784 + 10)
    assert data.count(number) == 1
    counting = (entry + 16, 30_000), (entry + 20, 1001), (entry + 24, 30 << 24)
    patch(camera, *counting, (data.index(number), 107_892 + 10))
    info = probe(camera)
    assert float(info.frame_rate) == pytest.approx(60_000 / 1001)
    assert info.timecode == Timecode("01:00:00;10", NTSC, True)


def test_a_track_of_which_the_beginning_is_cut_off(plain: Path, tmp_path: Path) -> None:
    """QuickTime Player trims by lists of edits: picture and timecode begin within their media."""
    camera = filmed(plain, tmp_path / "a.mov", "01:00:00:00", "25", "-an")
    data = camera.read_bytes()
    with camera.open("rb") as file:
        ((number, track),) = tracks(file).items()
        assert (number, track.skipped) == (2, 0)
    entry = described(data)
    # The track's list of edits stands before its description: one edit, from where it begins.
    edits = data.rindex(b"elst", 0, entry)
    assert struct.unpack_from(">I", data, edits + 8) == (1,)
    (scale,) = struct.unpack_from(">I", data, entry + 16)
    patch(camera, (edits + 16, scale * 3 // 5))
    with camera.open("rb") as file:
        assert tracks(file)[number].skipped == 15
    assert probe(camera).timecode == Timecode("01:00:00:15", "25", False)


def test_trimming_with_ffmpeg_keeps_the_label_that_it_wrote(plain: Path, tmp_path: Path) -> None:
    camera = filmed(plain, tmp_path / "a.mov", "01:00:00:00", "25", "-g", "5")
    for start in ("0.8", "0.9"):
        part = convert(camera, tmp_path / "b.mov", "-c", "copy", before=["-ss", start])
        assert probe(part).timecode == Timecode("01:00:00:00", "25", False)


def test_a_variable_rate_counts_as_its_track_does(tmp_path: Path) -> None:
    stamps = [0, 33, 67, 150, 183, 300, 333, 400, 600, 633]
    phone = make(tmp_path / "a.mp4", stamps, Fraction(1, 1000))
    tag = ("-metadata:s:v", "timecode=01:00:00:10")
    camera = convert(phone, tmp_path / "b.mov", "-c", "copy", *tag)
    # ffmpeg has it count at the mean rate, of which the label's base is 15.
    found = probe(camera).timecode
    assert found is not None and (found.start, found.base) == ("01:00:00:10", 15)
    data = camera.read_bytes()
    entry, number = described(data), struct.pack(">I", 3600 * 15 + 10)
    assert data.count(number) == 1
    counting = (entry + 16, 600), (entry + 20, 20), (entry + 24, 30 << 24)
    patch(camera, *counting, (data.index(number), 108_024))
    assert probe(camera).timecode == Timecode("01:00:00:24", "30", False)


def test_a_rate_that_contradicts_the_labels_gives_way(plain: Path, tmp_path: Path) -> None:
    """The number of labels in a second stands beside the rate, and made the label."""
    camera = filmed(plain, tmp_path / "a.mov", "01:00:00:10", "25")
    patch(camera, (described(camera.read_bytes()) + 20, 533))  # 24 a second
    assert probe(camera).timecode == Timecode("01:00:00:10", "25", False)


@pytest.mark.parametrize(
    "text",
    ["99:99:07:08", "25:00:00:00", "01:00:00:25", "yesterday", "01:00:00", "x" * 5000, "\x1b[31m"],
)
def test_a_malformed_one_is_ignored_with_a_warning(plain: Path, tmp_path: Path, text: str) -> None:
    info = probe(convert(plain, tmp_path / "a.mkv", "-c", "copy", "-metadata", f"timecode={text}"))
    assert info.timecode is None
    (warning,) = info.warnings
    assert "timecode" in warning and "ignored" in warning and len(warning) < 120
    assert warning.isprintable()


def test_an_empty_tag_is_no_timecode(plain: Path, tmp_path: Path) -> None:
    info = probe(convert(plain, tmp_path / "a.mkv", "-c", "copy", "-metadata", "timecode= "))
    assert info.timecode is None and not info.warnings


def test_no_timecode_no_warning(plain: Path) -> None:
    info = probe(plain)
    assert info.timecode is None and not info.warnings


@given(st.data())
@settings(max_examples=200)
def test_no_index_crashes_the_reader_or_moves_the_file(
    plain: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    camera = tmp_path_factory.getbasetemp() / "fuzzed.mov"
    if not camera.exists():
        filmed(plain, camera, "01:00:00;00", NTSC, "-an")
    raw = bytearray(camera.read_bytes())
    index = raw.index(b"moov") - 4
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(index, len(raw) - 1))] = data.draw(st.integers(0, 255))
    file = BytesIO(raw[: data.draw(st.integers(index, len(raw)))])
    file.seek(7)
    for track in tracks(file).values():
        assert isinstance(track.rate, Fraction) and isinstance(track.skipped, int)
    assert file.tell() == 7
