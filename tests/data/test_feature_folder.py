"""Folders of other people's features: the recipe is declared or they are refused."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.data.feature_folder import FeatureFolder
from iptnet.errors import InputError, IntegrityError, LimitError
from iptnet.features.recipe import Recipe
from tests.conftest import ROOT

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
    with pytest.raises(LimitError, match="GiB"):
        FeatureFolder(folder, RECIPE).read("vast", 1.0)


def test_times_must_rise(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["b/features"] = ROWS
        file["b/times"] = [0.0, 1.0, 1.0, 3.0]
    with pytest.raises(IntegrityError, match="times"):
        FeatureFolder(tmp_path / "one.h5", RECIPE).read("b")


def a_name(file: h5py.File, target: str) -> None:
    file["b/video_name"] = h5py.ExternalLink(target, "/x")


def a_name_behind_a_door(file: h5py.File, target: str) -> None:
    file["door"] = h5py.ExternalLink(target, "/")
    file["b/video_name"] = h5py.SoftLink("/door/x")


def the_times(file: h5py.File, target: str) -> None:
    file["b/times"] = h5py.ExternalLink(target, "/x")


def the_features(file: h5py.File, target: str) -> None:
    del file["b/features"]
    file["b/features"] = h5py.ExternalLink(target, "/x")


def another_video(file: h5py.File, target: str) -> None:
    file["c"] = h5py.ExternalLink(target, "/x")


def a_virtual_one(file: h5py.File, target: str) -> None:
    layout = h5py.VirtualLayout((4, 3), np.float32)
    layout[:] = h5py.VirtualSource(target, "features", (4, 3))
    del file["b/features"]
    file["b"].create_virtual_dataset("features", layout)


ATTACK = """
import sys
from pathlib import Path
from iptnet.data.feature_folder import FeatureFolder
from iptnet.errors import IntegrityError
from tests.data.test_feature_folder import RECIPE
try:
    FeatureFolder(Path(sys.argv[1]), RECIPE).read("b", 1.0)
except IntegrityError as error:
    print(error)
"""


@pytest.mark.fault(11)
def test_what_leads_outside_is_refused_unopened(tmp_path: Path) -> None:
    """Every target is a pipe: a process that opened it would stand still, deaf to its alarm."""
    os.mkfifo(tmp_path / "pipe")
    plants = (a_name, a_name_behind_a_door, the_times, the_features, another_video, a_virtual_one)
    for plant in plants:
        path = tmp_path / f"{plant.__name__}.h5"
        with h5py.File(path, "w") as file:
            file["b/features"] = ROWS
            plant(file, str(tmp_path / "pipe"))
    children = {
        plant.__name__: subprocess.Popen(
            [sys.executable, "-c", ATTACK, str(tmp_path / f"{plant.__name__}.h5")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for plant in plants
    }
    try:
        for name, child in children.items():
            said, _ = child.communicate(timeout=100)
            assert "outside the file" in said or "in another file" in said, name
    finally:
        for child in children.values():
            child.kill()


@pytest.mark.fault(11)
@pytest.mark.parametrize("times", [[np.nan, 1, 2, 3], [0, 1, 2, np.inf], [3, 2, 1, 0], [0, 1]])
def test_times_that_are_none(tmp_path: Path, times: list[float]) -> None:
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["b/features"] = ROWS
        file["b/times"] = times
    with pytest.raises(IntegrityError, match="b: times"):
        FeatureFolder(tmp_path / "one.h5", RECIPE).read("b")


def npy(rows: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    np.save(out, rows)
    return out.getvalue()


@pytest.mark.fault(11)
@given(
    st.binary(max_size=200) | st.binary(max_size=80).map(lambda b: b"\x93NUMPY\x01\x00" + b),
    st.sampled_from(("npy", "h5")),
)
def test_any_bytes_are_features_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, kind: str
) -> None:
    folder = tmp_path_factory.mktemp("f")
    (folder / f"a.{kind}").write_bytes(content)
    with contextlib.suppress(InputError, IntegrityError, LimitError):
        FeatureFolder(folder, RECIPE, step_seconds=1.0).read("a")


@pytest.mark.fault(11)
@given(st.data())
def test_a_changed_header_is_features_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(npy(ROWS))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("f")
    (folder / "a.npy").write_bytes(content[: data.draw(st.integers(at, len(content)))])
    try:
        times, vectors = FeatureFolder(folder, RECIPE, step_seconds=1.0).read("a")
    except (InputError, IntegrityError, LimitError):
        return
    assert vectors.shape == (len(times), RECIPE.width)
    assert np.isfinite(vectors).all()


@pytest.mark.fault(11)
def test_a_header_that_is_no_python_is_a_broken_file(tmp_path: Path) -> None:
    """The changed byte that hypothesis found: it closed no bracket."""
    content = bytearray(npy(ROWS))
    content[68] = 0
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(IntegrityError, match="cannot be read"):
        FeatureFolder(tmp_path, RECIPE, step_seconds=1.0).read("a")
