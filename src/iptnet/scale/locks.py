"""One worker a video, whatever processes and machines share the output folder.

A byte of one file is locked for each video: nothing is left behind when a process is killed, and
network file systems pass such locks on between machines.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iptnet.errors import MachineError
from iptnet.scale.shards import digest_of

try:
    import fcntl
except ImportError:  # Windows: nothing keeps two runs apart there
    fcntl = None  # type: ignore[assignment]

NAME = ".batch.lock"


class Locks:
    """The locks of an output folder; one object a process, since its closing lets all of them go.

    Args:
        out: the folder.

    Raises:
        MachineError: it cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self._path = out / NAME
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise MachineError(
                f"cannot write {self._path}: {error.strerror}", "choose a folder you may write to"
            ) from error

    @contextmanager
    def hold(self, name: str, *, wait: bool = False) -> Iterator[bool]:
        """Hold a name's lock for the block; False when another process has it.

        Args:
            name: of anything.
            wait: for the other process.

        Raises:
            MachineError: the file system has no locks.
        """
        at = digest_of(name) % 2**62
        if not self._take(at, wait):
            yield False
            return
        try:
            yield True
        finally:
            if fcntl is not None:
                with contextlib.suppress(OSError):
                    fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, at)

    def _take(self, at: int, wait: bool) -> bool:
        try:
            if fcntl is not None:
                how = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
                fcntl.lockf(self._descriptor, how, 1, at)
        except OSError as error:
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                return False
            raise MachineError(
                f"cannot lock {self._path}: {error.strerror}", "choose another --out"
            ) from error
        return True

    def close(self) -> None:
        """Let go of everything."""
        os.close(self._descriptor)
