"""One process at a time where two would mix their work: a lock that dies with its holder.

The lock is the kernel's, on a file that stays: what a killed process held is free at once, and a
file left behind means nothing. Temporaries and single files need none, since the last writer wins
whole (:mod:`iptnet.atomic`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from iptnet.errors import MachineError

try:
    import fcntl
except ImportError:  # Windows: nothing keeps two processes apart there
    fcntl = None  # type: ignore[assignment]

NAME = ".lock"
PAUSE = 0.1  # seconds between two looks


@contextmanager
def sole_user(folder: Path, what: str, waits: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Hold a folder, made if needed, while the block runs.

    Args:
        folder: where the lock file lies.
        what: who else may hold it, for the message.
        waits: asked while another process holds it, whether to go on waiting.

    Raises:
        MachineError: another process holds it, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / NAME).open("w")
    except OSError as error:
        raise MachineError(
            f"cannot write {folder}: {error.strerror or error}", "choose a folder you may write to"
        ) from error
    with file:
        while fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if not waits():
                    raise MachineError(
                        f"{what} uses {folder}", "wait for it, stop it, or choose another folder"
                    ) from error
                time.sleep(PAUSE)
            except OSError:
                break  # some network file systems know no locks
        yield
