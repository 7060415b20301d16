"""Digests of large files, kept so that asking again does not read gigabytes again.

Features are found by what a video holds. Reading that costs .7 s of processor time a gigabyte, and
the disk's time on top, which for a film is longer than everything else that a second query does.
So the digest is kept under what the file system says of the file (device, inode, size, both time
stamps to the nanosecond) and of a sample of its bytes. Nobody can write to a file and keep its
change time; only a write within the same tick of the clock could hide, so a file that has changed
within :data:`SETTLED` seconds, or while it was being read, is not kept, and small ones never are.
Whatever is odd costs a reading, no more.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from iptnet.atomic import write_bytes
from iptnet.errors import MachineError
from iptnet.features.cache import content_sha256

LARGE = 64 * 2**20
"""Bytes; anything smaller is read in a few hundredths of a second."""

SETTLED = 5.0
"""Seconds without a change, far above the ticks of any file system's clock (two on FAT)."""

MOST = 10_000
"""Digests kept, 64 bytes each; then the longest unused half goes."""

SAMPLE = 2**16
"""Bytes looked at anyway at the beginning, in the middle and at the end: network file systems and
restored backups may tell less of the truth than the above supposes."""


def known_sha256(
    path: Path, folder: Path | None, before_reading: Callable[[Path], object] = lambda _: None
) -> str:
    """:func:`~iptnet.features.cache.content_sha256`, from the folder where the file is unchanged.

    Args:
        path: a regular file.
        folder: where digests are kept; one that cannot be written costs only the keeping, and
            without one none is kept.
        before_reading: called with the path of a large file whose digest is not kept; what it
            raises saves the reading.

    Raises:
        InputError: it cannot be read.
    """
    before = _key(path) if folder else None
    if folder is None or before is None:
        if _is_large(path):
            before_reading(path)
        return content_sha256(path)
    kept = folder / before
    with contextlib.suppress(OSError, UnicodeDecodeError):
        found = kept.read_text(encoding="ascii")
        if re.fullmatch(r"[0-9a-f]{64}", found):
            os.utime(kept)
            return found
    before_reading(path)
    digest = content_sha256(path)
    if _key(path) == before:
        with contextlib.suppress(MachineError, OSError):
            write_bytes(kept, digest.encode())
            _tidy(folder)
    return digest


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size >= LARGE
    except OSError:  # the reading tells
        return False


def _key(path: Path) -> str | None:
    """What the file system says of a file that is worth it and has settled; else None."""
    if os.name != "posix":  # elsewhere, the change time is another one
        return None
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            changed = max(facts.st_ctime, facts.st_mtime)
            if facts.st_size < LARGE or not 0 <= changed <= time.time() - SETTLED:
                return None
            told = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
            key = hashlib.sha256(repr(told).encode())
            for at in (0, facts.st_size // 2, facts.st_size - SAMPLE):
                file.seek(at)
                key.update(file.read(SAMPLE))
    except OSError:
        return None
    return key.hexdigest()


def _tidy(folder: Path) -> None:
    kept = [p for p in folder.iterdir() if not p.name.startswith(".")]
    if len(kept) > MOST:
        for path in sorted(kept, key=lambda p: p.stat().st_mtime_ns)[: len(kept) // 2]:
            path.unlink(missing_ok=True)
