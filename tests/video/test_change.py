"""Cuts off the sampling grid are found to the frame."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from iptnet.video.change import ChangeWatch
from iptnet.video.frames import FrameBatch, frames_at, sample_frames

Painter = Callable[[int], NDArray[np.uint8]]


def film(
    path: Path,
    n: int,
    paint: Painter,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    container: str | None = None,
) -> Path:
    """Pictures painted one by one, 25 a second."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=25)
        stream.height, stream.width = paint(0).shape[:2]
        stream.pix_fmt = pixels
        if codec in {"libx264", "libx265"}:
            stream.options = {"preset": "ultrafast", "crf": "20"}
        for k in range(n):
            frame = av.VideoFrame.from_ndarray(paint(k), format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = k, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def two_scenes(cut: int, size: tuple[int, int] = (72, 128)) -> Painter:
    """A ramp that pans slowly, and from picture ``cut`` on its darkened mirror image."""
    ramp = np.linspace(60, 220, size[1] + 200).astype(np.uint8)

    def paint(k: int) -> NDArray[np.uint8]:
        row = ramp[k : k + size[1]]
        row = row if k < cut else row[::-1] // 2
        return np.repeat(np.tile(row, (size[0], 1))[:, :, None], 3, 2)

    return paint


def whole(path: Path, rate: float = 2.0, **more: bool) -> FrameBatch:
    (batch,) = list(sample_frames(path, rate, (64, 64), batch=1000, **more))
    return batch


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("ten.mp4", "libx265", "yuv420p10le"),
        ("rgb.mkv", "ffv1", "bgr0"),
        ("deep.mkv", "ffv1", "gray16le"),
        ("packed.avi", "rawvideo", "yuyv422"),
        ("big.mov", "png", "rgb48be"),
        ("moving.gif", "gif", "rgb8"),
    ],
)
def test_a_cut_is_found_to_the_frame(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    path = film(tmp_path / name, 75, two_scenes(33), codec, pixels)
    found = whole(path)
    assert found.times.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert found.changes.dtype == np.float32
    # Picture 33 begins at 1.32 s, which the sample at 1.5 s reports.
    assert np.argmax(found.changes) == 3
    assert found.cut_times[3] == pytest.approx(33 / 25, abs=0.011)  # GIF counts hundredths
    assert found.changes[3] > 0.1
    others = np.delete(found.changes, 3)
    if name != "moving.gif":  # a palette's numbers change for any reason
        assert others.max() < 0.06
    assert found.changes[0] == 0
    assert found.cut_times[0] == 0


@pytest.mark.parametrize("cut", [1, 12, 13, 25, 26, 49])
def test_each_cut_is_told_once(tmp_path: Path, cut: int) -> None:
    found = whole(film(tmp_path / "a.mp4", 60, two_scenes(cut)))
    sample = int(np.ceil(cut / 12.5))
    assert [k for k, change in enumerate(found.changes) if change > 0.1] == [sample]
    assert found.cut_times[sample] == pytest.approx(cut / 25)
    previous = np.concatenate([[-1.0], found.times[:-1]])
    assert (found.cut_times <= found.times).all()
    assert (found.cut_times > previous).all()


def test_the_size_of_a_change_is_its_mean_difference(tmp_path: Path) -> None:
    def paint(k: int) -> NDArray[np.uint8]:
        return np.full((64, 64, 3), 200 if k >= 7 else 100, np.uint8)

    found = whole(film(tmp_path / "a.mkv", 20, paint, "ffv1", "gray"))
    assert found.changes[1] == pytest.approx(100 / 255, abs=0.01)
    # The last one of an equal length: a still picture does not change at all.
    still = whole(film(tmp_path / "b.mkv", 20, lambda k: paint(0), "ffv1", "gray"))
    assert still.changes.tolist() == [0] * len(still)
    assert still.cut_times.tolist() == still.times.tolist()


def test_samples_between_pictures_report_nothing(tmp_path: Path) -> None:
    found = whole(film(tmp_path / "a.mp4", 10, two_scenes(4)), rate=100)
    assert np.flatnonzero(found.changes > 0.1).tolist() == [16]
    assert found.changes[17:20].tolist() == [0, 0, 0]
    assert found.cut_times[16] == pytest.approx(0.16)


def test_another_resolution_is_a_whole_change(tmp_path: Path) -> None:
    parts = [
        film(tmp_path / f"{h}.ts", 40, two_scenes(99, (h, 2 * h)), "mpeg2video", container="mpegts")
        for h in (64, 96)
    ]
    both = tmp_path / "c.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = whole(both, rate=5)
    assert found.changes.max() == 1
    assert found.cut_times[int(found.changes.argmax())] == pytest.approx(1.6, abs=0.05)


def test_where_nothing_is_measured(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 75, two_scenes(33))
    for found in (whole(path, preview=True), frames_at(path, [2.0, 0.5])):
        assert not found.changes.any()
        assert found.cut_times.tolist() == found.times.tolist()
    assert frames_at(path, []).changes.shape == (0,)


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (17, 31), (18, 32), (1, 5000), (1080, 1)])
@pytest.mark.parametrize(
    "pixels", ["yuv420p", "yuv420p10le", "yuv444p12be", "rgb24", "rgb48le", "pal8", "nv12", "monob"]
)
def test_any_size_and_format(size: tuple[int, int], pixels: str) -> None:
    watch = ChangeWatch()
    for k in range(3):
        frame = av.VideoFrame(size[1], size[0], pixels)
        for plane in frame.planes:
            plane.update(bytes([255 * (k % 2)]) * plane.buffer_size)
        watch.see(frame, k)
    change, at = watch.take()
    assert change == 1.0
    assert at == 1
    assert watch.take()[0] == 0


def test_rows_stored_bottom_up_are_left_alone() -> None:
    import av.filter

    graph = av.filter.Graph()
    source = graph.add_buffer(width=64, height=48, format="gray", time_base=Fraction(1, 25))
    graph.link_nodes(source, graph.add("vflip"), graph.add("buffersink")).configure()
    watch = ChangeWatch()
    for value in (0, 255):
        frame = av.VideoFrame.from_ndarray(np.full((48, 64), value, np.uint8), format="gray")
        frame.pts = value
        graph.push(frame)
        flipped = graph.pull()
        assert flipped.planes[0].line_size < 0
        watch.see(flipped, value)
    assert watch.take() == (0.0, 0)
