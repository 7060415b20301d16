"""The importance on pictures: what is weighed, that captions are untouched, and the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from iptnet import checkpoint as files_of
from iptnet.errors import InputError, IntegrityError
from iptnet.model.context import novelty
from iptnet.model.pictures import INPUTS, SUBJECT, WEIGHTS, PictureReading, inputs
from iptnet.model.summarizer import Summarizer, load_summarizer, to_checkpoint
from tests.model.test_summarization import RECIPE, features, module

T = 60
WEIGHED = np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32)


def cues(seed: int = 0) -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return {name: rng.random(T) * 9 for name in ("change", "sharpness", "flat")}


def with_pictures(tmp_path: Path, weights: NDArray[np.float32] = WEIGHED) -> Summarizer:
    made = to_checkpoint(module(with_context=True), "importance", (RECIPE,), {})
    direction = np.eye(16, dtype=np.float32)[0]
    tensors = {**made.tensors, **PictureReading(weights, direction).tensors()}
    path = tmp_path / "pictures.safetensors"
    files_of.save(path, replace(made, config={**made.config, "pictures": True}, tensors=tensors))
    return load_summarizer(path)


def test_scores_are_the_weighted_sum_of_standardised_inputs(tmp_path: Path) -> None:
    sm, rows, found = with_pictures(tmp_path), features(T)[0].numpy(), cues()
    map_ = sm.scores(rows)
    made = inputs(map_, rows, np.eye(16, dtype=np.float32)[0], found)
    assert made.shape == (T, len(INPUTS))
    assert np.abs(made.mean(axis=0)).max() < 1e-9 and np.abs(made.std(axis=0) - 1).max() < 0.05
    assert np.allclose(sm.scores(rows, found), made @ WEIGHED.astype(float))
    mask = torch.ones(1, T, dtype=torch.bool)
    smooth = {
        "map": map_,
        "novelty": blurred(novelty(torch.from_numpy(rows)[None], mask)[0].numpy()),
        "change": blurred(np.log1p(found["change"])),
        "sharpness": blurred(np.log1p(found["sharpness"])),
        "subject": blurred(rows[:, 0]),
    }
    for column, name in zip(made.T, INPUTS, strict=True):
        assert np.corrcoef(column, smooth[name])[0, 1] == pytest.approx(1, abs=1e-5)


def blurred(row: NDArray[np.floating]) -> NDArray[np.float64]:
    """Two running means of three, at the borders of what there is."""
    for _ in range(2):
        row = np.array([row[max(0, t - 1) : t + 2].mean() for t in range(len(row))])
    return row


def test_each_input_moves_the_importance_the_way_of_its_weight(tmp_path: Path) -> None:
    rows = features(T)[0].numpy()
    for name in ("change", "sharpness"):
        alone = (np.array(INPUTS) == name).astype(np.float32)
        sm = with_pictures(tmp_path, alone)
        found = {k: np.ones(T) for k in cues()} | {name: np.r_[np.zeros(30), np.full(30, 9.0)]}
        shown = sm.importance(rows, RECIPE, np.arange(T) / 2, found)
        assert shown[:28].max() < shown[32:].min()


def test_without_cues_or_without_a_fit_captions_are_judged_as_before(tmp_path: Path) -> None:
    rows, times = features(T)[0].numpy(), np.arange(T) / 2
    plain = to_checkpoint(module(with_context=True), "importance", (RECIPE,), {})
    files_of.save(tmp_path / "plain.safetensors", plain)
    without = load_summarizer(tmp_path / "plain.safetensors")
    expected = without.importance(rows, RECIPE, times)
    assert np.array_equal(with_pictures(tmp_path).importance(rows, RECIPE, times), expected)
    assert np.array_equal(without.importance(rows, RECIPE, times, cues()), expected)
    assert not np.array_equal(
        with_pictures(tmp_path).importance(rows, RECIPE, times, cues()), expected
    )


@pytest.mark.parametrize(
    "broken",
    [{}, {"change": [1.0] * T}, {"change": [1.0] * (T - 1)}, {"change": [np.nan] * T}],
)
def test_unfit_cues_are_refused(tmp_path: Path, broken: dict[str, list[float]]) -> None:
    rows = features(T)[0].numpy()
    with pytest.raises(InputError, match="extract the features again"):
        with_pictures(tmp_path).importance(rows, RECIPE, np.arange(T) / 2, broken)


def test_cues_follow_features_of_another_rate(tmp_path: Path) -> None:
    sm, found = with_pictures(tmp_path), cues()
    rows = features(T)[0].numpy()
    slow = sm.importance(rows, RECIPE, np.arange(T) / 2, found)
    dense = np.arange(0, (T - 1) / 2, 0.25)
    k = np.minimum((dense / 0.5).astype(int), T - 1)
    twice = {name: row[k] for name, row in found.items()}
    fast = sm.importance(rows[k], RECIPE, dense, twice)
    assert fast.shape == dense.shape
    assert np.corrcoef(slow[k], fast)[0, 1] > 0.8


def test_one_picture_and_a_still_video_are_neutral(tmp_path: Path) -> None:
    sm = with_pictures(tmp_path)
    one = {name: row[:1] for name, row in cues().items()}
    assert sm.importance(features(1)[0].numpy(), RECIPE, [0.0], one).tolist() == [0.5]
    still = np.repeat(features(1)[0].numpy(), T, axis=0)
    same = {name: np.full(T, 3.0) for name in cues()}
    assert np.allclose(sm.importance(still, RECIPE, np.arange(T) / 2, same), 0.5)


@pytest.mark.parametrize("name", [WEIGHTS, SUBJECT])
def test_a_file_without_its_reading_is_refused(tmp_path: Path, name: str) -> None:
    with_pictures(tmp_path)
    path = tmp_path / "pictures.safetensors"
    stored = files_of.load(path)
    for broken in (None, np.zeros(3, np.float32)):
        tensors = {k: v for k, v in stored.tensors.items() if k != name}
        if broken is not None:
            tensors[name] = broken
        files_of.save(path, replace(stored, tensors=tensors))
        with pytest.raises(IntegrityError, match="train it again"):
            load_summarizer(path)
