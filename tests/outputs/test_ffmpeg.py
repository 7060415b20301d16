"""ffmpeg itself takes the chapters and the lists, and plays the very pictures."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from iptnet.outputs.exports import export
from iptnet.timeline import Keyshot, Moment, Timeline
from iptnet.video.ffmpeg import executable
from tests.outputs.readers import read_chapters
from tests.outputs.timelines import sourced
from tests.video.making import make, number_of

ODD = ' it\'s; #1 = 100 % \\ "ö" [x] $(y) .mkv'
NTSC = Fraction(30000, 1001)


def ffmpeg(*arguments: object) -> None:
    command = [executable(), "-nostdin", "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds at 29.97 in which every picture can be decoded alone."""
    path = tmp_path_factory.mktemp("clips") / ODD
    return make(path, 120, 1 / NTSC, gop=1, options={"g": "1", "bf": "0"})


def chosen(clip: Path, *frames: tuple[int, int]) -> Timeline:
    made = sourced(float(120 / NTSC), float(NTSC), audio=False)
    source = replace(made.source, path=str(clip), name=clip.name)
    keyshots = tuple(Keyshot(float(a / NTSC), float(b / NTSC), 0.5) for a, b in frames)
    return replace(made, source=source, keyshots=keyshots)


@pytest.mark.parametrize("beside", [False, True])
def test_a_concat_list_plays_the_very_pictures(clip: Path, tmp_path: Path, beside: bool) -> None:
    frames = ((5, 20), (20, 21), (60, 90), (110, 120))
    made = chosen(clip, *frames)
    folder = tmp_path
    if beside:
        # A relative path counts from the list.
        made, folder = replace(made, source=replace(made.source, path=clip.name)), clip.parent
    (listing,) = export(made, ["ffconcat"], folder)
    with av.open(str(listing), format="concat", options={"safe": "0"}) as container:
        shown = [number_of(f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    assert shown == [k for a, b in frames for k in range(a, b)]


def test_no_name_makes_a_list_reach_elsewhere(tmp_path: Path) -> None:
    made = chosen(tmp_path / "x.mkv", (0, 5))
    for path in ("http://localhost:1/x.mp4", "pipe:0", "subfile,,start,0,end,9,,:/etc/passwd"):
        evil = replace(made, source=replace(made.source, path=path))
        (listing,) = export(evil, ["ffconcat"], tmp_path, "list")
        options = {"safe": "0"}
        with (
            pytest.raises(FileNotFoundError),
            av.open(str(listing), format="concat", options=options),
        ):
            pass


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize("kind", ["ffmetadata", "ffmetadata-summary"])
def test_chapters_are_muxed_as_they_are(
    clip: Path, tmp_path: Path, container: str, kind: str
) -> None:
    queries = ("a=b; #c \\ d", "[CHAPTER]", "ö <b> & 'q'")
    made = chosen(clip)
    moments = tuple(
        Moment(float(a / NTSC), float(b / NTSC), q, 0.5)
        for q, (a, b) in zip(queries, ((0, 30), (30, 45), (60, 120)), strict=True)
    )
    (chapters,) = export(replace(made, moments=moments), [kind], tmp_path)
    out = tmp_path / f"out.{container}"
    ffmpeg("-i", clip, "-i", chapters, "-map", 0, "-map_chapters", 1, "-c", "copy", out)
    found = read_chapters(out, NTSC)
    assert [r.name for r in found] == [f"{q} (1)" for q in queries]
    at = Fraction(0)
    for read, (a, b) in zip(found, ((0, 30), (30, 45), (60, 120)), strict=True):
        start, end = (a / NTSC, b / NTSC) if kind == "ffmetadata" else (at, at + (b - a) / NTSC)
        at = end
        assert read.start == pytest.approx(float(start), abs=2e-3)
        # MP4 knows no ends: there, a chapter lasts until the next begins.
        if container == "mkv":
            assert read.end == pytest.approx(float(end), abs=2e-3)
