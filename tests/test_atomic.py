"""A final name holds the old file or the whole new one, whatever happens in between."""

from __future__ import annotations

import inspect
import itertools
import os
import subprocess
import sys
from pathlib import Path
from types import FrameType

import pytest

from iptnet.atomic import PARTIAL, atomic_path, require_writable, write_bytes, write_text
from iptnet.errors import MachineError


def test_writes_and_leaves_nothing_else(tmp_path: Path) -> None:
    final = tmp_path / "new" / "folder" / "out.txt"
    write_text(final, "é")
    assert final.read_bytes() == "é".encode()
    write_bytes(final, b"2")
    assert final.read_bytes() == b"2"
    assert list(final.parent.iterdir()) == [final]


def test_the_temporary_is_a_neighbour_with_the_same_suffix(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.mp4") as path:
        assert path.parent == tmp_path
        assert path.name.startswith(".")
        assert path.name.endswith(PARTIAL + ".mp4")
        assert not (tmp_path / "a.mp4").exists()
        path.write_bytes(b"x")
    assert (tmp_path / "a.mp4").read_bytes() == b"x"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_keeps_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    final = tmp_path / "a.txt"
    final.write_text("old")
    with pytest.raises(error), atomic_path(final) as path:
        path.write_text("half")
        raise error
    assert final.read_text() == "old"
    assert list(tmp_path.iterdir()) == [final]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_folder_in_the_way_is_a_machine_error(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").touch()
    with pytest.raises(MachineError, match="cannot write"):
        write_text(tmp_path / "out", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match="choose a folder"):
        write_text(tmp_path / "file" / "a", "x")
    with pytest.raises(MachineError):
        require_writable(tmp_path / "file")


def test_require_writable_makes_the_folder_and_nothing_in_it(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    # A limit on file size stands for the full disk: both end a write in the middle.
    (tmp_path / "a").write_text("old")
    code = """
import resource, signal, sys
from pathlib import Path
from iptnet.atomic import write_bytes
from iptnet.errors import MachineError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes(Path(sys.argv[1]), bytes(5000))
except MachineError:
    print("refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "refused"
    assert (tmp_path / "a").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_signal_before_any_line_leaves_no_temporary_behind(tmp_path: Path) -> None:
    """Interrupt before each line of the writer up to its clean-up; one came right after open."""
    source, first = inspect.getsourcelines(atomic_path)
    cleanup = first + next(i for i, line in enumerate(source) if line.strip() == "finally:")
    for lines in itertools.count():
        left = lines

        def trace(frame: FrameType, event: str, _: object) -> object:
            nonlocal left
            if frame.f_code is not atomic_path.__wrapped__.__code__:  # type: ignore[attr-defined]
                return trace if event == "call" else None
            if event == "line" and frame.f_lineno < cleanup:
                left -= 1
                if left == -1:
                    raise KeyboardInterrupt
            return trace

        sys.settrace(trace)
        try:
            write_text(tmp_path / "final", "whole")
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        assert not [p for p in tmp_path.iterdir() if PARTIAL in p.name], f"before line {lines}"
        if left >= 0:
            break
    assert lines > 5
