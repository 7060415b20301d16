"""Nothing half-written ever stands under a final name.

Writers get a temporary path beside the final one; only a finished, synced file is renamed onto it.
Each temporary is locked while its writer lives: what a killed one left has no lock any more, and
goes when the folder is next written to.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from iptnet.errors import MachineError

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there, and nothing is swept
    fcntl = None  # type: ignore[assignment]

PARTIAL = ".partial"
OURS = re.compile(rf"\.[0-9a-f]{{16}}{re.escape(PARTIAL)}(?=\.|$)")
BLOCK = 4096
"""Bytes of a proof that a folder takes files: an empty one fits on any full disk."""


@contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """Yield a temporary path in ``final``'s folder that replaces ``final`` when the block succeeds.

    The temporary name keeps the final suffix, since encoders choose their format by it.

    Raises:
        MachineError: the folder cannot be written or the disk is full; the old file stays.
    """
    final = Path(final)
    # Not mkstemp: what we publish follows the user's umask like any other file, and only opening
    # it that way does so without touching the umask of other threads.
    temporary = final.parent / f".{secrets.token_hex(8)}{PARTIAL}{final.suffix}"
    held = -1
    try:
        # Created inside the block that removes it: a signal may come between any two lines.
        final.parent.mkdir(parents=True, exist_ok=True)
        _require_replaceable(final)
        held = _claimed(temporary)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(final)
    except OSError as error:
        raise _as_machine_error(error, final) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if held >= 0:
            os.close(held)


def _require_replaceable(final: Path) -> None:
    """Renaming onto a device or a pipe would do away with it: /dev/null, for the superuser."""
    with contextlib.suppress(FileNotFoundError):
        mode = final.lstat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise FileExistsError(errno.EEXIST, "something that is no file has that name")


def _claimed(temporary: Path) -> int:
    """Create a file and lock it, and return the descriptor that holds the lock."""
    while True:
        held = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        if fcntl is not None:
            with contextlib.suppress(OSError):  # some network file systems know no locks
                fcntl.flock(held, fcntl.LOCK_EX)
        if os.fstat(held).st_nlink:
            return held
        os.close(held)  # swept before it was locked


def sweep(folder: Path) -> None:
    """Remove the temporaries of killed processes from ``folder``; those in use are locked.

    A writer may have made further files that begin with its temporary's name; they go with it.
    """
    left: dict[str, list[Path]] = {}
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if found := OURS.match(path.name):
                left.setdefault(found[0], []).append(path)
    for paths in left.values():
        with contextlib.suppress(OSError):
            _remove_unless_held(paths)


def _remove_unless_held(paths: list[Path]) -> None:
    with contextlib.ExitStack() as held:
        for path in paths:
            if fcntl is None or not stat.S_ISREG(path.lstat().st_mode):
                return
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in paths:
            path.unlink(missing_ok=True)


def write_text(final: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(final) as path:
        path.write_text(text, encoding="utf-8")


def write_bytes(final: Path, data: bytes) -> None:
    """Write bytes atomically."""
    with atomic_path(final) as path:
        path.write_bytes(data)


def require_writable(folder: Path) -> None:
    """Create ``folder`` and prove that it takes files, before long work begins.

    What killed processes left in it goes first.

    Raises:
        MachineError: it cannot be created or written, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        with tempfile.TemporaryFile(dir=folder) as proof:
            proof.write(bytes(BLOCK))
    except OSError as error:
        raise _as_machine_error(error, folder) from error


def require_file(final: Path) -> None:
    """The same for one file: its folder takes it, and nothing else has its name.

    Raises:
        MachineError: as :func:`require_writable`, or a folder or a device has the name.
    """
    require_writable(final.parent)
    try:
        _require_replaceable(final)
    except OSError as error:
        raise _as_machine_error(error, final) from error


def scratch() -> BinaryIO:
    """A nameless temporary file.

    Raises:
        MachineError: no folder for temporary files takes one.
    """
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise MachineError(
            "no temporary file can be made", "free some space, or name a folder in TMPDIR"
        ) from error


def _as_machine_error(error: OSError, final: Path) -> MachineError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return MachineError(f"no space left to write {final}", "free some, or choose another --out")
    return MachineError(
        f"cannot write {final}: {error.strerror or error}", "choose a folder you may write to"
    )
