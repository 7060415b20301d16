"""Nothing half-written ever stands under a final name.

Writers get a temporary path beside the final one; only a finished, synced file is renamed onto it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iptnet.errors import MachineError

PARTIAL = ".partial"


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
    try:
        # Created inside the block that removes it: a signal may come between any two lines.
        final.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(final)
    except OSError as error:
        raise _as_machine_error(error, final) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


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

    Raises:
        MachineError: it cannot be created or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _as_machine_error(error, folder) from error


def _as_machine_error(error: OSError, final: Path) -> MachineError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return MachineError(f"no space left to write {final}", "free some, or choose another --out")
    return MachineError(
        f"cannot write {final}: {error.strerror or error}", "choose a folder you may write to"
    )
