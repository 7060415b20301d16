"""What we write comes back as it was, and a flipped byte never passes."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.data.benchmark import BenchmarkVideo, load_benchmark, write_benchmark
from iptnet.errors import IntegrityError, IptnetError, MachineError, UsageError
from iptnet.features.known import DINO768
from iptnet.features.recipe import Recipe
from tests.data.layout import video

RECIPE = replace(DINO768, name="tiny", width=3)


def made(seed: int = 0, **changes: Any) -> BenchmarkVideo:
    raw = video(seed, width=3)
    values: dict[str, Any] = {
        "key": "video_1",
        "name": "A video",
        "features": raw["features"],
        "picks": raw["picks"].astype(np.int64),
        "n_frames": 100,
        "fps": 29.97,
        "change_points": raw["change_points"].astype(np.int64),
        "n_frame_per_seg": raw["n_frame_per_seg"].astype(np.int64),
        "times": np.array([0.0, 0.5, 1.0, 1.7, 2.0, 2.5, 3.0]),
    }
    return BenchmarkVideo(**{**values, **changes})


@st.composite
def videos(draw: st.DrawFn) -> BenchmarkVideo:
    n_frames = draw(st.integers(1, 60))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    picks = np.flatnonzero(rng.random(n_frames) < 0.4).astype(np.int64)
    picks = picks if len(picks) else np.zeros(1, np.int64)
    cuts = np.flatnonzero(rng.random(n_frames) < 0.2)
    edges = np.unique(np.concatenate([[0], cuts, [n_frames]]))
    steps, users = len(picks), int(rng.integers(1, 4))
    maybe = lambda value: value if draw(st.booleans()) else None  # noqa: E731
    text = st.text(
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=9
    )
    return BenchmarkVideo(
        key="video_1",
        name=draw(text),
        features=rng.normal(size=(steps, 3)).astype(np.float32),
        picks=picks,
        n_frames=n_frames,
        fps=maybe(draw(st.floats(0.1, 240))),
        change_points=np.stack([edges[:-1], edges[1:] - 1], axis=1),
        n_frame_per_seg=np.diff(edges),
        user_summary=maybe(rng.integers(0, 2, (users, n_frames)).astype(np.uint8)),
        user_scores=maybe(rng.uniform(1, 5, (users, n_frames)).astype(np.float32)),
        gtscore=maybe(rng.random(steps).astype(np.float32)),
        gtsummary=maybe(rng.integers(0, 2, steps).astype(np.float32)),
        times=maybe(np.cumsum(rng.uniform(0.01, 2, steps))),
        title=maybe(draw(text)),
        category=maybe(draw(text)),
    )


def same(a: BenchmarkVideo, b: BenchmarkVideo) -> None:
    for f in fields(BenchmarkVideo):
        mine, theirs = getattr(a, f.name), getattr(b, f.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype, f.name
            np.testing.assert_array_equal(mine, theirs, f.name)
        else:
            assert mine == theirs, f.name


@settings(max_examples=60, deadline=None)
@given(st.lists(videos(), min_size=1, max_size=3))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, made_up: list[Any]) -> None:
    path = tmp_path_factory.mktemp("h5") / "x.h5"
    given_videos = [replace(v, key=f"video_{9 + i}") for i, v in enumerate(made_up)]
    write_benchmark(path, given_videos, RECIPE, dataset="my-set")
    bench = load_benchmark(path)
    assert (bench.dataset, bench.recipe) == ("my-set", RECIPE)
    assert len(bench) == len(given_videos)
    for one, other in zip(given_videos, bench, strict=True):
        same(one, other)


def test_the_public_layout_is_kept(tmp_path: Path) -> None:
    write_benchmark(tmp_path / "x.h5", [made(gtscore=np.zeros(7, np.float32))], RECIPE)
    with h5py.File(tmp_path / "x.h5") as file:
        kinds = {k: (v.shape, v.dtype.str) for k, v in file["video_1"].items()}
    kinds.pop("video_name")
    assert kinds == {
        "features": ((7, 3), "<f4"),
        "gtscore": ((7,), "<f4"),
        "change_points": ((4, 2), "<i4"),
        "n_frame_per_seg": ((4,), "<i4"),
        "n_frames": ((), "<i8"),
        "picks": ((7,), "<i4"),
        "n_steps": ((), "<i8"),
        "fps": ((), "<f8"),
        "times": ((7,), "<f8"),
    }


def test_same_videos_same_bytes(tmp_path: Path) -> None:
    two = [made(), made(1, key="video_2")]
    write_benchmark(tmp_path / "a.h5", two, RECIPE)
    write_benchmark(tmp_path / "b.h5", two[::-1], RECIPE)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_keys_in_any_script_and_order(tmp_path: Path) -> None:
    keys = ["été", "video_10", "video_9", "映像 1", "²"]
    write_benchmark(tmp_path / "x.h5", [made(key=k) for k in keys], RECIPE)
    assert {v.key for v in load_benchmark(tmp_path / "x.h5")} == set(keys)


@pytest.mark.fault(11)
@settings(max_examples=250, deadline=None)
@given(st.data())
def test_a_flipped_bit_never_changes_a_number(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("h5") / "x.h5"
    original = made(user_summary=video(0)["user_summary"].astype(np.uint8), title="T")
    write_benchmark(path, [original], RECIPE)
    whole = bytearray(path.read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole)
    try:
        bench = load_benchmark(path)
    except IptnetError:
        return
    # Slack between HDF5's structures may flip unnoticed, contents and recipe may not.
    assert bench.recipe == RECIPE
    same(original, bench.videos[0])


@pytest.mark.fault(11)
def test_a_changed_number_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    changes: list[tuple[str, Any]] = [
        ("video_1/features", np.zeros((7, 3), np.float32)),
        ("video_1/picks", np.arange(7, dtype=np.int32)),
        ("video_1/title", "another"),
    ]
    for key, value in changes:
        write_benchmark(path, [made(title="one")], RECIPE)
        with h5py.File(path, "r+") as file:
            del file[key]
            file[key] = value
        with pytest.raises(IntegrityError, match="does not match its own digest"):
            load_benchmark(path)


@pytest.mark.fault(11)
@pytest.mark.parametrize("name", ["schema", "sha256", "recipe", "dataset"])
@pytest.mark.parametrize("value", ["x", None])
def test_changed_attributes_are_noticed(tmp_path: Path, name: str, value: str | None) -> None:
    path = tmp_path / "x.h5"
    write_benchmark(path, [made()], RECIPE, dataset="mine")
    with h5py.File(path, "r+") as file:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value
    with pytest.raises(IntegrityError, match=r"digest|not 'iptnet/benchmark/1'"):
        load_benchmark(path)


@pytest.mark.fault(11)
def test_removed_videos_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    write_benchmark(path, [made(), made(1, key="video_2")], RECIPE)
    with h5py.File(path, "r+") as file:
        del file["video_2"]
    with pytest.raises(IntegrityError, match="digest"):
        load_benchmark(path)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"features": np.zeros((6, 3), np.float32)}, "picks has 7 entries, not 6"),
        ({"features": np.full((7, 3), np.nan, np.float32)}, "features holds NaN"),
        ({"features": np.zeros((7, 4), np.float32)}, "4 wide, but tiny has 3"),
        ({"n_frames": 98}, "change_points"),
        ({"times": np.zeros(7)}, "times do not ascend"),
    ],
)
def test_contradictions_are_not_written(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    path = tmp_path / "x.h5"
    path.write_text("old")
    with pytest.raises(IntegrityError, match=problem):
        write_benchmark(path, [made(**changes)], RECIPE)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("keys", [[], ["a", "a"], [""], ["a/b"], ["."], ["a\0b"]])
def test_keys_must_name_groups(tmp_path: Path, keys: list[str]) -> None:
    with pytest.raises(UsageError):
        write_benchmark(tmp_path / "x.h5", [made(key=k) for k in keys], RECIPE)
    with pytest.raises(UsageError, match="cannot name a set"):
        write_benchmark(tmp_path / "x.h5", [made()], RECIPE, dataset="a/b")
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_a_machine_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineError):
        write_benchmark(tmp_path / "file" / "x.h5", [made()], RECIPE)


def test_features_of_another_recipe_stay_apart(tmp_path: Path) -> None:
    write_benchmark(tmp_path / "x.h5", [made()], RECIPE)
    other: Recipe = replace(RECIPE, weights_sha256="1" * 64)
    with pytest.raises(IntegrityError, match="weights_sha256: unknown != 1111"):
        load_benchmark(tmp_path / "x.h5", recipe=other)


def test_arrays_are_packed(tmp_path: Path) -> None:
    flat = made(user_summary=np.zeros((50, 100), np.uint8))
    write_benchmark(tmp_path / "x.h5", [flat], RECIPE)
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["video_1/user_summary"].id.get_storage_size() < 500
