"""Nothing outside the file is opened: every target here is a pipe, and opening one would hang."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from iptnet.data.benchmark import load_benchmark
from iptnet.errors import InputError, IntegrityError
from tests.data.layout import eccv16, video, with_changes

pytestmark = pytest.mark.fault(11)


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[str]:
    """A pipe that nobody writes to; whoever opens it is woken after five seconds and fails."""
    path = tmp_path / "outside"
    os.mkfifo(path)

    def opened(*_: object) -> None:
        raise AssertionError("the target outside was opened")

    before = signal.signal(signal.SIGALRM, opened)
    signal.alarm(5)
    yield str(path)
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def external_link(group: h5py.Group, target: str) -> None:
    group["features"] = h5py.ExternalLink(target, "/features")


def virtual(group: h5py.Group, target: str) -> None:
    layout = h5py.VirtualLayout((7, 1024), np.float32)
    layout[:] = h5py.VirtualSource(target, "features", (7, 1024))
    group.create_virtual_dataset("features", layout)


def unlimited_virtual(group: h5py.Group, target: str) -> None:
    layout = h5py.VirtualLayout((7, 1024), np.float32, maxshape=(None, 1024))
    source = h5py.VirtualSource(target, "features", (7, 1024), maxshape=(None, 1024))
    layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
    group.create_virtual_dataset("features", layout)


def external_storage(group: h5py.Group, target: str) -> None:
    group.create_dataset(
        "features", (7, 1024), np.float32, external=[(target, 0, h5py.h5f.UNLIMITED)]
    )


def soft_to_external(group: h5py.Group, target: str) -> None:
    group.file["door"] = h5py.ExternalLink(target, "/")
    group["features"] = h5py.SoftLink("/door/features")


def soft_to_storage_outside(group: h5py.Group, target: str) -> None:
    group.create_dataset("kept", (7, 1024), np.float32, external=[(target, 0, 28672)])
    group["features"] = h5py.SoftLink("kept")


@pytest.mark.parametrize(
    "plant",
    [
        external_link,
        virtual,
        unlimited_virtual,
        external_storage,
        soft_to_external,
        soft_to_storage_outside,
    ],
)
def test_what_leads_outside_is_refused_unopened(
    tmp_path: Path, pipe: str, plant: Callable[[h5py.Group, str], None]
) -> None:
    def change(group: h5py.Group) -> None:
        del group["features"]
        plant(group, pipe)

    path = with_changes(tmp_path, change)
    with pytest.raises(IntegrityError, match=r"outside the file|in another file"):
        load_benchmark(path)


def test_a_whole_video_behind_an_external_link(tmp_path: Path, pipe: str) -> None:
    path = eccv16(tmp_path)
    with h5py.File(path, "r+") as file:
        file["video_9"] = h5py.ExternalLink(pipe, "/video_1")
    with pytest.raises(IntegrityError, match="video_9 is a link that leads outside"):
        load_benchmark(path)


def test_an_optional_array_outside_is_refused_too(tmp_path: Path, pipe: str) -> None:
    path = with_changes(tmp_path, {"user_summary": h5py.ExternalLink(pipe, "/x")})
    with pytest.raises(IntegrityError, match="user_summary is a link"):
        load_benchmark(path)


def test_a_name_outside_is_refused_too(tmp_path: Path, pipe: str) -> None:
    path = with_changes(tmp_path, {"video_name": h5py.ExternalLink(pipe, "/x")})
    with pytest.raises(IntegrityError, match="video_name is a link"):
        load_benchmark(path)


def test_the_file_itself_is_no_pipe(pipe: str) -> None:
    with pytest.raises(InputError, match="is not a file"):
        load_benchmark(pipe)


@pytest.mark.parametrize("target", ["kept", "./kept", "/video_1/kept", "next"])
def test_soft_links_inside_are_followed(tmp_path: Path, target: str) -> None:
    def change(group: h5py.Group) -> None:
        group.move("features", "kept")
        group["next"] = h5py.SoftLink("/video_1/kept")
        group["features"] = h5py.SoftLink(target)

    (found,) = load_benchmark(with_changes(tmp_path, change))
    np.testing.assert_array_equal(found.features, video(1)["features"])


def test_circles_and_dead_ends(tmp_path: Path) -> None:
    def circle(group: h5py.Group) -> None:
        del group["features"]
        group["features"] = h5py.SoftLink("again")
        group["again"] = h5py.SoftLink("features")

    with pytest.raises(IntegrityError, match="in circles"):
        load_benchmark(with_changes(tmp_path, circle))
    with pytest.raises(IntegrityError, match="has no video_1/picks -> /nowhere"):
        load_benchmark(with_changes(tmp_path, {"picks": h5py.SoftLink("/nowhere/x")}))


def test_links_that_multiply_end(tmp_path: Path) -> None:
    def change(group: h5py.Group) -> None:
        del group["features"]
        maze = group.create_group("maze")
        for i in range(12):  # each walks a hundred times through the next: 100 ** 12 steps
            maze[f"l{i}"] = h5py.SoftLink("/".join([f"l{i + 1}"] * 100))
        maze["l12"] = h5py.SoftLink("/video_1/maze")
        group["features"] = h5py.SoftLink("/video_1/maze/l0/features")

    with pytest.raises(IntegrityError, match="in circles"):
        load_benchmark(with_changes(tmp_path, change))


def test_groups_where_arrays_should_be(tmp_path: Path) -> None:
    def change(group: h5py.Group) -> None:
        del group["picks"]
        group.create_group("picks")

    with pytest.raises(IntegrityError, match="picks is not a dataset"):
        load_benchmark(with_changes(tmp_path, change))
    path = with_changes(tmp_path, {"picks": h5py.SoftLink("features/x")})
    with pytest.raises(IntegrityError, match="not in a group"):
        load_benchmark(path)


def test_a_broken_chunk_names_its_array(tmp_path: Path) -> None:
    marker = np.frombuffer(b"\xa5\x5a" * 14, np.float32)

    def change(group: h5py.Group) -> None:
        del group["gtscore"]
        group.create_dataset("gtscore", data=marker, fletcher32=True, chunks=(7,))

    path = with_changes(tmp_path, change)
    data = path.read_bytes()
    assert data.count(marker.tobytes()) == 1
    path.write_bytes(data.replace(marker.tobytes(), marker.tobytes()[:-1] + b"\x00"))
    with pytest.raises(IntegrityError, match="gtscore cannot be read"):
        load_benchmark(path)
