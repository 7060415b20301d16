"""``iptnet find``: from a sentence to the moment, on pictures the model never saw."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from iptnet.timeline import Timeline
from iptnet.video.probe import probe
from tests.cli.conftest import ffmpeg

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photographs of four seconds each: a cat, a cup of coffee, a flower."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    folder = tmp_path_factory.mktemp("album")
    listing = []
    pictures = {
        "cat": data.chelsea(),
        "coffee": data.coffee(),
        "flower": load_sample_image("flower.jpg"),
    }
    for name, picture in pictures.items():
        Image.fromarray(picture).resize((320, 240)).save(folder / f"{name}.png")
        listing += ["-loop", "1", "-t", "4", "-i", str(folder / f"{name}.png")]
    ffmpeg(
        *listing, "-filter_complex", "concat=n=3:v=1:a=0,fps=25,format=yuv420p",
        "-c:v", "libx264", "-preset", "ultrafast", str(folder / "album.mp4"),
    )  # fmt: skip
    return folder / "album.mp4"


def test_sentences_find_their_pictures(run: Run, album: Path, tmp_path: Path) -> None:
    sentences = ["a cat looking at the camera", "a cup of coffee on a table"]
    more = tmp_path / "more.txt"
    more.write_text("a flower in a garden\n\n", encoding="utf-8")
    code, out, err = run("find", album, *sentences, "--queries", more, "--top", 2, "--json")
    assert code == 0, err
    moments = json.loads(out)
    best = {m["query"]: m for m in reversed(moments)}
    assert list(dict.fromkeys(m["query"] for m in moments)) == [
        *sentences, "a flower in a garden",
    ]  # fmt: skip
    for k, moment in enumerate(best[q] for q in reversed(best)):
        assert moment["start"] == pytest.approx(4 * k, abs=0.6)
        assert moment["end"] == pytest.approx(4 * k + 4, abs=0.6)
        assert 0 < moment["confidence"] <= 1
    assert best[sentences[0]]["confidence"] > 0.2 and best[sentences[1]]["confidence"] > 0.2
    assert len(moments) <= 6


def test_a_second_query_needs_no_torch(run: Run, album: Path) -> None:
    """Importing it takes two seconds, the rest of a query from the cache half a one."""
    code, first, err = run("find", album, "a cup of coffee", "--json")
    assert code == 0, err
    code_ = (
        "import sys\n"
        "from iptnet.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as left: print(left.code, file=sys.stderr)\n"
        "heavy = ('torch', 'scipy', 'av', 'rich', 'onnxruntime', 'PIL')\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    again = subprocess.run(
        [sys.executable, "-c", code_, "find", str(album), "a cup of coffee", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert again.stdout == first
    assert again.stderr.split("\n")[:2] == ["0", "[]"]


def test_nonsense_is_told(run: Run, album: Path) -> None:
    code, out, err = run("find", album, "qwxz blorf")
    assert code == 0
    assert "knows no word" in err
    assert out.splitlines()[0] == '"qwxz blorf": probably not in this video (best guesses below)'


def test_what_is_there_is_said_to_be(run: Run, album: Path) -> None:
    code, out, err = run("find", album, "a cup of coffee on a table")
    assert code == 0, err
    assert out.splitlines()[0] == '"a cup of coffee on a table": probably in this video'


def test_moments_come_as_clips_with_a_report(run: Run, album: Path, tmp_path: Path) -> None:
    code, _, err = run("find", album, "a cup of coffee", "--top", 1, "--out", tmp_path / "out")
    assert code == 0, err
    folder = tmp_path / "out" / "album"
    assert {p.name for p in folder.iterdir()} == {
        "moment-1-1.mp4", "timeline.json", "curve.svg", "report.html",
    }  # fmt: skip
    timeline = Timeline.from_json((folder / "timeline.json").read_text(encoding="utf-8"))
    (moment,) = timeline.moments
    assert probe(folder / "moment-1-1.mp4").duration == pytest.approx(moment.duration, abs=0.05)
    assert "a cup of coffee" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_summary_can_be_focused(run: Run, album: Path, tmp_path: Path) -> None:
    code, _, err = run(
        "summarize", album, "--query", "a flower in a garden", "--ratio", 0.3, "--no-video",
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 0, err
    timeline = Timeline.from_json((tmp_path / "album" / "timeline.json").read_text("utf-8"))
    inside = sum(max(min(k.end, 12) - max(k.start, 8), 0) for k in timeline.keyshots)
    assert inside > 0.6 * timeline.summary_duration
    assert timeline.moments[0].query == "a flower in a garden"


def test_several_videos_are_ranked_together(run: Run, album: Path, tmp_path: Path) -> None:
    from skimage import data

    other = tmp_path / "more" / "coin.mp4"
    other.parent.mkdir()
    Image.fromarray(data.coins()).resize((320, 240)).save(tmp_path / "coins.png")
    ffmpeg(
        "-loop", "1", "-t", "4", "-i", str(tmp_path / "coins.png"), "-vf",
        "fps=25,format=yuv420p", "-c:v", "libx264", "-preset", "ultrafast", str(other),
    )  # fmt: skip
    (tmp_path / "more" / "notes.txt").write_text("no video")
    # A file, a folder, and sentences, in any order; the file comes twice.
    given = ["a cup of coffee on a table", album, tmp_path / "more", "a cat", album]
    code, out, err = run("find", *given, "--top", 4, "--json")
    assert code == 0, err
    moments = json.loads(out)
    assert [m["query"] for m in moments] == sorted(
        (m["query"] for m in moments), key=["a cup of coffee on a table", "a cat"].index
    )
    assert moments[0]["video"] == str(album) and moments[0]["present"] in (True, False)
    assert {m["video"] for m in moments} == {str(album), str(other)}
    for query in ("a cup of coffee on a table", "a cat"):
        own = [m["confidence"] for m in moments if m["query"] == query]
        assert len(own) <= 4 and own == sorted(own, reverse=True)
    code, out, err = run("find", album, tmp_path / "more", "a cat", "--out", tmp_path / "out")
    assert code == 0, err
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"album", "coin"}
    lines = out.splitlines()
    assert lines[0].startswith('"a cat": probably ') and "these videos" in lines[0]
    assert lines[1].endswith("album.mp4")
    assert sum(line.startswith("-> ") for line in lines) == 2


def test_a_bad_video_among_several_is_skipped(run: Run, album: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video", encoding="utf-8")
    code, out, err = run("find", text, album, "a cup of coffee", "--json")
    assert code == 3 and "text.mp4" in err
    assert {m["video"] for m in json.loads(out)} == {str(album)}


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["missing.mp4", "a cat"], "missing.mp4"),
        (["my holiday.MOV", "a cat"], "my holiday.MOV"),
        (["videos/talk", "a cat"], "videos/talk"),
        (["./a talk", "a cat"], "./a talk"),
    ],
)
def test_a_path_that_is_not_there_is_no_sentence(
    run: Run, album: Path, arguments: list[str], path: str
) -> None:
    code, out, err = run("find", album, *arguments)
    assert (code, out) == (3, "") and f"no file at {path}" in err


def test_a_video_comes_once_however_it_is_named(run: Run, album: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.mp4"
    link.symlink_to(album)
    code, out, err = run("find", album.parent, link, album, "a cup of coffee", "--json")
    assert code == 0, err
    assert {m["video"] for m in json.loads(out)} == {str(album)}


def test_a_sentence_may_hold_a_stroke(run: Run, album: Path) -> None:
    code, out, err = run("find", album, "a cat and/or a dog", "--json")
    assert code == 0, err
    assert json.loads(out)[0]["query"] == "a cat and/or a dog"


@pytest.mark.parametrize("sentences", [[], ["a cat"], ["a cat", "a dog"]])
def test_without_a_video_nothing_is_looked_for(run: Run, sentences: list[str]) -> None:
    code, out, err = run("find", *sentences)
    assert (code, out) == (2, "") and "no video to look in" in err


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        ([], 2, "no sentence to look for: every argument is an existing file or folder"),
        (["  "], 2, "sentence"),
        (["a cat", "--top", "0"], 2, "--top"),
        (["--queries", "missing.txt"], 3, "missing.txt"),
    ],
)
def test_bad_calls_are_told(
    run: Run, album: Path, arguments: list[str], code: int, word: str
) -> None:
    got, out, err = run("find", album, *arguments)
    assert (got, out) == (code, "") and word in err


def test_a_file_that_is_no_video_is_refused(run: Run, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video", encoding="utf-8")
    code, _, err = run("find", text, "a cat")
    assert code == 3 and "text.mp4" in err
