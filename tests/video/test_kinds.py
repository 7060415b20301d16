"""Videos as they come: every way to keep time, and what each picture looks like, at true times."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from iptnet.errors import LimitError
from iptnet.video.frames import sample_frames
from iptnet.video.probe import probe
from tests.video.making import convert, is_upright, make, number_of


def read(path: Path, rate: float = 5) -> tuple[list[int], list[float], list[str]]:
    """Numbers of the pictures at each sample, times at which they came on show, warnings."""
    stream = sample_frames(path, rate, (64, 96))
    numbers: list[int] = []
    shown: list[float] = []
    for batch in stream:
        numbers += [number_of(p) for p in batch.images]
        shown += batch.shown.tolist()
        assert all(is_upright(p) for p in batch.images)
    return numbers, shown, stream.warnings


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.webm", "libvpx", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.mp4", "libx265", "yuv420p"),
        ("a.mkv", "libx265", "yuv420p10le"),
        ("a.ts", "libx264", "yuv420p"),
        ("a.avi", "libx264", "yuv420p"),
        ("a.mov", "libx264", "yuv422p"),
        ("a.flv", "flv1", "yuv420p"),
        ("a.gif", "gif", "rgb8"),
    ],
)
def test_codecs_in_their_containers(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    options = {"libx265": {"x265-params": "log-level=none"}}
    path = make(tmp_path / name, 50, codec=codec, pixels=pixels, options=options.get(codec))
    numbers, _, warnings = read(path)
    expected = [5 * k for k in range(10)]
    assert [abs(n - e) <= 1 for n, e in zip(numbers, expected, strict=True)] == [True] * 10
    assert not warnings


@pytest.mark.fault(8)
def test_a_hundred_and_twenty_a_second(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", 240, Fraction(1, 120))
    assert read(path) == ([24 * k for k in range(10)], [k / 5 for k in range(10)], [])
    assert probe(path).fps == pytest.approx(120)


@pytest.mark.fault(8)
def test_an_edit_list_hides_what_comes_before(tmp_path: Path) -> None:
    """A stream copy from the middle of a group keeps the pictures before, and says to skip them."""
    whole = make(tmp_path / "a.mp4", 75, gop=25)
    part = convert(whole, tmp_path / "b.mp4", "-c", "copy", before=["-ss", "1.2"])
    numbers, shown, _ = read(part)
    assert numbers[:5] == [30 + 5 * k for k in range(5)]
    assert shown[0] == 0


@pytest.mark.fault(8)
def test_a_start_before_zero_counts_from_the_first_picture(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.mp4", 50)
    for name, offset in (("b.mkv", "3"), ("c.ts", "-1.5"), ("d.mp4", "-0.6")):
        early = convert(
            whole,
            tmp_path / name,
            *("-c", "copy", "-output_ts_offset", offset, "-avoid_negative_ts", "disabled"),
        )
        numbers, shown, _ = read(early)
        # An MP4 hides what lies before zero; the others show it.
        first = 15 if name == "d.mp4" else 0
        assert numbers == [first + 5 * k for k in range(len(numbers))], name
        assert shown[0] == 0 and len(numbers) >= 7, name


@pytest.mark.fault(8)
def test_pictures_without_time_stamps_are_placed_by_the_frame_rate(tmp_path: Path) -> None:
    """AVI knows the order of decoding alone."""
    path = make(tmp_path / "a.mp4", 50, options={"preset": "medium", "bf": "3"})
    bare = convert(path, tmp_path / "b.avi", "-c", "copy")
    numbers, _, _ = read(bare)
    assert [abs(n - 5 * k) <= 1 for k, n in enumerate(numbers)] == [True] * len(numbers)
    assert len(numbers) in {10, 11}


@pytest.mark.fault(8)
def test_frame_counts_that_lie_change_no_time(tmp_path: Path) -> None:
    data = bytearray(make(tmp_path / "a.avi", 50, codec="mpeg4", options={}).read_bytes())
    at = data.index(b"avih") + 8 + 16
    assert struct.unpack_from("<I", data, at)[0] in {0, 50}
    struct.pack_into("<I", data, at, 100_000)
    stream = data.index(b"strh") + 8 + 32
    struct.pack_into("<I", data, stream, 100_000)
    (tmp_path / "b.avi").write_bytes(data)
    numbers, _, warnings = read(tmp_path / "b.avi")
    assert numbers == [5 * k for k in range(10)]
    assert any("declared" in w for w in warnings)


@pytest.mark.fault(8)
def test_high_dynamic_range_is_told_and_read(tmp_path: Path) -> None:
    plain = make(tmp_path / "a.mp4", 25)
    hdr = convert(
        plain,
        tmp_path / "b.mp4",
        *("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-color_primaries", "bt2020"),
        *("-color_trc", "smpte2084", "-colorspace", "bt2020nc", "-x265-params", "log-level=none"),
    )
    assert read(hdr)[0] == [0, 5, 10, 15, 20]
    assert probe(hdr).bit_depth == 10


@pytest.mark.fault(6)
def test_pictures_of_16384_by_16384_are_refused(tmp_path: Path) -> None:
    """ffmpeg refuses them by itself, as if there were none."""
    data = make(tmp_path / "a.gif", 5, codec="gif", pixels="rgb8", options={}).read_bytes()
    large = bytearray(data)
    struct.pack_into("<HH", large, 6, 16384, 16384)
    (tmp_path / "b.gif").write_bytes(large)
    with pytest.raises(LimitError, match="16384x16384") as caught:
        probe(tmp_path / "b.gif")
    assert caught.value.exit_code == 4


@pytest.mark.fault(6)
def test_large_pictures_are_refused_before_any_is_decoded(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("1", (16000, 16000)).save(tmp_path / "a.png")
    film = convert(tmp_path / "a.png", tmp_path / "a.mkv", "-c", "copy")
    assert film.stat().st_size < 1 << 20
    with pytest.raises(LimitError, match="16000x16000") as caught:
        probe(film)
    assert caught.value.exit_code == 4


@pytest.mark.fault(6)
def test_a_jump_to_16384_by_16384_in_mid_stream_is_refused(tmp_path: Path) -> None:
    """What no decoder takes is told from a damaged picture."""
    data = make(tmp_path / "a.avi", 50, codec="mjpeg", pixels="yuvj420p", options={}).read_bytes()
    begin = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", 64, 96)
    assert data.count(begin) == 50
    large = begin[:5] + struct.pack(">HH", 16384, 16384)
    for kept in (0, 20):
        head, *rest = data.split(begin)
        parts = [begin if k < kept else large for k in range(50)]
        (tmp_path / "b.avi").write_bytes(
            head + b"".join(p + r for p, r in zip(parts, rest, strict=True))
        )
        with pytest.raises(LimitError, match="16384x16384"):
            list(sample_frames(tmp_path / "b.avi", 25, (64, 96)))


@pytest.mark.fault(6)
def test_many_streams_are_refused(tmp_path: Path) -> None:
    film = make(tmp_path / "a.mp4", 5)
    many = convert(film, tmp_path / "b.mkv", *["-map", "0:v"] * 70, "-c", "copy")
    with pytest.raises(LimitError, match="has 70 streams, more than 64"):
        probe(many)


@pytest.mark.fault(8)
def test_gaps_keep_the_last_picture_on_show(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", [*range(10), *range(60, 70)])
    numbers, shown, _ = read(path)
    assert numbers == [0, 5] + [9] * 10 + [10, 15]
    assert np.allclose(shown[2:12], 9 / 25)


@pytest.mark.fault(8)
def test_durations_that_cannot_be_true_do_not_prolong_the_end(tmp_path: Path) -> None:
    """Each picture of this file says that it stays for an hour, and the next comes at once."""
    data = bytearray(make(tmp_path / "a.webm", 40, codec="libvpx", options={}).read_bytes())
    at = data.index(b"\x23\xe3\x83\x84") + 4  # nanoseconds of each picture
    data[at : at + 4] = (0xFFFFFFFF).to_bytes(4, "big")
    (tmp_path / "b.webm").write_bytes(data)
    numbers, _, warnings = read(tmp_path / "b.webm")
    assert numbers == [5 * k for k in range(8)]
    assert any("impossible time" in w for w in warnings), warnings
