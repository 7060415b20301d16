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
    """Three photographs of four seconds each: a cat, a cup of coffee, a rocket."""
    from skimage import data

    folder = tmp_path_factory.mktemp("album")
    listing = []
    for name in ("chelsea", "coffee", "rocket"):
        Image.fromarray(getattr(data, name)()).resize((320, 240)).save(folder / f"{name}.png")
        listing += ["-loop", "1", "-t", "4", "-i", str(folder / f"{name}.png")]
    ffmpeg(
        *listing, "-filter_complex", "concat=n=3:v=1:a=0,fps=25,format=yuv420p",
        "-c:v", "libx264", "-preset", "ultrafast", str(folder / "album.mp4"),
    )  # fmt: skip
    return folder / "album.mp4"


def test_sentences_find_their_pictures(run: Run, album: Path, tmp_path: Path) -> None:
    sentences = ["a cat looking at the camera", "a cup of coffee on a table"]
    more = tmp_path / "more.txt"
    more.write_text("a rocket on the launch pad\n\n", encoding="utf-8")
    code, out, err = run("find", album, *sentences, "--queries", more, "--top", 2, "--json")
    assert code == 0, err
    moments = json.loads(out)
    best = {m["query"]: m for m in reversed(moments)}
    assert list(dict.fromkeys(m["query"] for m in moments)) == [
        *sentences, "a rocket on the launch pad",
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
    assert "knows no word" in err and "probably not in this video" in out


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
        "summarize", album, "--query", "a rocket on the launch pad", "--ratio", 0.3, "--no-video",
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 0, err
    timeline = Timeline.from_json((tmp_path / "album" / "timeline.json").read_text("utf-8"))
    inside = sum(k.duration for k in timeline.keyshots if k.start >= 7.9)
    assert inside > 0.6 * timeline.summary_duration
    assert timeline.moments[0].query == "a rocket on the launch pad"


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        ([], 2, "no sentence"),
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
