"""Every export of real summaries, in its independent reader, within one frame of the timeline."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import iptnet
from iptnet.outputs.autoeditor import timebase
from iptnet.outputs.exports import FORMATS, export
from iptnet.rates import edit_rate
from iptnet.timeline import Timeline
from iptnet.video.ffmpeg import executable
from tests.outputs.readers import READERS

VIDEOS = {
    "natural/long_5scene.mp4": (Fraction(30), False),  # 10 a second, on every third of 30
    "natural/psd_testvideo.mp4": (Fraction(30000, 1001), False),
    "odd/psd_goldeneye-vfr-drop3.mp4": (Fraction(24000, 1001), False),  # every third dropped
    "odd/androidx_internal_emulator_transformer_output_270_rotated.mp4": (
        Fraction(30000, 1001),
        True,
    ),
}
"""With the rate that editors should see, and whether there is sound."""


@pytest.fixture(scope="module")
def timelines(research_data: Path) -> Mapping[str, Timeline]:
    model = iptnet.load(cache=False)
    folder = research_data / "videos"
    return {name: model.encode(folder / name).summarize(0.15) for name in VIDEOS}


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEOS)
def test_every_export_within_a_frame(
    timelines: Mapping[str, Timeline], name: str, tmp_path: Path
) -> None:
    timeline = timelines[name]
    rate, audio = VIDEOS[name]
    assert edit_rate(timeline.source.fps) == rate
    assert timeline.source.audio is audio
    files = dict(zip(FORMATS, export(timeline, FORMATS, tmp_path), strict=True))
    assert Timeline.from_json(files["json"].read_text("utf-8")) == timeline

    # A frame of the source is never shorter than one of the rate that editors count in.
    own = timebase(timeline.source.fps)
    for kind, read in READERS.items():
        counted = own if kind == "auto-editor" else rate
        found = read(files[kind], counted)
        assert len(found) == len(timeline.keyshots)
        at = 0.0
        for keyshot, segment in zip(timeline.keyshots, found, strict=True):
            if segment.start is not None and segment.end is not None:
                assert segment.start == pytest.approx(keyshot.start, abs=float(1 / counted))
                assert segment.end == pytest.approx(keyshot.end, abs=float(1 / counted))
            if segment.at is not None and segment.until is not None:
                assert segment.at == pytest.approx(at, abs=1.1e-3)
                at = segment.until
        if found[0].until is not None:
            whole = timeline.summary_duration
            assert at == pytest.approx(whole, abs=len(found) * float(1 / counted))


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEOS)
def test_the_frames_named_are_the_pictures_shown(
    timelines: Mapping[str, Timeline], name: str, tmp_path: Path
) -> None:
    """At the time of each first frame of the EDL the source shows what it shows at the start."""
    timeline = timelines[name]
    rate, _ = VIDEOS[name]
    with av.open(timeline.source.path) as video:
        stream = video.streams.video[0]
        stamps = sorted(
            float(p.pts * p.time_base) for p in video.demux(stream) if p.pts is not None
        )
    stamps_from_0 = np.array(stamps) - stamps[0]
    (path,) = export(timeline, ["edl"], tmp_path)
    for keyshot, event in zip(timeline.keyshots, READERS["edl"](path, rate), strict=True):
        assert event.start is not None and event.end is not None
        for told, meant in ((event.start, keyshot.start), (event.end, keyshot.end)):
            # Half a millisecond: containers round their stamps.
            shown, wanted = np.searchsorted(stamps_from_0, [told + 5e-4, meant + 5e-4])
            # At a variable rate keyshots lie between pictures, and half a frame may pass one.
            assert abs(int(shown) - int(wanted)) <= ("vfr" in name)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEOS)
def test_ffmpeg_plays_the_list(
    timelines: Mapping[str, Timeline], name: str, tmp_path: Path
) -> None:
    timeline = timelines[name]
    (path,) = export(timeline, ["ffconcat"], tmp_path)
    with av.open(str(path), format="concat", options={"safe": "0"}) as container:
        assert container.duration is not None
        played = container.duration / av.time_base
    assert played == pytest.approx(timeline.summary_duration, abs=0.003 * len(timeline.keyshots))
    command = [executable(), "-nostdin", "-v", "error", "-f", "concat", "-safe", "0"]
    done = subprocess.run(
        [*command, "-i", str(path), "-map", "0:v", "-f", "null", "-"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
