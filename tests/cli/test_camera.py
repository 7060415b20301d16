"""Files as cameras write them, from the command line to what an editor or a person sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from iptnet.timeline import Timeline
from iptnet.video.frames import frames_at
from tests.cli.conftest import ffmpeg

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def camera(four_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """29.97 frames a second, drop-frame timecode that starts at an hour."""
    path = tmp_path_factory.mktemp("camera") / "A001.mov"
    encoded = ("-r", "30000/1001", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
    ffmpeg("-i", str(four_scenes), *encoded, "-timecode", "01:00:00;00", str(path))
    return path


def starts(out: Path) -> tuple[str, Fraction, int]:
    """Where the first segment starts in the EDL, and the media in the other two."""
    edl = next(line for line in (out / "A001.edl").read_text("utf-8").splitlines() if "AX" in line)
    asset = (out / "A001.fcpxml").read_text("utf-8").split("<asset ")[1].split('start="')[1]
    clip = json.loads((out / "A001.otio").read_text("utf-8"))["tracks"]["children"][0]["children"][
        0
    ]
    media = clip["media_reference"]["available_range"]["start_time"]["value"]
    return edl.split()[4], Fraction(asset.split('s"')[0]), media


def test_exports_count_from_the_cameras_timecode(run: Run, camera: Path, tmp_path: Path) -> None:
    """Also when the features come from the cache."""
    for name in ("first", "cached"):
        out = tmp_path / name
        assert run("summarize", camera, "--out", out, "--no-video", "--ratio", "0.3")[0] == 0
        timeline = out / "A001" / "timeline.json"
        assert json.loads(timeline.read_text("utf-8"))["source"]["timecode"] == {
            "start": "01:00:00;00",
            "rate": "30000/1001",
            "drop_frame": True,
        }
        assert run("export", timeline, "--to", "edl,fcpxml,otio", "--out", out)[0] == 0
        label, asset, media = starts(out)
        made = Timeline.from_json(timeline.read_text("utf-8"))
        first = round(Fraction(made.keyshots[0].start) * 30000 / 1001)
        assert label == f"01:00:{first // 30:02};{first % 30:02}"
        assert (asset, media) == (107_892 * Fraction(1001, 30000), 107_892)


def test_moments_count_from_it_too(run: Run, camera: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    assert run("find", camera, "coloured bars", "--top", "1", "--out", out)[0] == 0
    (timeline,) = out.rglob("timeline.json")
    assert run("export", timeline, "--to", "edl,fcpxml,otio", "--out", tmp_path)[0] == 0
    assert starts(tmp_path)[0].startswith("01:00:")


def test_without_a_timecode_the_timeline_has_none(
    run: Run, four_scenes: Path, tmp_path: Path
) -> None:
    assert run("summarize", four_scenes, "--out", tmp_path, "--no-video")[0] == 0
    (timeline,) = tmp_path.rglob("timeline.json")
    raw = json.loads(timeline.read_text("utf-8"))
    assert "timecode" not in raw["source"]


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_the_storyboard_is_as_bright_as_the_summary(
    run: Run, tmp_path: Path, transfer: str
) -> None:
    """White, at 203 cd/m² as ITU-R BT.2408 has it, above black."""
    video = tmp_path / "bright.mp4"
    chain = (
        "format=yuv420p,drawbox=y=90:h=90:c=black:t=fill,"
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,"
        "zscale=t=linear:npl=203,"
        f"zscale=t={transfer}:p=bt2020:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
    )
    ffmpeg(
        "-f", "lavfi", "-i", "color=white:s=320x180:r=25:d=3", "-vf", chain, "-c:v", "libx265",
        "-preset", "ultrafast", "-x265-params",
        f"log-level=none:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc", str(video),
    )  # fmt: skip
    code, _, err = run("summarize", video, "--out", tmp_path / "out", "--ratio", "1")
    assert code == 0 and "dynamic range" not in err
    folder = tmp_path / "out" / "bright"
    (played,) = frames_at(folder / "summary.mp4", [0.5], height=180).images
    white = float(played[20:70].mean())
    assert 185 < white < 210
    with Image.open(folder / "storyboard.jpg") as sheet:
        shown = np.asarray(sheet.convert("L"))
    levels = np.bincount(shown.ravel(), minlength=256)
    # The largest bright area of the sheet is the picture's.
    assert abs(int(levels[120:].argmax()) + 120 - white) < 6
