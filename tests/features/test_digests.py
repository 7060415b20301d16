"""The digest of a file that was not touched is remembered; any touch makes it be read again."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from iptnet.api import load
from iptnet.errors import InputError
from iptnet.features import digests
from iptnet.features.cache import FeatureCache
from iptnet.features.digests import known_sha256

SIZE = 5 * digests.SAMPLE
TICK = 0.03
"""Seconds in which any file system's clock moves on; what SETTLED is for."""


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files that were read whole. Files of a few kilobytes pass for large, and settle at once."""
    monkeypatch.setattr(digests, "LARGE", SIZE)
    monkeypatch.setattr(digests, "SETTLED", 0.0)
    read: list[Path] = []
    whole = digests.content_sha256

    def counted(path: Path) -> str:
        read.append(path)
        return whole(path)

    monkeypatch.setattr(digests, "content_sha256", counted)
    return read


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(SIZE))
    time.sleep(TICK)
    return path


def test_an_untouched_file_is_read_once(film: Path, tmp_path: Path, readings: list[Path]) -> None:
    kept = tmp_path / "cache" / "digests"
    for _ in range(3):
        assert known_sha256(film, kept) == sha(film)
    moved = film.rename(tmp_path / "other name.mp4")
    known_sha256(moved, kept)
    # Renaming changes the change time on Linux.
    assert len(readings) <= 2 and readings[0] == film


def in_place(film: Path) -> None:
    """One byte where no sample looks, the size and the modification time as before."""
    facts = film.stat()
    with film.open("r+b") as file:
        file.seek(digests.SAMPLE + 7)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    os.utime(film, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def longer(film: Path) -> None:
    with film.open("ab") as file:
        file.write(b"x")


def another(film: Path) -> None:
    facts = film.stat()
    film.unlink()
    film.write_bytes(os.urandom(SIZE))
    os.utime(film, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize("touch", [in_place, longer, another])
def test_any_change_is_noticed(
    film: Path, tmp_path: Path, readings: list[Path], touch: Callable[[Path], None]
) -> None:
    first = known_sha256(film, tmp_path / "d")
    touch(film)
    assert known_sha256(film, tmp_path / "d") == sha(film) != first
    assert len(readings) == 2


def test_a_file_that_changed_just_now_is_not_kept(
    film: Path, tmp_path: Path, readings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "SETTLED", 5.0)
    for _ in range(2):
        assert known_sha256(film, tmp_path / "d") == sha(film)
    future = film.stat().st_mtime + 3600
    os.utime(film, (future, future))
    known_sha256(film, tmp_path / "d")
    assert len(readings) == 3 and not (tmp_path / "d").exists()


def test_a_file_that_changes_meanwhile_is_not_kept(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readings: list[Path]
) -> None:
    counted = digests.content_sha256

    def slow(path: Path) -> str:
        found = counted(path)
        in_place(path)
        return found

    monkeypatch.setattr(digests, "content_sha256", slow)
    known_sha256(film, tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_small_files_and_damaged_entries_are_read(
    film: Path, tmp_path: Path, readings: list[Path]
) -> None:
    small = tmp_path / "small"
    small.write_bytes(bytes(SIZE - 1))
    for _ in range(2):
        known_sha256(small, tmp_path / "d")
    assert len(readings) == 2
    known_sha256(film, tmp_path / "d")
    for text in (b"", b"../../etc/passwd", b"g" * 64, b"\xff" * 64, b"0" * 63 + b"\n"):
        (entry,) = (tmp_path / "d").iterdir()
        entry.write_bytes(text)
        assert known_sha256(film, tmp_path / "d") == sha(film)
    assert len(readings) == 8


def test_a_folder_that_takes_nothing_costs_only_the_keeping(
    film: Path, tmp_path: Path, readings: list[Path]
) -> None:
    (tmp_path / "d").write_bytes(b"a file")
    assert known_sha256(film, tmp_path / "d") == known_sha256(film, tmp_path / "d") == sha(film)
    with pytest.raises(InputError):
        known_sha256(tmp_path / "none", tmp_path / "d")
    shutil.rmtree(tmp_path / "e", ignore_errors=True)
    with pytest.raises(InputError):
        known_sha256(tmp_path, tmp_path / "e")


def test_few_are_kept(
    film: Path, tmp_path: Path, readings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "MOST", 3)
    for n in range(9):
        longer(film)
        known_sha256(film, tmp_path / "d")
        assert len(list((tmp_path / "d").iterdir())) <= 3, n
    known_sha256(film, tmp_path / "d")
    assert len(readings) == 9


@pytest.mark.fault(2)
@pytest.mark.parametrize("cached", [True, False])
def test_a_large_file_that_is_no_video_is_refused_unread(
    film: Path, tmp_path: Path, readings: list[Path], cached: bool
) -> None:
    kept = FeatureCache(tmp_path / "cache" / "features") if cached else None
    model = replace(load(cache=False), cache=kept)
    with pytest.raises(InputError, match="is not a video"):
        model.encode(film)
    assert not readings
    (tmp_path / "small.mp4").write_bytes(bytes(SIZE - 1))
    with pytest.raises(InputError, match="is not a video"):
        model.encode(tmp_path / "small.mp4")
    assert len(readings) == 1
