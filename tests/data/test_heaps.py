"""HDF5's collections of texts are walked through before HDF5 walks, and comes to no end."""

from __future__ import annotations

import time
from pathlib import Path

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.data.benchmark import load_benchmark
from iptnet.data.heaps import SIGNATURE, require_sound_heaps
from iptnet.errors import IntegrityError
from tests.fuzz.runner import regressions

pytestmark = pytest.mark.fault(11)


def texts(path: Path, values: list[str]) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("names", data=values, dtype=h5py.string_dtype())
    return path


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=40))
def test_what_h5py_wrote_is_sound(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    path = texts(tmp_path_factory.mktemp("heap") / "a.h5", values)
    require_sound_heaps(path)
    with h5py.File(path) as file:
        assert [v.decode() for v in file["names"][:]] == values


def test_a_rest_of_no_length_is_refused(tmp_path: Path) -> None:
    path = texts(tmp_path / "a.h5", ["one", "two"])
    data = bytearray(path.read_bytes())
    heap = data.index(SIGNATURE)
    at = heap + 16
    while data[at : at + 2] != b"\0\0":  # the object of number 0 is what is free
        at += 16 + (int.from_bytes(data[at + 8 : at + 16], "little") + 7) // 8 * 8
    data[at + 8 : at + 16] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=f"texts are broken at byte {heap}"):
        require_sound_heaps(path)


@pytest.mark.parametrize("path", regressions("h5"), ids=lambda p: p.name)
def test_what_once_stopped_us_is_refused_at_once(path: Path) -> None:
    began = time.process_time()
    with pytest.raises(IntegrityError, match=path.name):
        load_benchmark(path, recipe=None)
    assert time.process_time() - began < 5
