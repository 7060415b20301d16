"""Train, resume, evaluate and extract from the command line, as a researcher does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from iptnet.data.benchmark import load_benchmark
from iptnet.features.encoders import load_encoder
from tests.training.toys import toy_tvsum

Run = Callable[..., tuple[int, str, str]]

CONFIG = """task: summarization
setting: canonical
datasets: [tvsum]
seeds: [0]
model: {heads: 2, hidden: 8, attention: false, context: true}
objective: {target: users, importance: correlation, boundary: 0.0, centrality: 0.0}
optimiser: {name: adamw, lr: 5.0e-3, epochs: 2, batch: 8}
decode: importance
"""


def test_train_again_and_evaluate(run: Run, tmp_path: Path) -> None:
    data, config, out = toy_tvsum(tmp_path), tmp_path / "toy.yaml", tmp_path / "run"
    config.write_text(CONFIG, encoding="utf-8")
    code, printed, err = run("train", config, "--out", out, "--data", data)
    assert code == 0, err
    checkpoints = [Path(line) for line in printed.splitlines()]
    assert len(checkpoints) == 5 and all(p.is_file() for p in checkpoints)
    before = [p.read_bytes() for p in checkpoints]
    assert run("train", config, "--out", out, "--data", data)[0] == 0
    assert [p.read_bytes() for p in checkpoints] == before

    code, printed, err = run("evaluate", "--checkpoint", out, "--data", data, "--json")
    assert code == 0, err
    rows = json.loads(printed)["rows"]
    assert len(rows) >= 3
    code, printed, _ = run("evaluate", "--checkpoint", out, "--data", data)
    assert code == 0 and "random" in printed and "human" in printed and "published" in printed


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("task: summarization\nnonsense: 1\n", "nonsense"),
        ("task: juggling\n", "juggling"),
        ("]: [", "yaml"),
    ],
)
def test_a_bad_configuration_is_told(run: Run, tmp_path: Path, text: str, word: str) -> None:
    config = tmp_path / "bad.yaml"
    config.write_text(text, encoding="utf-8")
    code, _, err = run("train", config, "--out", tmp_path / "run")
    assert code in {2, 3} and word in err.lower() and "Traceback" not in err


def test_a_missing_checkpoint_is_told(run: Run, tmp_path: Path) -> None:
    code, _, err = run("evaluate", "--checkpoint", tmp_path / "none", "--data", tmp_path / "x.h5")
    assert code == 3 and "none" in err


def test_features_land_in_the_benchmark_layout(run: Run, four_scenes: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video", encoding="utf-8")
    out = tmp_path / "mine.h5"
    code, printed, err = run("features", four_scenes, bad, "--out", out)
    assert code == 3 and "bad.mp4" in err and "1 of 2 videos" in printed
    found = load_benchmark(out)
    assert found.recipe == load_encoder("lite").recipe
    (video,) = found.videos
    assert video.name == four_scenes.name and video.features.shape == (24, 256)
    assert video.n_frames == 300 and video.change_points[-1, 1] == 299
    assert video.times is not None and np.allclose(video.times, np.arange(24) / 2)
    assert (np.diff(video.picks) > 0).all() and video.picks[1] in {12, 13}
