"""The fit to people's marks: ridge by hand, videos left out, and what belongs together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from iptnet import checkpoint as files_of
from iptnet.data.rated import RatedVideo
from iptnet.errors import InputError, UsageError
from iptnet.features.cache import Features
from iptnet.model.pictures import INPUTS
from iptnet.model.summarizer import load_summarizer
from iptnet.training.rated import RatedSample, fit, left_out, subject, with_pictures
from iptnet.training.summarization import train_summarization
from tests.cli.conftest import ffmpeg
from tests.training.test_summarization import OURS
from tests.training.toys import RECIPE, toy_tvsum

TRUE = np.array([0.2, 1.0, 0.5, 0.1, -0.4])


def rated(k: int, noise: float = 0.3) -> RatedSample:
    """A video whose two raters mark a weighted sum of the inputs, each with noise of their own."""
    rng = np.random.default_rng(k)
    rows = rng.normal(size=(80 + k, len(INPUTS)))
    worth = rows @ TRUE + noise * rng.normal(size=(2, len(rows)))
    marks = np.clip(np.rint(3 + worth), 1, 5).astype(np.int64)
    features = Features(np.arange(2.0), np.zeros((2, 16), np.float32), RECIPE)
    return RatedSample(RatedVideo(f"video{k}", Path("none"), marks), features, rows)


def test_the_weights_solve_the_ridge_and_every_video_counts_alike() -> None:
    samples = [rated(k) for k in range(4)]
    weights = fit(samples, 0.5)
    rows = np.concatenate([s.rows / np.sqrt(len(s.rows)) for s in samples])
    target = np.concatenate([s.target / np.sqrt(len(s.rows)) for s in samples])
    rows = np.concatenate([rows, np.sqrt(0.5 * 4) * np.eye(len(INPUTS))])
    expected = np.linalg.lstsq(rows, np.concatenate([target, np.zeros(len(INPUTS))]), rcond=None)[0]
    assert weights == pytest.approx(expected, abs=1e-5)
    assert np.corrcoef(weights, TRUE)[0, 1] > 0.99


def test_a_video_left_out_is_judged_by_the_others_alone() -> None:
    samples = [rated(k) for k in range(4)]
    found = left_out(samples, 1.0)
    assert list(found) == [s.video.name for s in samples] and min(found.values()) > 0.5
    weights = fit(samples[1:], 1.0)
    taus = [kendalltau(samples[0].rows @ weights, r).statistic for r in samples[0].video.marks]
    assert found["video0"] == pytest.approx(np.mean(taus))
    # Marks of the video itself that say the opposite do not change its weights.
    turned = replace(samples[0], video=replace(samples[0].video, marks=6 - samples[0].video.marks))
    assert left_out([turned, *samples[1:]], 1.0)["video0"] == pytest.approx(-np.mean(taus))


def test_marks_that_are_all_the_same_teach_nothing() -> None:
    dull = rated(0)
    dull = replace(dull, video=replace(dull.video, marks=np.full_like(dull.video.marks, 3)))
    assert (fit([dull], 1.0) == 0).all()


def test_the_subject_points_from_scenery_to_people() -> None:
    from iptnet.features.text import TextEncoder

    rows = TextEncoder().encode(["two women and a child", "green hills under clouds"])
    assert (rows @ subject())[0] > (rows @ subject())[1] + 0.1


def test_folders_and_pictures_belong_together(tmp_path: Path) -> None:
    data = toy_tvsum(tmp_path)
    with pytest.raises(UsageError, match="1 folders among the data"):
        train_summarization(OURS, tmp_path / "out", [data, tmp_path])
    with pytest.raises(UsageError, match="0 folders among the data"):
        train_summarization(replace(OURS, setting="shipped", pictures=1.0), tmp_path / "o", [data])


def test_a_folder_of_films_and_marks_becomes_a_reading(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    marks = {}
    for name, source in (("bars", "smptebars"), ("colours", "rgbtestsrc")):
        film = tmp_path / "videos" / f"{name}.mp4"
        scenes = f"{source}=size=128x96:rate=10:duration=6[a];testsrc=size=128x96:rate=10"
        ffmpeg(
            "-filter_complex", f"{scenes}:duration=6[b];[a][b]concat,format=yuv420p",
            "-c:v", "libx264", "-preset", "ultrafast", str(film),
        )  # fmt: skip
        marks[name] = [1, 1, 2, 5, 3, 2]
    for rater in "AB":
        (tmp_path / f"ratings_{rater}.json").write_text(json.dumps(marks))
    told: list[tuple[str, int, int | None]] = []
    shipped = load_summarizer()
    made, line = with_pictures(shipped, tmp_path, 0.3, None, lambda *a: told.append(a))
    assert told == [("rated videos", 1, 2), ("rated videos", 2, 2)] and "2 videos left out" in line
    saved = files_of.save(tmp_path / "made.safetensors", made)
    assert set(saved.provenance["pictures"]["left_out_tau"]) == {"bars", "colours"}
    again = load_summarizer(tmp_path / "made.safetensors")
    assert again.pictures is not None and shipped.pictures is not None
    assert np.array_equal(again.pictures.subject, shipped.pictures.subject)
    assert not np.array_equal(again.pictures.weights, shipped.pictures.weights)
    (tmp_path / "videos" / "bars.mp4").unlink()
    with pytest.raises(InputError, match="no film bars"):
        with_pictures(shipped, tmp_path, 0.3)
