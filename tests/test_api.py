"""The library as the README shows it, on a small real video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import iptnet
from iptnet.encoded import Encoded, trust
from iptnet.features import cues
from iptnet.features.extract import contrasts
from iptnet.timeline import Moment, Timeline
from tests.cli.conftest import ffmpeg


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of colour bars, five of black, five of a fractal; hard cuts off the grid."""
    path = tmp_path_factory.mktemp("api") / "three.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "smptebars=size=320x180:rate=25:duration=5.2",
        "-f", "lavfi", "-i", "color=black:size=320x180:rate=25:duration=4.6",
        "-f", "lavfi", "-i", "mandelbrot=size=320x180:rate=25",
        "-filter_complex",
        "[2:v]trim=duration=5.2,setpts=PTS-STARTPTS[m];[0:v][1:v][m]concat=n=3,format=yuv420p",
        "-t", "15", "-c:v", "libx264", "-preset", "ultrafast", str(path),
    )  # fmt: skip
    return path


@pytest.fixture(scope="module")
def encoded(video: Path) -> Encoded:
    return iptnet.load(cache=False).encode(str(video))


def test_shots_begin_at_the_very_cut(encoded: Encoded) -> None:
    edges = encoded.bounds[1:, 0]
    for cut in (5.2, 9.8):
        assert np.abs(edges - cut).min() < 1e-6
    assert encoded.bounds[0, 0] == 0 and encoded.bounds[-1, 1] == pytest.approx(15, abs=0.05)
    assert (encoded.bounds[1:, 0] == encoded.bounds[:-1, 1]).all()


def test_a_blank_picture_is_worth_nothing(encoded: Encoded) -> None:
    times = encoded.features.times
    black = (times > 5.3) & (times < 9.7)
    assert (encoded.importance[black] == 0).all()
    assert encoded.importance[~black].max() > 0.5
    grey = np.full((1, 224, 224, 3), 90, np.uint8)
    assert contrasts(grey).tolist() == [0.0]
    assert contrasts(np.concatenate([grey[:, :112], grey[:, :112] + 20], 1)).tolist() == [10.0]


def test_cues_of_every_sample_are_kept_beside_the_vectors(encoded: Encoded) -> None:
    times, kept = encoded.features.times, encoded.features.metadata["cues"]
    assert tuple(kept) == cues.NAMES and {len(row) for row in kept.values()} == {len(times)}
    found = {name: np.array(row) for name, row in kept.items()}
    bars, black = times < 5.2, (times > 5.7) & (times < 9.8)
    assert (found["motion"][bars] == 0).all() and (found["flat"][black] == 1).all()
    first = np.flatnonzero(times > 5.2)[0]
    assert found["unlike"][first] > 0.9 and found["motion"][times > 10.2].min() > 0


def test_any_ratio_and_the_files(encoded: Encoded, video: Path, tmp_path: Path) -> None:
    lengths = []
    for ratio in (0.05, 0.15, 0.3, 1.0):
        timeline = encoded.summarize(ratio)
        assert timeline.summary_duration <= max(ratio * timeline.source.duration, 5) + 1e-6
        assert Timeline.from_json(timeline.to_json()) == timeline
        lengths.append(timeline.summary_duration)
        if ratio < 0.5:
            assert all(k.end <= 5.2 + 1e-6 or k.start >= 9.8 - 1e-6 for k in timeline.keyshots)
    assert lengths == sorted(lengths) and lengths[-1] == pytest.approx(15, abs=0.05)
    files = iptnet.write_summary(
        encoded.summarize(0.15), str(tmp_path / "out"), video=str(video), cut=False
    )
    assert [p.name for p in files] == [
        "timeline.json", "storyboard.jpg", "curve.svg", "report.html",
    ]  # fmt: skip


def test_moments_come_ranked(encoded: Encoded) -> None:
    moments = encoded.find("stripes of many colours", top=3)
    assert 1 <= len(moments) <= 3
    scores = [m.score for m in moments]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= m.start < m.end <= 15.05 for m in moments)
    with pytest.raises(iptnet.IptnetError):
        encoded.find("  ")


def test_progress_is_told_in_seconds_of_video(video: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    iptnet.load(cache=False).encode(video, on_progress=lambda *a: told.append(a))
    assert told and all(stage == "frames" and total == 15 for stage, _, total in told)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_a_preview_looks_at_key_frames_only(
    video: Path, encoded: Encoded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IPTNET_CACHE", str(tmp_path))
    model = iptnet.load()
    seen, encode = [], model.encoder.encode
    monkeypatch.setattr(
        model.encoder, "encode", lambda images: seen.append(len(images)) or encode(images)
    )
    preview = model.encode(video, preview=True)
    times, rows = preview.features.times, preview.features.vectors
    assert times.tolist() == encoded.features.times.tolist()
    changes = 1 + np.flatnonzero((np.diff(rows, axis=0) != 0).any(axis=1))
    assert times[changes].tolist() == [10.0], "the encoder sets one every 250 frames"
    assert sum(seen) == 2, "each picture once"
    motion = np.array(preview.features.metadata["cues"]["motion"])
    assert times[motion > 0].tolist() == [10.0], "where the next key frame comes on show"
    assert any("key frames" in warning for warning in preview.summarize().warnings)
    indices = preview.features.metadata["indices"]
    assert indices == sorted(indices) and indices[-1] < preview.features.metadata["n_frames"] == 375
    # It is not remembered, so the next one is a whole one; that one is, and serves previews too.
    assert not model.encode(video).warnings
    seen.clear()
    assert not model.encode(video, preview=True).warnings
    assert not seen


def test_trust_follows_the_confidence_of_the_answers() -> None:
    answers = (
        Moment(2.0, 4.0, "x", 0.9, 0.8),
        Moment(3.0, 6.0, "x", 0.5, 0.4),
        Moment(7.0, 8.0, "x", 0.1, 0.01),
    )
    # Shares of .8, the higher where two overlap; in no answer, or a hopeless one, a tenth.
    found = trust(answers, np.arange(9.0))
    np.testing.assert_allclose(found, [0.1, 0.1, 1, 1, 0.5, 0.5, 0.1, 0.1, 0.1], atol=1e-6)
    assert trust((), np.arange(3.0)).tolist() == pytest.approx([0.1] * 3)
