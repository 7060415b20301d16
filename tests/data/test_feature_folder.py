"""Folders of other people's features: the recipe is declared or they are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from iptnet.data.feature_folder import FeatureFolder
from iptnet.errors import InputError, IntegrityError, LimitError
from iptnet.features.recipe import Recipe

RECIPE = Recipe("i3d", "I3D", "unknown", "16 frames", "unknown", "none", "none", 3, "i3d")
ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


def declare(folder: Path, **more: Any) -> Path:
    (folder / "recipe.json").write_text(json.dumps(RECIPE.to_dict() | more), encoding="utf-8")
    return folder


def test_npy_folder_with_a_declared_recipe(tmp_path: Path) -> None:
    np.save(tmp_path / "AO8RW.npy", ROWS)
    folder = FeatureFolder(declare(tmp_path, step_seconds=0.5))
    assert folder.recipe == RECIPE
    assert folder.videos == {"AO8RW"}
    times, vectors = folder.read("AO8RW")
    np.testing.assert_allclose(times, [0, 0.5, 1, 1.5])
    np.testing.assert_array_equal(vectors, ROWS)
    assert vectors.dtype == np.float32


def test_steps_are_spread_over_the_video_where_no_step_is_declared(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ROWS.astype(np.float16))
    folder = FeatureFolder(tmp_path, RECIPE)
    np.testing.assert_allclose(folder.read("a", 10.0)[0], [0, 2.5, 5, 7.5])
    with pytest.raises(InputError, match="duration"):
        folder.read("a")


def test_h5_in_three_layouts(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with h5py.File(tmp_path / "folder" / "a.h5", "w") as file:
        file["features"] = ROWS
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["a"] = ROWS
        file["b/features"] = ROWS
        file["b/times"] = [0.0, 1.0, 2.5, 3.0]
        file.attrs["recipe"] = json.dumps(RECIPE.to_dict())
    np.testing.assert_array_equal(
        FeatureFolder(tmp_path / "folder", RECIPE).read("a", 4.0)[1], ROWS
    )
    one = FeatureFolder(tmp_path / "one.h5")
    assert one.recipe == RECIPE
    np.testing.assert_array_equal(one.read("a", 4.0)[1], ROWS)
    np.testing.assert_array_equal(one.read("b")[0], [0, 1, 2.5, 3])


def test_no_recipe_no_features(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ROWS)
    with pytest.raises(IntegrityError, match="does not say how"):
        FeatureFolder(tmp_path)
    for text in ("[]", '{"name": "i3d"}', json.dumps(RECIPE.to_dict() | {"step_seconds": 0})):
        (tmp_path / "recipe.json").write_text(text, encoding="utf-8")
        with pytest.raises(IntegrityError):
            FeatureFolder(tmp_path)
    with pytest.raises(InputError, match="no features"):
        (tmp_path / "empty").mkdir()
        FeatureFolder(tmp_path / "empty", RECIPE)
    with pytest.raises(InputError, match="not a file or folder"):
        FeatureFolder(tmp_path / "absent", RECIPE)


def test_a_video_name_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "a.npy", ROWS)
    np.save(tmp_path / "secret.npy", ROWS)
    with pytest.raises(InputError, match="no features of"):
        FeatureFolder(tmp_path / "in", RECIPE).read("../secret", 1.0)


@pytest.mark.parametrize(
    "rows",
    [ROWS[:, :2], ROWS[:0], ROWS[0], np.full((2, 3), np.nan), np.array([["a", "b", "c"]])],
    ids=["width", "empty", "flat", "nan", "text"],
)
def test_arrays_that_cannot_be_features(tmp_path: Path, rows: np.ndarray[Any, Any]) -> None:
    np.save(tmp_path / "a.npy", rows)
    with pytest.raises(IntegrityError, match="a"):
        FeatureFolder(tmp_path, RECIPE).read("a", 1.0)


def test_files_that_lie(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    np.save(folder / "pickle.npy", np.array([{"a": 1}], dtype=object))
    np.save(folder / "cut.npy", ROWS)
    (folder / "cut.npy").write_bytes((folder / "cut.npy").read_bytes()[:-5])
    (folder / "noise.npy").write_bytes(b"\x93NUMPY" + bytes(range(100)))
    (folder / "noise.h5").write_bytes(bytes(range(100)))
    header = (folder / "huge.npy").open("wb")
    with header:
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 3)}
        )
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["features"] = ROWS
    with h5py.File(folder / "link.h5", "w") as file:
        file["features"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "features")
    with h5py.File(folder / "external.h5", "w") as file:
        file.create_dataset(
            "features", (4, 3), "f4", external=[(str(tmp_path / "secret.h5"), 0, 48)]
        )
    found = FeatureFolder(folder, RECIPE)
    for video, why in {
        "pickle": "cannot be read|no numbers",
        "cut": "cannot be read",
        "noise": "cannot be read|whole h5",
        "huge": "cannot be read",
        "link": "a link",
        "external": "in another file",
    }.items():
        with pytest.raises(IntegrityError, match=why):
            found.read(video, 1.0)
    with h5py.File(folder / "vast.h5", "w") as file:
        file.create_dataset("features", (1 << 40, 3), "f4", chunks=(16, 3))
    with pytest.raises(LimitError, match="exceeds 1 GiB"):
        FeatureFolder(folder, RECIPE).read("vast", 1.0)


def test_times_must_rise(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["b/features"] = ROWS
        file["b/times"] = [0.0, 1.0, 1.0, 3.0]
    with pytest.raises(IntegrityError, match="times"):
        FeatureFolder(tmp_path / "one.h5", RECIPE).read("b")
