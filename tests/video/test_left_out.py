"""What no cut of a video has is counted, and told in a sentence."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import pytest

from iptnet.timeline import Span
from iptnet.video.cut import cut
from iptnet.video.left_out import left_out
from iptnet.video.probe import probe


def ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *arguments]
    subprocess.run(command, check=True)


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sound tracks, subtitles, a chapter and an attached file beside the picture."""
    folder = tmp_path_factory.mktemp("rich")
    (folder / "s.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhi\n", "utf-8")
    (folder / "note.txt").write_text("a note", "utf-8")
    chapter = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=one\n"
    (folder / "m.txt").write_text(chapter, "utf-8")
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc=d=2:s=160x90:r=10", "-f", "lavfi", "-i", "sine=d=2",
        "-f", "lavfi", "-i", "sine=330:d=2", "-i", str(folder / "s.srt"),
        "-i", str(folder / "m.txt"), "-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "3:s",
        "-map_metadata", "4", "-map_chapters", "4", "-attach", str(folder / "note.txt"),
        "-metadata:s:t", "mimetype=text/plain", "-c:v", "libx264", "-preset", "ultrafast",
        "-c:a", "aac", str(folder / "rich.mkv"),
    )  # fmt: skip
    return folder / "rich.mkv"


def test_matroska_is_counted(rich: Path, tmp_path: Path) -> None:
    assert dict(probe(rich).others) == {
        "further audio": 1, "subtitle": 1, "attachment": 1, "chapter": 1,
    }  # fmt: skip
    done = cut(rich, [Span(0, 1)], tmp_path / "c.mp4")
    assert (
        done.left_out
        == "1 subtitle track, 1 further sound track, 1 attached file and 1 chapter are"
    )
    assert done.warnings == ()
    # What was cut has nothing more to leave out.
    assert left_out(probe(tmp_path / "c.mp4")) == ""


def test_mp4_counts_the_cover_but_neither_timecode_nor_the_track_of_chapters(
    rich: Path, tmp_path: Path
) -> None:
    path = tmp_path / "camera.mp4"
    ffmpeg(
        "-i", str(rich), "-f", "lavfi", "-i", "color=c=red:s=64x64:d=0.04", "-map", "0:v",
        "-map", "0:a:0", "-map", "1:v", "-c", "copy", "-c:v:1", "mjpeg",
        "-disposition:v:1", "attached_pic", "-timecode", "01:00:00:00", str(path),
    )  # fmt: skip
    assert dict(probe(path).others) == {"picture": 1, "chapter": 1}


def test_a_plain_video_leaves_nothing_out(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:s=160x90:r=10", "-timecode", "00:00:10:00", str(path))
    assert left_out(probe(path)) == ""


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ({}, ""),
        ({"subtitle": 1}, "1 subtitle track is"),
        ({"subtitle": 2}, "2 subtitle tracks are"),
        ({"subtitle": 1, "further audio": 1}, "1 subtitle track and 1 further sound track are"),
        ({"chapter": 12, "data": 1}, "1 data track and 12 chapters are"),
        ({"audio": 2}, "2 sound tracks that cannot be decoded are"),
        ({"picture": 3}, "3 attached pictures are"),
    ],
)
def test_the_sentence_is_english(rich: Path, others: dict[str, int], sentence: str) -> None:
    assert left_out(replace(probe(rich), others=others)) == sentence


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["summarize"], "1 chapter are not in summary.mp4"),
        (["find", "a clock"], "1 chapter are not in the clips"),
    ],
)
def test_it_is_said_once_on_the_terminal_and_in_the_timeline(
    rich: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    told: str,
) -> None:
    from iptnet.cli import main
    from iptnet.outputs.json import read_json

    monkeypatch.setenv("IPTNET_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SystemExit) as left:
        main([*command, str(rich), "--out", str(tmp_path)])
    assert left.value.code == 0
    assert capsys.readouterr().err.count(told) == 1
    (warning,) = read_json(tmp_path / "rich" / "timeline.json").warnings
    assert told in warning
