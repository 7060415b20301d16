"""Exact cuts, proved picture by picture and beep by beep."""

from __future__ import annotations

import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iptnet.errors import InputError, LimitError, UsageError
from iptnet.timeline import Span
from iptnet.video import cut as cutting
from iptnet.video import ffmpeg
from iptnet.video.cut import cut
from iptnet.video.frames import frames_at, sample_frames
from iptnet.video.limits import Limits
from iptnet.video.probe import probe
from tests.oracles.sampling import shown_at
from tests.video.making import (
    beeps_in,
    convert,
    is_upright,
    make,
    number_of,
    numbers_in,
    sound_seconds,
    stamps_in,
)

SPANS = [Span(0.4, 1.0), Span(1.0, 1.2), Span(7.0, 8.0), Span(3.52, 4.0)]
EXPECTED = [*range(10, 25), *range(25, 30), *range(175, 200), *range(88, 100)]


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name.startswith(".")]


def test_the_very_frames_and_their_sound(tmp_path: Path) -> None:
    beeps = [0.48, 1.08, 7.4, 3.6]
    source = make(tmp_path / "a.mp4", 250, beeps=beeps)
    calls: list[tuple[str, int, int | None]] = []
    done = cut(source, SPANS, tmp_path / "out.mp4", on_progress=lambda *a: calls.append(a))
    assert numbers_in(done.path) == EXPECTED
    assert stamps_in(done.path) == pytest.approx([k / 25 for k in range(len(EXPECTED))])
    expected = [0.08, 0.6 + 0.08, 0.8 + 0.4, 1.8 + 0.08]
    assert beeps_in(done.path) == pytest.approx(expected, abs=0.02)
    assert sound_seconds(done.path) == pytest.approx(done.duration, abs=0.05)
    assert (done.n_frames, done.fps, done.duration) == (57, 25.0, 57 / 25)
    assert done.spans == (Span(0.4, 1.0), Span(1.0, 1.2), Span(7.0, 8.0), Span(3.52, 4.0))
    assert calls[-1] == ("cut", 57, 57)
    info = probe(done.path)
    assert (info.codec, info.audio_codec, info.pixel_format) == ("h264", "aac", "yuv420p")
    data = done.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert leftovers(tmp_path) == []


def test_many_shots_go_in_batches_without_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "INPUTS", 3)
    starts = [
        0.208 + 0.88 * i for i in range(10)
    ]  # clear of the half frames, where rounding decides
    source = make(tmp_path / "a.mp4", 250, beeps=[round((s + 0.12) * 25) / 25 for s in starts])
    spans = [Span(s, s + 0.36) for s in starts]
    done = cut(source, spans, tmp_path / "out.mp4")
    first = [int(s * 25 + 0.5) for s in starts]
    counts = [int((s + 0.36) * 25 + 0.5) - f for s, f in zip(starts, first, strict=True)]
    expected = [f + i for f, n in zip(first, counts, strict=True) for i in range(n)]
    assert numbers_in(done.path) == expected
    at = np.cumsum([0, *counts[:-1]]) / 25
    beeps = [
        float(a) + round((s + 0.12) * 25) / 25 - f / 25
        for a, s, f in zip(at, starts, first, strict=True)
    ]
    assert beeps_in(done.path) == pytest.approx(beeps, abs=0.02)
    assert leftovers(tmp_path) == []


def test_long_and_large_videos_are_read_by_fewer_inputs(tmp_path: Path) -> None:
    short = replace(probe(make(tmp_path / "a.mp4", 10)), width=1280, height=720)
    assert cutting.inputs_at_once(short, 9_000) == 6
    assert 1 <= cutting.inputs_at_once(short, 90_000) < 6
    assert cutting.inputs_at_once(short, 1_080_000) == 1
    large = replace(short, width=3840, height=2160)
    deep = replace(short, bit_depth=10)
    assert cutting.inputs_at_once(large, 9_000) == 1
    assert cutting.inputs_at_once(deep, 9_000) < 6
    unknown = replace(short, duration=36_000.0, frame_rate=Fraction(30))
    assert cutting.inputs_at_once(unknown, 0) == 1


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("a.mkv", "libx264", None),
        ("a.ts", "libx264", "mpegts"),
        ("a.ts", "mpeg2video", "mpegts"),
        ("a.avi", "mpeg4", "avi"),
        ("a.webm", "libvpx-vp9", None),
        ("a.gif", "gif", None),
        ("a.flv", "flv1", None),
    ],
)
def test_containers(tmp_path: Path, name: str, codec: str, container: str | None) -> None:
    pixels = "rgb8" if codec == "gif" else "yuv420p"
    source = make(
        tmp_path / name,
        250,
        codec=codec,
        container=container,
        pixels=pixels,
        options=None if codec == "libx264" else {},
        gop=40,
    )
    done = cut(source, SPANS, tmp_path / "out.mp4")
    assert numbers_in(done.path) == EXPECTED


@pytest.mark.fault(8)
def test_late_start_and_odd_rate(tmp_path: Path) -> None:
    tick = Fraction(1001, 30000)
    source = make(tmp_path / "a.mp4", 200, tick, beeps=[float(70 * tick)])
    late = [
        convert(source, tmp_path / f"{offset}.{kind}", "-c", "copy", "-output_ts_offset", offset)
        for kind, offset in [("ts", "33"), ("mkv", "33"), ("mkv", "0.1"), ("mp4", "33")]
    ]
    for path in (source, *late):
        done = cut(path, [Span(float(60 * tick), float(90 * tick))], tmp_path / "out.mp4")
        assert numbers_in(done.path) == list(range(60, 90))
        assert beeps_in(done.path) == pytest.approx([float(10 * tick)], abs=0.025)


def test_sound_that_starts_late_or_ends_early_is_silence(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", 250, beeps=[1.0], sound_seconds=3.0)
    done = cut(source, [Span(8, 9), Span(0.8, 1.2), Span(2.8, 3.2)], tmp_path / "out.mp4")
    assert beeps_in(done.path) == pytest.approx([1.2], abs=0.02)
    assert sound_seconds(done.path) == pytest.approx(1.8, abs=0.05)
    late = convert(
        source,
        tmp_path / "late.mkv",
        *("-map", "0:v", "-map", "1:a", "-c", "copy"),
        before=["-i", str(source), "-itsoffset", "4"],
    )
    done = cut(late, [Span(0.0, 1.0), Span(4.8, 5.4)], tmp_path / "out.mp4")
    assert numbers_in(done.path) == [*range(25), *range(120, 135)]
    assert beeps_in(done.path) == pytest.approx([1.2], abs=0.025)


@pytest.mark.fault(8)
def test_variable_rate_shows_what_was_shown(tmp_path: Path) -> None:
    stamps = [0, 40, 80, 120, 1000, 1100, 4000, 4013, 4050, 4700, 5000, 5031, 5077]
    source = make(tmp_path / "a.mkv", stamps, Fraction(1, 1000))
    span = Span(0.5, 4.9)
    done = cut(source, [span], tmp_path / "out.mp4")
    assert done.duration == pytest.approx(span.duration, abs=1 / done.fps)
    seconds = [s / 1000 for s in stamps]
    shown = numbers_in(done.path)
    assert shown[0] == 3  # mid-freeze: the picture on show, not the next one
    for k, number in enumerate(shown):
        near = {shown_at(seconds, 0.5 + (k + d) / done.fps) for d in (-0.55, 0, 0.55)}
        assert number in near, (k, number, near)


def test_dropped_frames_stay_on_their_grid(tmp_path: Path) -> None:
    kept = [k for k in range(120) if k % 3 != 2]
    source = make(tmp_path / "a.mp4", kept, Fraction(1, 25))
    done = cut(source, [Span(1.0, 2.0)], tmp_path / "out.mp4")
    assert done.fps == 25
    assert numbers_in(done.path) == [shown_at(kept, k) for k in range(25, 50)]


@pytest.mark.fault(8)
def test_turned_odd_and_oblong(tmp_path: Path) -> None:
    odd = make(tmp_path / "a.mkv", 30, codec="ffv1", size=(71, 101), options={})
    done = cut(odd, [Span(0.2, 0.6)], tmp_path / "o.mp4")
    assert (done.width, done.height) == (100, 70)
    assert numbers_in(done.path) == list(range(5, 15))
    stored = convert(make(tmp_path / "b.mp4", 30), tmp_path / "s.mp4", "-vf", "transpose=2")
    turned = convert(stored, tmp_path / "t.mp4", "-c", "copy", before=["-display_rotation", "-90"])
    done = cut(turned, [Span(0.2, 0.6)], tmp_path / "o.mp4")
    assert (done.width, done.height) == (96, 64)
    assert numbers_in(done.path) == list(range(5, 15))
    import av

    with av.open(str(done.path)) as result:
        frame = next(result.decode(video=0))
        assert frame.rotation == 0
        assert is_upright(frame.to_ndarray(format="rgb24"))
    wide = convert(make(tmp_path / "w.mp4", 30), tmp_path / "x.mp4", "-vf", "setsar=2")
    done = cut(wide, [Span(0.2, 0.6)], tmp_path / "o.mp4", height=32)
    assert (done.width, done.height) == (96, 32)
    assert [number_of(p) for p in _pictures(done.path)] == list(range(5, 15))


def _pictures(path: Path) -> list[np.ndarray]:
    import av

    with av.open(str(path)) as source:
        return [f.to_ndarray(format="rgb24") for f in source.decode(video=0)]


def test_one_picture_and_a_tiny_span(tmp_path: Path) -> None:
    one = make(tmp_path / "a.mp4", 1)
    assert cut(one, [Span(0, 0.04)], tmp_path / "o.mp4").n_frames == 1
    many = make(tmp_path / "b.mp4", 50)
    done = cut(many, [Span(1.0, 1.001), Span(1.92, 99.0)], tmp_path / "o.mp4")
    assert numbers_in(done.path) == [25, 48, 49]


def test_rounding_to_frames_never_adds_up(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", 250)
    # Each span of 10.6 frames is nearest to eleven, but ten of them play 106 frames, not 110.
    spans = [Span(k + 0.002, k + 0.426) for k in range(9)] + [Span(9.002, 9.426)]
    done = cut(source, spans, tmp_path / "out.mp4")
    assert done.n_frames == 106 == len(numbers_in(done.path))


def test_refusals_leave_the_old_file_alone(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", 50)
    out = tmp_path / "out.mp4"
    out.write_text("old")
    with pytest.raises(UsageError, match="no spans"):
        cut(source, [], out)
    with pytest.raises(UsageError, match="after the video's end"):
        cut(source, [Span(3, 4)], out)
    with pytest.raises(InputError):
        cut(tmp_path / "missing.mp4", [Span(0, 1)], out)
    with pytest.raises(LimitError):
        cut(source, [Span(0, 1)], out, limits=Limits(max_pixels=100))
    assert out.read_text() == "old"
    assert leftovers(tmp_path) == []


@pytest.mark.fault(14)
def test_interruption_kills_ffmpeg_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    source = make(tmp_path / "a.mp4", 250, size=(240, 320))
    started: list[subprocess.Popen[bytes]] = []
    plain = subprocess.Popen

    def watch(*args: object, **more: object) -> subprocess.Popen[bytes]:
        started.append(plain(*args, **more))  # type: ignore[call-overload]
        return started[-1]

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ffmpeg.subprocess, "Popen", watch)
    with pytest.raises(KeyboardInterrupt):
        cut(source, [Span(0, 9)], tmp_path / "out.mp4", on_progress=stop, preset="veryslow")
    assert all(process.returncode is not None for process in started)
    assert not (tmp_path / "out.mp4").exists()
    assert leftovers(tmp_path) == []


def test_interruption_amid_the_parts_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "INPUTS", 1)
    source = make(tmp_path / "a.mp4", 100)
    seen: list[list[str]] = []

    def stop(_stage: str, frames: int, _total: int | None) -> None:
        if frames > 25:
            seen.append(leftovers(tmp_path))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut(source, [Span(k, k + 1) for k in range(3)], tmp_path / "out.mp4", on_progress=stop)
    assert any(name.endswith(".mov") for name in seen[0])
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_cutting_works_outside_the_main_thread(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", 50)
    results: list[int] = []
    thread = threading.Thread(
        target=lambda: results.append(cut(source, [Span(0, 1)], tmp_path / "o.mp4").n_frames)
    )
    thread.start()
    thread.join()
    assert results == [25]


@pytest.mark.fault(5)
def test_names_are_plain_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make(tmp_path / "a.mp4", 30)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "-weird: %03d 'x'\nü"
    folder.mkdir()
    for name in ["-y.mp4", "a%03d.mp4", "concat:x.mp4", "n\n'\"é.mp4"]:
        odd = folder / name
        odd.write_bytes(source.read_bytes())
        done = cut(odd, [Span(0.2, 0.6)], folder / f"out {name}")
        assert numbers_in(done.path) == list(range(5, 15))
    monkeypatch.chdir(folder)
    assert probe("-y.mp4").n_frames == 30
    assert cut("-y.mp4", [Span(0.2, 0.6)], Path("-z.mp4")).n_frames == 10


def test_complaints_after_a_seek_make_it_decode_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some key frames are none; the cut must notice, and not show what came out."""
    source = make(tmp_path / "a.mp4", 250)
    run, commands = ffmpeg.run, []

    def complaining(command: list[str], *rest: Any) -> list[str]:
        commands.append(command)
        told: list[str] = run(command, *rest)
        return [*told, "error while decoding MB 7 0"] if "-ss" in command else told

    monkeypatch.setattr(cutting.ffmpeg, "run", complaining)
    done = cut(source, [Span(7.0, 8.0)], tmp_path / "out.mp4")
    assert ["-ss" in c for c in commands] == [True, False]
    assert numbers_in(done.path) == list(range(175, 200))
    assert done.warnings == ()


@pytest.mark.data
def test_a_file_that_decodes_only_from_its_start(research_data: Path, tmp_path: Path) -> None:
    """4:4:4 of an old x264: after a seek its decoder returns green mush, without an error."""
    source = research_data / "videos" / "natural" / "cockatoo.mp4"
    done = cut(source, [Span(8.0, 9.0)], tmp_path / "out.mp4", height=180)
    with sample_frames(source, 2.0, (45, 80)) as stream:
        wanted = np.concatenate([b.images for b in stream])[16]
    with sample_frames(done.path, 2.0, (45, 80)) as stream:
        cut_out = np.concatenate([b.images for b in stream])[0]
    thumbnail = frames_at(source, [8.0], size=(45, 80)).images[0]
    for picture in (cut_out, thumbnail):
        assert np.abs(picture.astype(float) - wanted).mean() < 8
