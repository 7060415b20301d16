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

from iptnet.atomic import (
    PARTIAL,
    atomic_path,
    require_writable,
    sweep,
    write_bytes,
    write_text,
)
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


@pytest.mark.fault(13)
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


@pytest.mark.fault(15)
def test_a_folder_in_the_way_is_a_machine_error(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").touch()
    with pytest.raises(MachineError, match="cannot write"):
        write_text(tmp_path / "out", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.fault(15)
def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match="choose a folder"):
        write_text(tmp_path / "file" / "a", "x")
    with pytest.raises(MachineError):
        require_writable(tmp_path / "file")


def test_require_writable_makes_the_folder_and_nothing_in_it(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.fault(15)
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


@pytest.mark.fault(14)
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


def abandoned(folder: Path) -> list[str]:
    """A process that is killed in the middle of writing, and what it leaves in ``folder``."""
    code = """
import os, signal, sys
from pathlib import Path
from iptnet.atomic import atomic_path
with atomic_path(Path(sys.argv[1], "film.mp4")) as path:
    path.write_bytes(b"half")
    path.with_suffix(".0.mov").write_bytes(b"a part")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.fault(13)
def test_what_a_killed_writer_left_goes_when_the_folder_is_next_used(tmp_path: Path) -> None:
    left = abandoned(tmp_path)
    assert len(left) == 2 and all(PARTIAL in name for name in left)
    (tmp_path / "film.mp4").write_bytes(b"old")
    require_writable(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]
    assert (tmp_path / "film.mp4").read_bytes() == b"old"


@pytest.mark.fault(17)
def test_what_a_living_writer_holds_stays(tmp_path: Path) -> None:
    abandoned(tmp_path)
    with atomic_path(tmp_path / "film.mp4") as path:
        part = path.with_suffix(".0.mov")
        part.write_bytes(b"a part")
        require_writable(tmp_path)
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, part.name])
        part.unlink()
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.fault(17)
def test_sweeping_all_the_time_takes_nothing_from_a_writer(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from iptnet.atomic import sweep
print(flush=True)
while True:
    sweep(Path(sys.argv[1]))
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as sweeper:
        try:
            assert sweeper.stdout is not None and sweeper.stdout.readline()
            for k in range(1000):
                write_text(tmp_path / "a", str(k))
            assert (tmp_path / "a").read_text() == "999"
        finally:
            sweeper.kill()


def test_only_our_own_temporaries_are_swept(tmp_path: Path) -> None:
    others = [".partial", ".x.partial", "0123456789abcdef.partial", ".0123456789abcdef.partially"]
    for name in others:
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / ".00000000000000ff.partial.mp4")
    (tmp_path / ".00000000000000aa.partial").symlink_to(tmp_path / others[0])
    (tmp_path / ".00000000000000bb.partial").mkdir()
    before = sorted(p.name for p in tmp_path.iterdir())
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.fault(15)
def test_a_disk_without_a_free_block_is_told_before_work(tmp_path: Path) -> None:
    """A limit on file size stands for the full disk."""
    code = """
import resource, signal, sys
from pathlib import Path
from iptnet.atomic import require_writable
from iptnet.errors import MachineError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    require_writable(Path(sys.argv[1]))
except MachineError:
    sys.exit(6)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == 6
