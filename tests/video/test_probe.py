"""What a probe tells, and what it refuses with which code."""

from __future__ import annotations

import os
import socket
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from iptnet.errors import InputError, LimitError
from iptnet.video import child as child_module
from iptnet.video.child import Child
from iptnet.video.limits import Limits
from iptnet.video.probe import probe
from tests.video.making import convert, make


def test_the_fields_of_a_plain_file(tmp_path: Path) -> None:
    info = probe(make(tmp_path / "a.mp4", 50, beeps=[0.5]))
    assert info.path == str(tmp_path / "a.mp4")
    assert (info.container, info.codec, info.audio_codec) == ("mov", "h264", "aac")
    assert (info.width, info.height, info.rotation) == (96, 64, 0)
    assert info.orientation == (False, False, False)
    assert info.duration == pytest.approx(2.0, abs=1e-6)
    assert info.frame_rate == Fraction(25)
    assert info.fps == 25.0
    assert info.n_frames == 50
    assert info.start == 0
    assert (info.pixel_format, info.bit_depth, info.hdr) == ("yuv420p", 8, False)
    assert (info.video_index, info.audio_index, info.has_audio) == (0, 1, True)
    assert info.warnings == ()


def test_without_sound(tmp_path: Path) -> None:
    info = probe(make(tmp_path / "a.mkv", 5))
    assert (info.has_audio, info.audio_codec, info.audio_index) == (False, None, None)
    assert info.container == "matroska"


@pytest.mark.fault(8)
@pytest.mark.parametrize("tick", [Fraction(1001, 30000), Fraction(1, 10), Fraction(1, 120)])
def test_the_rate_is_exact(tmp_path: Path, tick: Fraction) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=1 / tick)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for k in range(12):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
            frame.pts, frame.time_base = k, tick
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    info = probe(tmp_path / "a.mp4")
    assert info.frame_rate == 1 / tick
    assert info.duration == pytest.approx(float(12 * tick), rel=1e-3)


@pytest.mark.fault(8)
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotation_is_clockwise_and_sizes_are_upright(tmp_path: Path, turn: int) -> None:
    plain = make(tmp_path / "a.mp4", 3)
    turned = convert(
        plain, tmp_path / "b.mp4", "-c", "copy", before=["-display_rotation", str(-turn)]
    )
    info = probe(turned)
    assert info.rotation == turn
    assert (info.width, info.height) == ((96, 64) if turn == 180 else (64, 96))


@pytest.mark.fault(8)
def test_high_dynamic_range_and_depth(tmp_path: Path) -> None:
    ten = make(tmp_path / "ten.mp4", 3, codec="libx265", pixels="yuv420p10le", options={})
    info = probe(ten)
    assert (info.bit_depth, info.hdr, info.pixel_format) == (10, False, "yuv420p10le")
    for transfer in ("smpte2084", "arib-std-b67"):
        bright = convert(
            ten,
            tmp_path / f"{transfer}.mp4",
            *("-c:v", "libx265", "-x265-params", f"transfer={transfer}:log-level=none"),
            *("-color_trc", transfer, "-pix_fmt", "yuv420p10le"),
        )
        info = probe(bright)
        assert info.hdr
        assert not info.warnings


@pytest.mark.fault(8)
def test_the_start_is_the_first_picture_not_the_first_sound(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", 25, beeps=[0.1])
    late = convert(
        source,
        tmp_path / "late.mkv",
        *("-map", "0:a", "-map", "1:v", "-c", "copy"),
        before=["-i", str(source), "-itsoffset", "3"],
    )
    info = probe(late)
    assert info.start == pytest.approx(3, abs=0.05)
    assert info.container_start == pytest.approx(0, abs=0.05)
    assert (info.video_index, info.audio_index) == (1, 0)
    assert info.duration == pytest.approx(1.0, abs=0.1)


@pytest.mark.fault(8)
def test_no_declared_duration_is_measured(tmp_path: Path) -> None:
    # A stream to a pipe cannot go back to write its length.
    path = convert(make(tmp_path / "a.mkv", 75), tmp_path / "b.mkv", "-c", "copy", "-live", "1")
    info = probe(path)
    assert info.duration == pytest.approx(3.0, abs=0.05)
    assert any("no duration" in warning for warning in info.warnings)


def refused(path: Path, *words: str) -> InputError:
    """The refusal of ``path``, which must name it."""
    with pytest.raises(InputError) as caught:
        probe(path)
    assert caught.value.exit_code == 3
    assert str(path) in caught.value.cause
    for word in words:
        assert word in str(caught.value)
    return caught.value


@pytest.mark.fault(1)
def test_what_is_no_file(tmp_path: Path) -> None:
    refused(tmp_path / "missing.mp4", "does not exist")
    refused(tmp_path, "is a directory")
    (tmp_path / "empty.mp4").touch()
    refused(tmp_path / "empty.mp4", "is empty")
    os.mkfifo(tmp_path / "fifo.mp4")
    refused(tmp_path / "fifo.mp4", "not a regular file")
    (tmp_path / "link.mp4").symlink_to("/dev/zero")
    refused(tmp_path / "link.mp4", "not a regular file")
    refused(Path("/dev/null"), "not a regular file")
    (tmp_path / "dangling.mp4").symlink_to(tmp_path / "nowhere")
    refused(tmp_path / "dangling.mp4", "does not exist")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    refused(tmp_path / "loop.mp4", "cannot be read")
    refused(tmp_path / "empty.mp4" / "below.mp4", "cannot be read")
    refused(tmp_path / ("x" * 256), "cannot be read")
    refused(tmp_path / "nul\0.mp4", "cannot be read")
    with socket.socket(socket.AF_UNIX) as server:
        name = tmp_path / "s"
        server.bind(os.path.relpath(name) if len(str(name)) > 100 else str(name))
        refused(name, "not a regular file")


@pytest.mark.fault(1)
def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "a.mp4", 3)
    path.chmod(0)
    if os.geteuid() == 0:  # the superuser may read anything
        monkeypatch.setattr(child_module.os, "access", lambda *_: False)
    refused(path, "permission denied")


@pytest.mark.fault(1)
def test_a_file_that_turns_into_another_after_the_check(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.mp4")
    cases = {"fifo.mp4": "not a regular file", "gone.mp4": "cannot be opened: No such file"}
    with Child(Limits(stall_seconds=20)) as child:
        for name, words in cases.items():
            with pytest.raises(InputError, match=words):
                list(child.ask("probe", tmp_path / name))
        assert probe(make(tmp_path / "a.mp4", 3), child=child).n_frames == 3


@pytest.mark.fault(2)
def test_what_is_no_video(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    contents = {
        "text.mp4": b"It was a dark and stormy night.\n" * 50,
        "page.mp4": b"<!doctype html><title>404</title>" * 20,
        "random.mp4": rng.bytes(65536),
        "zeros.mp4": bytes(5000),
        "one.mp4": b"\0",
        "head.mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        "riff.avi": b"RIFF\x24\0\0\0AVI LIST",
        "ebml.mkv": b"\x1aE\xdf\xa3" + bytes(100),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
        refused(tmp_path / name)


@pytest.mark.fault(2)
def test_sound_only_and_cover_picture_only(tmp_path: Path) -> None:
    from PIL import Image

    movie = make(tmp_path / "a.mp4", 25, beeps=[0.5])
    refused(convert(movie, tmp_path / "b.mp4", "-vn", "-c", "copy"), "no video stream")
    refused(convert(movie, tmp_path / "b.mkv", "-vn", "-c", "copy"), "no video stream")
    Image.new("RGB", (64, 64), (200, 30, 30)).save(tmp_path / "cover.png")
    song = convert(
        movie,
        tmp_path / "song.m4a",
        *("-i", str(tmp_path / "cover.png"), "-map", "0:a", "-map", "1:v", "-c", "copy"),
        *("-disposition:v", "attached_pic"),
    )
    refused(song, "only a cover picture")


def test_a_cover_picture_beside_a_film_is_not_the_film(tmp_path: Path) -> None:
    from PIL import Image

    movie = make(tmp_path / "a.mp4", 25)
    Image.new("RGB", (640, 640), (200, 30, 30)).save(tmp_path / "cover.png")
    both = convert(
        movie,
        tmp_path / "b.mp4",
        *("-i", str(tmp_path / "cover.png"), "-map", "1:v", "-map", "0:v", "-c", "copy"),
        *("-disposition:v:0", "attached_pic"),
    )
    info = probe(both)
    assert (info.width, info.height, info.codec) == (96, 64, "h264")


@pytest.mark.fault(6)
def test_limits_name_themselves(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", 50, beeps=[0.5])
    for limits, words in [
        (Limits(max_bytes=100), "MiB"),
        (Limits(max_duration=1.5), "lasts 2 s"),
        (Limits(max_pixels=96 * 64 - 1), "96x64"),
        (Limits(max_streams=1), "has 2 streams"),
    ]:
        with pytest.raises(LimitError, match=words) as caught:
            probe(path, limits)
        assert caught.value.exit_code == 4
        assert str(path) in caught.value.cause
    exact = Limits(
        max_bytes=path.stat().st_size, max_duration=2.0, max_pixels=96 * 64, max_streams=2
    )
    assert probe(path, exact).n_frames == 50


@pytest.mark.fault(8)
def test_an_unsupported_codec_is_named(tmp_path: Path) -> None:
    data = make(tmp_path / "a.mp4", 5).read_bytes()
    (tmp_path / "b.mp4").write_bytes(data.replace(b"avc1\0", b"zzz9\0"))
    refused(tmp_path / "b.mp4", "codec", "zzz9")
