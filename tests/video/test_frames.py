"""Sampling at true times: every picture carries its number, so we know which one came."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iptnet.errors import InputError, LimitError, UsageError
from iptnet.video.child import Child
from iptnet.video.frames import FrameStream, frames_at, sample_frames, upright
from iptnet.video.limits import Limits
from iptnet.video.probe import probe
from tests.oracles.sampling import samples, shown_at
from tests.video.making import convert, is_upright, make, number_of

MS = Fraction(1, 1000)


def read(stream: FrameStream) -> tuple[list[float], list[int]]:
    times: list[float] = []
    numbers: list[int] = []
    with stream:
        for batch in stream:
            times += batch.times.tolist()
            numbers += [number_of(picture) for picture in batch.images]
            assert batch.images.dtype == np.uint8
    return times, numbers


@pytest.mark.parametrize("rate", [2.0, 7.0, 25.0, 30.0, 0.3])
def test_constant_rate(tmp_path: Path, rate: float) -> None:
    stream = sample_frames(make(tmp_path / "a.mp4", 60), rate, batch=7)
    times, numbers = read(stream)
    assert list(zip(times, numbers, strict=True)) == samples(
        [k / 25 for k in range(60)], 60 / 25, rate
    )
    assert stream.duration == pytest.approx(2.4)
    assert stream.n_frames == 60
    assert stream.warnings == []


@pytest.mark.fault(8)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    gaps=st.lists(st.integers(1, 900), min_size=0, max_size=20),
    rate=st.sampled_from([1.0, 2.0, 5.0, 12.5]),
    start=st.sampled_from([0, 40, 3333]),
)
def test_any_time_stamps(tmp_path: Path, gaps: list[int], rate: float, start: int) -> None:
    stamps = [0, *np.cumsum(gaps).tolist()]
    path = make(tmp_path / "a.mkv", [start + s for s in stamps], MS)
    stream = sample_frames(path, rate)
    times, numbers = read(stream)
    seconds = [s / 1000 for s in stamps]
    # Only the length of the last picture is unknown to us here: the container's mean rate.
    assert stream.duration > seconds[-1]
    assert list(zip(times, numbers, strict=True)) == samples(seconds, stream.duration, rate)
    wanted = [0.0, seconds[-1], seconds[-1] / 2, 1e6]
    found = frames_at(path, wanted, size=(40, 60))
    assert [number_of(p) for p in found.images] == [shown_at(seconds, t) for t in wanted]
    assert found.shown.tolist() == pytest.approx([seconds[shown_at(seconds, t)] for t in wanted])


@pytest.mark.fault(8)
def test_late_start_counts_from_the_first_picture(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", 50)
    late = convert(source, tmp_path / "late.mp4", "-c", "copy", "-output_ts_offset", "10")
    info = probe(late)
    times, numbers = read(sample_frames(late, 5))
    assert times[0] == 0
    assert numbers == [5 * k for k in range(10)]
    assert info.duration == pytest.approx(2.0, abs=0.05)


@pytest.mark.fault(8)
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_turned_pictures_come_upright(tmp_path: Path, turn: int) -> None:
    import av

    upright_file = make(tmp_path / "a.mp4", 20)
    stored = convert(
        upright_file,
        tmp_path / "stored.mp4",
        *("-vf", {90: "transpose=2", 180: "hflip,vflip", 270: "transpose=1"}[turn]),
    )
    turned = convert(
        stored, tmp_path / "b.mp4", "-c", "copy", before=["-display_rotation", str(-turn)]
    )
    with av.open(str(turned)) as plain:
        assert next(plain.decode(video=0)).rotation != 0
    info = probe(turned)
    assert (info.width, info.height, info.rotation) == (96, 64, turn)
    for size in [(64, 96), (50, 50)]:
        for batch in sample_frames(turned, 5, size):
            assert batch.images.shape[1:] == (*size, 3)
            assert all(is_upright(p) for p in batch.images)
            assert [number_of(p) for p in batch.images] == [5 * k for k in range(len(batch))]
    thumbnails = frames_at(turned, [0.5], height=32)
    assert thumbnails.images.shape == (1, 32, 48, 3)
    assert is_upright(thumbnails.images[0])


def test_upright_follows_the_display_matrix() -> None:
    picture = np.arange(6, dtype=np.uint8).reshape(2, 3)[:, :, None].repeat(3, 2)
    turned = upright(picture, (True, True, False))[:, :, 0]
    assert turned.tolist() == np.rot90(picture[:, :, 0], -1).tolist()
    turned = upright(picture, (True, False, True))[:, :, 0]
    assert turned.tolist() == np.rot90(picture[:, :, 0], 1).tolist()
    assert upright(picture, (False, True, False))[0, :, 0].tolist() == [2, 1, 0]


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    ("name", "codec", "pixels", "size"),
    [
        ("odd.mkv", "ffv1", "yuv420p", (71, 101)),
        ("ten.mp4", "libx265", "yuv420p10le", (64, 96)),
        ("grey.mkv", "ffv1", "gray", (64, 96)),
        ("alpha.mkv", "ffv1", "bgra", (64, 96)),
        ("deep.mkv", "ffv1", "yuv444p16le", (64, 96)),
        ("old.avi", "mpeg4", "yuv420p", (64, 96)),
        ("web.webm", "libvpx-vp9", "yuv420p", (64, 96)),
        ("still.ts", "mpeg2video", "yuv420p", (64, 96)),
        ("moving.gif", "gif", "rgb8", (64, 96)),
        ("new.mp4", "libsvtav1", "yuv420p", (64, 96)),
    ],
)
def test_codecs_and_pixel_formats(
    tmp_path: Path, name: str, codec: str, pixels: str, size: tuple[int, int]
) -> None:
    options = {"preset": "10"} if codec == "libsvtav1" else {"preset": "ultrafast"}
    path = make(tmp_path / name, 25, codec=codec, pixels=pixels, size=size, options=options)
    stream = sample_frames(path, 5)
    _, numbers = read(stream)
    assert numbers == [0, 5, 10, 15, 20]
    assert stream.info.height == size[0]
    assert stream.info.width == size[1]
    if "10" in pixels:
        assert stream.info.bit_depth == 10


@pytest.mark.parametrize("matrix", ["bt709", "bt470bg"])
def test_colours_are_true(tmp_path: Path, matrix: str) -> None:
    from PIL import Image

    red = tmp_path / "red.png"
    Image.new("RGB", (64, 64), (220, 30, 40)).save(red)
    path = convert(
        red,
        tmp_path / "red.mp4",
        *("-vf", f"scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p"),
        *("-colorspace", matrix, "-color_range", "tv", "-frames:v", "3"),
        before=["-loop", "1"],
    )
    picture = frames_at(path, [0.0]).images[0]
    assert np.abs(picture.reshape(-1, 3).mean(0) - [220, 30, 40]).max() < 5


def test_pixels_that_are_not_square_are_shown_square(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", 5)
    wide = convert(source, tmp_path / "wide.mp4", "-vf", "setsar=2")
    info = probe(wide)
    assert (info.width, info.height) == (192, 64)
    assert frames_at(wide, [0], height=32).images.shape == (1, 32, 96, 3)


@pytest.mark.fault(7)
def test_one_picture(tmp_path: Path) -> None:
    stream = sample_frames(make(tmp_path / "a.mp4", 1), 2)
    assert read(stream) == ([0.0], [0])
    assert 0 < stream.duration < 0.1


@pytest.mark.fault(7)
def test_a_slow_rate_still_gives_one(tmp_path: Path) -> None:
    assert read(sample_frames(make(tmp_path / "a.mp4", 10), 0.01)) == ([0.0], [0])


def test_seeking_finds_the_same_pictures_as_decoding_on(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", 900, gop=50, size=(32, 80))
    wanted = [35.96, 0.0, 12.0, 11.99, 12.0, 29.5, 5.04]
    found = frames_at(path, wanted, height=32)
    assert found.times.tolist() == wanted
    assert [number_of(p) for p in found.images] == [int(t * 25 + 1e-6) for t in wanted]


def test_preview_decodes_key_frames_only(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", 60, gop=20, options={"sc_threshold": "0"})
    stream = sample_frames(path, 2, preview=True)
    _, numbers = read(stream)
    assert numbers == [0, 0, 20, 20, 40]
    assert stream.n_frames == 3


@pytest.mark.fault(3)
def test_truncated_gives_what_there_is(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.mp4", 250, options={"movflags": "faststart"})
    fast = convert(whole, tmp_path / "b.mp4", "-c", "copy", "-movflags", "+faststart")
    data = fast.read_bytes()
    (tmp_path / "c.mp4").write_bytes(data[: len(data) * 6 // 10])
    stream = sample_frames(tmp_path / "c.mp4", 5)
    _, numbers = read(stream)
    assert numbers[:10] == [5 * k for k in range(10)]
    assert 1 < stream.duration < 9
    assert any("of 10.0 s" in w for w in stream.warnings), stream.warnings


@pytest.mark.fault(8)
def test_a_clock_that_jumps_back_goes_on(tmp_path: Path) -> None:
    a = make(tmp_path / "a.ts", 100, codec="mpeg2video", container="mpegts", options={})
    double = tmp_path / "b.ts"
    double.write_bytes(a.read_bytes() * 2)
    stream = sample_frames(double, 5)
    times, _ = read(stream)
    assert stream.duration == pytest.approx(8.0, abs=0.3)
    assert times == [k / 5 for k in range(len(times))]


def test_memory_is_bounded_by_the_pipe(tmp_path: Path) -> None:
    stream = sample_frames(make(tmp_path / "a.mp4", 250), 25, (480, 640), batch=4)
    first = next(iter(stream))
    assert len(first) == 4
    import time

    time.sleep(0.5)
    # 250 samples are 230 MB; the child cannot run ahead of the pipe.
    assert stream._child.process.poll() is None
    stream.close()
    assert stream._child.process.returncode is not None


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), 1e9])
def test_rates_that_make_no_sense(rate: float) -> None:
    with pytest.raises(UsageError):
        sample_frames("nowhere.mp4", rate)


@pytest.mark.fault(6)
def test_limits_while_decoding(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", [0, 25, 50_000])
    with pytest.raises(LimitError, match="1000 s"):
        read(sample_frames(path, 1, limits=Limits(max_duration=1000)))
    with pytest.raises(LimitError, match="96x64"):
        probe(path, Limits(max_pixels=5000))
    with pytest.raises(LimitError, match="streams"):
        probe(path, Limits(max_streams=0))
    with pytest.raises(LimitError, match="MiB"):
        probe(path, Limits(max_bytes=10))


@pytest.mark.fault(6)
def test_resolution_jump_beyond_the_limit(tmp_path: Path) -> None:
    small = make(tmp_path / "a.ts", 30, codec="mpeg2video", container="mpegts", options={})
    big = make(
        tmp_path / "b.ts", 30, codec="mpeg2video", container="mpegts", size=(640, 960), options={}
    )
    (tmp_path / "c.ts").write_bytes(small.read_bytes() + big.read_bytes())
    with pytest.raises(LimitError, match="960x640"):
        read(sample_frames(tmp_path / "c.ts", 25, limits=Limits(max_pixels=100_000)))
    _, numbers = read(sample_frames(tmp_path / "c.ts", 25, (64, 96)))
    assert numbers[:3] == [0, 1, 2]
    assert numbers[-1] == 29


def test_a_child_serves_several_files(tmp_path: Path) -> None:
    good = make(tmp_path / "a.mp4", 10)
    bad = tmp_path / "b.mp4"
    bad.write_bytes(b"nothing" * 100)
    with Child() as child:
        for _ in range(3):
            assert probe(good, child=child).n_frames == 10
            with pytest.raises(InputError):
                probe(bad, child=child)
