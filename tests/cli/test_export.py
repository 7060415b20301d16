"""``iptnet export``: whatever is asked for, or one line that says why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from iptnet.outputs.exports import FORMATS
from iptnet.outputs.json import write_json
from iptnet.timeline import Moment, Timeline
from tests.outputs.timelines import sourced, timeline

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "film" / "timeline.json"
    write_json(timeline(), path)
    return path


def of(video: Path) -> Timeline:
    made = timeline(keyshots=1)
    digest = sha256(video.read_bytes()).hexdigest()
    return replace(made, source=replace(made.source, path=str(video), sha256=digest, duration=12))


def test_some_formats_beside_the_timeline(run: Run, saved: Path) -> None:
    code, out, err = run("export", saved, "--to", "edl, otio,csv,edl")
    assert (code, err) == (0, "")
    assert [Path(line).name for line in out.splitlines()] == ["film.edl", "film.otio", "film.csv"]
    assert {p.name for p in saved.parent.iterdir()} == {
        "timeline.json", "film.edl", "film.otio", "film.csv",
    }  # fmt: skip


@pytest.mark.parametrize(("fps", "said"), [(15.0, " (counted at 30 frames a second"), (48.0, "")])
def test_the_rate_that_is_not_the_videos_is_told(
    run: Run, tmp_path: Path, fps: float, said: str
) -> None:
    made = timeline()
    path = tmp_path / "timeline.json"
    write_json(replace(made, source=replace(made.source, fps=fps)), path)
    code, out, err = run("export", path, "--to", "edl,otio,fcpxml,csv,auto-editor")
    assert (code, err) == (0, "")
    for name, line in zip(
        ("edl", "otio", "fcpxml", "csv", "v1.json"), out.splitlines(), strict=True
    ):
        told = f"{said}, the video has 15)" if said and name in {"edl", "otio", "fcpxml"} else ""
        assert line == f"{tmp_path / 'film'}.{name}{told}"


def test_all_formats_without_the_video(run: Run, saved: Path, tmp_path: Path) -> None:
    code, _, err = run("export", saved, "--to", "all", "--out", tmp_path / "o")
    assert code == 0
    assert {p.name for p in (tmp_path / "o").iterdir()} == {
        f"film{one.suffix}" for one in FORMATS.values()
    }
    assert "no storyboard: the video /home/me/film.mp4 is not there" in err and "no report" in err


def test_all_formats_with_the_video(run: Run, four_scenes: Path, tmp_path: Path) -> None:
    write_json(of(four_scenes), tmp_path / "timeline.json")
    (tmp_path / "summary.mp4").write_bytes(b"")
    code, out, err = run("export", tmp_path / "timeline.json", "--to", "all")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == len(FORMATS) + 2
    assert (tmp_path / "film.storyboard.jpg").read_bytes().startswith(b"\xff\xd8")
    report = (tmp_path / "film.report.html").read_text("utf-8")
    assert "data:image/jpeg" in report and 'src="./summary.mp4"' in report


def test_pictures_of_another_video_are_refused(run: Run, four_scenes: Path, tmp_path: Path) -> None:
    made = of(four_scenes)
    other = replace(made, source=replace(made.source, sha256="0" * 64))
    for one, word in ((other, "any more"), (timeline(), "is not there")):
        write_json(one, tmp_path / "timeline.json")
        code, out, err = run("export", tmp_path / "timeline.json", "--to", "edl,report")
        assert (code, out) == (3, "") and word in err and err.count("\n") == 1
        assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["timeline.json"]


def test_a_path_that_still_leads_somewhere_becomes_whole(
    run: Run, four_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = of(four_scenes)
    made = replace(made, source=replace(made.source, path=four_scenes.name))
    write_json(made, tmp_path / "timeline.json")
    monkeypatch.chdir(four_scenes.parent)
    run("export", tmp_path / "timeline.json", "--to", "otio,ffconcat")
    assert four_scenes.parent.as_posix() in (tmp_path / "film.ffconcat").read_text("utf-8")
    assert f'"{four_scenes}"' in (tmp_path / "film.otio").read_text("utf-8")


def test_several_timelines_keep_apart_and_a_bad_one_is_skipped(
    run: Run, saved: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{", encoding="utf-8")
    code, out, err = run("export", saved, bad, saved, "--to", "csv", "--out", tmp_path / "o")
    assert code == 3 and err.count("\n") == 1 and "bad.json is no timeline" in err
    assert [Path(line).name for line in out.splitlines()] == ["film.csv", "film-2.csv"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no timeline"),
        (b"{", "no timeline"),
        (b"[1]", "schema"),
        (b'{"schema": "iptnet/timeline/3"}', "iptnet/timeline/3"),
        (b'{"schema": "iptnet/timeline/2"}', "source"),
        (b'{"schema": "iptnet/timeline/1"}', "source"),
        (b"\xff\xfe", "not UTF-8"),
        (None, "No such file"),
    ],
)
def test_what_is_no_timeline_is_told(
    run: Run, tmp_path: Path, content: bytes | None, word: str
) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    code, out, err = run("export", path, "--to", "csv", "--out", tmp_path / "o")
    assert (code, out) == (3, "") and word in err and err.count("\n") == 1
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("to", ["", ",", "doc", "edl,doc", "all,edl", "ALL"])
def test_unknown_formats_are_told_with_those_there_are(run: Run, saved: Path, to: str) -> None:
    code, out, err = run("export", saved, "--to", to)
    assert (code, out) == (2, "")
    assert all(name in err for name in (*FORMATS, "storyboard", "report"))
    assert list(saved.parent.iterdir()) == [saved]


def test_no_timeline_given(run: Run) -> None:
    code, _, err = run("export", "--to", "edl")
    assert code == 2 and "no timeline given" in err


def test_folders_that_cannot_be(run: Run, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    code, _, err = run("export", saved, "--to", "edl", "--out", tmp_path / "file")
    assert code == 6 and "cannot write" in err and err.count("\n") == 1


def test_a_huge_file_is_no_timeline(run: Run, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iptnet.outputs.json.LARGEST", 10)
    code, _, err = run("export", saved, "--to", "edl")
    assert code == 4 and "too large" in err


def test_nothing_selected_is_told(run: Run, tmp_path: Path) -> None:
    write_json(sourced(10, 25), tmp_path / "timeline.json")
    code, _, err = run("export", tmp_path / "timeline.json", "--to", "csv")
    assert code == 3 and "neither keyshots nor moments" in err
    code, out, err = run("export", tmp_path / "timeline.json", "--to", "all")
    assert code == 0 and "no csv" in err and "film.edl" in out


def test_moments_are_listed_where_there_are_no_keyshots(run: Run, tmp_path: Path) -> None:
    made = replace(sourced(10, 25), moments=(Moment(1.0, 2.0, "a dog", 0.9),))
    write_json(made, tmp_path / "timeline.json")
    run("export", tmp_path / "timeline.json", "--to", "csv")
    assert (tmp_path / "film.csv").read_text("utf-8") == "1.000000,2.000000,a dog (1)\n"


def test_a_nonsense_timeline_does_not_crash(run: Run, saved: Path, tmp_path: Path) -> None:
    raw = json.loads(saved.read_text("utf-8"))
    raw["source"] |= {"fps": 0, "duration": -3, "path": "\x00" * 5000, "name": "\ud800"}
    raw["keyshots"] = [{"start": 0, "end": 1e12, "score": -7}]
    saved.write_text(json.dumps(raw), encoding="utf-8")
    code, out, err = run("export", saved, "--to", "all", "--out", tmp_path / "o")
    assert code == 0 and "internal" not in err
    assert len(out.splitlines()) >= len(FORMATS) - 1
