"""``iptnet summarize`` as its user meets it: good files, bad files, and interruptions."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from iptnet.cli.inputs import asked_length
from iptnet.timeline import Timeline
from iptnet.video.probe import probe

Run = Callable[..., tuple[int, str, str]]

RESULTS = {"summary.mp4", "timeline.json", "storyboard.jpg", "curve.svg", "report.html"}


def timeline_in(folder: Path) -> Timeline:
    return Timeline.from_json((folder / "timeline.json").read_text(encoding="utf-8"))


def partials(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if "partial" in p.name]


def test_a_video_becomes_its_summary(run: Run, four_scenes: Path, tmp_path: Path) -> None:
    code, out, err = run("summarize", four_scenes, "--out", tmp_path / "out", "--ratio", 0.3)
    assert code == 0, err
    folder = tmp_path / "out" / "four scenes"
    assert {p.name for p in folder.iterdir()} == RESULTS
    assert "four scenes.mp4: " in out and str(folder) in out

    timeline = timeline_in(folder)
    assert timeline.source.duration == pytest.approx(12.0, abs=0.05)
    assert timeline.recipe["name"] == "lite" and timeline.checkpoint["digest"]
    assert len(timeline.importance.times) == 24
    assert 0 < timeline.summary_duration <= 5 + 1e-6, "a share of less lasts five seconds"
    assert timeline.shots[0].start == 0 and timeline.shots[-1].end == pytest.approx(12, abs=0.05)

    made = probe(folder / "summary.mp4")
    assert made.duration == pytest.approx(timeline.summary_duration, abs=0.041)
    assert made.has_audio and (made.width, made.height) == (320, 180)
    with Image.open(folder / "storyboard.jpg") as sheet:
        assert sheet.width >= 320
    ET.parse(folder / "curve.svg")
    assert "summary.mp4" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_second_run_takes_features_from_the_cache(
    run: Run, four_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("summarize", four_scenes, "--out", tmp_path / "a", "--no-video")[0] == 0

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("iptnet.video.frames.sample_frames", refuse)
    assert run("summarize", four_scenes, "--out", tmp_path / "b", "--no-video")[0] == 0
    first, second = (timeline_in(tmp_path / k / "four scenes") for k in "ab")
    assert first == second


def test_without_the_cut_there_is_no_video(run: Run, four_scenes: Path, tmp_path: Path) -> None:
    code, _, _ = run("summarize", four_scenes, "--out", tmp_path, "--no-video")
    assert code == 0
    assert {p.name for p in (tmp_path / "four scenes").iterdir()} == RESULTS - {"summary.mp4"}


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    ("source", "frames"), [("black", 1), ("black", 2), ("black", 9), ("black", 150), ("blue", 150)]
)
def test_films_of_next_to_nothing_get_a_summary(
    run: Run, tmp_path: Path, source: str, frames: int
) -> None:
    """One picture, fewer than two samples, one shot, one colour."""
    path = tmp_path / "dull.mp4"
    picture = f"color={source}:size=96x64:rate=25"
    made = ["-f", "lavfi", "-i", picture, "-frames:v", str(frames), "-pix_fmt", "yuv420p"]
    subprocess.run([*_ffmpeg(), *made, str(path)], check=True)
    code, _, err = run("summarize", path, "--out", tmp_path / "out")
    assert code == 0, err
    folder = tmp_path / "out" / "dull"
    assert {p.name for p in folder.iterdir()} == RESULTS
    timeline = timeline_in(folder)
    assert timeline.source.duration == pytest.approx(frames / 25, abs=1e-3)
    assert [(s.start, s.end) for s in timeline.shots] == [(0, pytest.approx(frames / 25, abs=1e-3))]
    assert len(timeline.keyshots) == 1
    budget = min(max(0.15 * frames / 25, 5), frames / 25)
    assert 0 < timeline.summary_duration <= budget + 1e-6
    made_frames = probe(folder / "summary.mp4").n_frames
    assert made_frames == round(timeline.summary_duration * 25)


def broken_file(kind: str, folder: Path, good: Path) -> Path:
    path = folder / f"{kind}.mp4"
    match kind:
        case "missing":
            pass
        case "directory":
            path.mkdir()
        case "empty":
            path.touch()
        case "text":
            path.write_text("this is no video\n" * 100, encoding="utf-8")
        case "random":
            path.write_bytes(bytes((i * i * 31 + i // 7) % 251 for i in range(20_000)))
        case "fifo":
            os.mkfifo(path)
        case "headless":
            path.write_bytes(good.read_bytes()[2000:])
        case "audio":
            subprocess.run(
                [*_ffmpeg(), "-i", str(good), "-vn", "-c:a", "copy", str(path)], check=True
            )
    return path


def _ffmpeg() -> list[str]:
    import imageio_ffmpeg

    return [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y"]


@pytest.mark.parametrize(
    "kind",
    [
        *(pytest.param(k, marks=pytest.mark.fault(1)) for k in ("missing", "directory", "fifo")),
        *(
            pytest.param(k, marks=pytest.mark.fault(2))
            for k in ("empty", "text", "random", "audio")
        ),
        pytest.param("headless", marks=pytest.mark.fault(3)),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_3(
    run: Run, four_scenes: Path, tmp_path: Path, kind: str
) -> None:
    path = broken_file(kind, tmp_path, four_scenes)
    code, out, err = run("summarize", path, "--out", tmp_path / "out")
    assert code == 3
    lines = [line for line in err.splitlines() if line.startswith("iptnet: ")]
    assert len(lines) == 1 and path.name in lines[0]
    assert "Traceback" not in err and out == ""
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file()]


def test_a_bad_file_among_good_ones_is_skipped(run: Run, four_scenes: Path, tmp_path: Path) -> None:
    bad = broken_file("text", tmp_path, four_scenes)
    code, out, err = run("summarize", bad, four_scenes, "--out", tmp_path / "out", "--no-video")
    assert code == 3
    assert "text.mp4" in err and "four scenes.mp4: " in out
    assert timeline_in(tmp_path / "out" / "four scenes").keyshots


def test_files_of_one_name_get_folders_of_their_own(
    run: Run, four_scenes: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "twin" / four_scenes.name
    twin.parent.mkdir()
    shutil.copy(four_scenes, twin)
    code, _, _ = run("summarize", four_scenes, twin, "--out", tmp_path / "out", "--no-video")
    assert code == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"four scenes", "four scenes-2"}


@pytest.mark.fault(5)
@pytest.mark.parametrize(
    "name", ["-y.mp4", "a%03d.mp4", "concat:x.mp4", "new\nline.mp4", "ü\"'.mp4"]
)
def test_odd_names_are_plain_files(
    run: Run, four_scenes: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(four_scenes, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    code, out, err = run("summarize", "--out", "out", "--ratio", "0.1", "--", name)
    assert code == 0, err
    assert len(out.splitlines()) == 1
    assert timeline_in(tmp_path / "out" / name.removesuffix(".mp4")).source.name == name


@pytest.mark.parametrize("ratio", ["0", "-1", "1.5", "nan"])
def test_a_ratio_that_is_no_share_is_a_usage_error(
    run: Run, four_scenes: Path, tmp_path: Path, ratio: str
) -> None:
    code, _, err = run("summarize", four_scenes, "--out", tmp_path, f"--ratio={ratio}")
    assert code == 2 and "--ratio" in err


def test_a_length_in_seconds_or_minutes(run: Run, four_scenes: Path, tmp_path: Path) -> None:
    code, _, err = run(
        "summarize", four_scenes, "--out", tmp_path, "--length", "0:07", "--no-video"
    )
    assert code == 0, err
    text = (tmp_path / four_scenes.stem / "timeline.json").read_text(encoding="utf-8")
    assert 5 <= Timeline.from_json(text).summary_duration <= 7 + 1e-6


@pytest.mark.parametrize("length", ["0", "-5", "1:75", "soon", "", "1:2:3:4", "nan", "0:00"])
def test_a_length_that_is_no_time_is_a_usage_error(
    run: Run, four_scenes: Path, tmp_path: Path, length: str
) -> None:
    code, _, err = run("summarize", four_scenes, "--out", tmp_path, f"--length={length}")
    assert code == 2 and "--length" in err and "1:30" in err


def test_a_ratio_and_a_length_at_once_are_a_usage_error(
    run: Run, four_scenes: Path, tmp_path: Path
) -> None:
    code, _, err = run(
        "summarize", four_scenes, "--out", tmp_path, "--ratio", "0.2", "--length", "60"
    )
    assert code == 2 and "--ratio and --length" in err


def test_lengths_are_read_as_people_write_them() -> None:
    read = [asked_length(None, text)[1] for text in ("60", "1:30", "1:00:05", "7.5", " 90 ")]
    assert read == [60, 90, 3605, 7.5, 90]
    assert asked_length(None, None) == (0.15, None) and asked_length(0.3, None) == (0.3, None)


@pytest.mark.fault(15)
def test_an_unwritable_output_is_told_before_any_work(
    run: Run, four_scenes: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    code, _, err = run("summarize", four_scenes, "--out", tmp_path / "file" / "out")
    assert code == 6 and "file" in err and "Traceback" not in err


@pytest.mark.fault(14)
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_nothing_half_done(
    four_scenes: Path, tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    """The signal comes while the cut is being written (its temporary file is there)."""
    long = tmp_path / "long.mp4"
    subprocess.run(
        [*_ffmpeg(), "-stream_loop", "3", "-i", str(four_scenes), "-c", "copy", str(long)],
        check=True,
    )
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "iptnet", "summarize", str(long), "--out", str(out), "--ratio", "1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not partials(out) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == expected, err
    assert "Traceback" not in err
    assert not [p for p in out.rglob("*") if p.is_file()]
