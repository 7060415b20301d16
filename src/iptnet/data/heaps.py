"""A look at the places where HDF5 keeps texts, before HDF5 looks itself.

Texts of variable length lie in global heap collections (HDF5 File Format Specification, III.E). The
library walks through the objects of a collection by their declared sizes, and where the rest is
declared to be nothing it stays there for ever: a file of ten kilobytes could stop a program. So the
collections are walked through here first; found by fuzzing (tests/fuzz/h5.py).
"""

from __future__ import annotations

import mmap
import struct
from functools import lru_cache
from pathlib import Path

from iptnet.errors import IntegrityError

SIGNATURE, SUPERBLOCK = b"GCOL", b"\x89HDF\r\n\x1a\n"
SMALLEST = 4096
HEADER = 16  # of a collection, and of an object in it


def require_sound_heaps(path: Path) -> None:
    """Refuse a file with a collection that HDF5 would not come to the end of.

    Raises:
        IntegrityError: there is one, or the file counts in other words than eight bytes.
        OSError: the file cannot be read.
    """
    stat = path.stat()
    _look(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)  # features are read video by video, and files may be large
def _look(path: Path, _inode: int, size: int, _changed: int) -> None:
    if size < HEADER:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if _word_sizes(data) != (8, 8):
            raise IntegrityError(
                f"{path} is HDF5 with unusual word sizes", "write it again with h5py"
            )
        at = data.find(SIGNATURE)
        while at >= 0:
            if not _is_sound(data, at):
                raise IntegrityError(
                    f"{path}: its texts are broken at byte {at}", "get the file again"
                )
            at = data.find(SIGNATURE, at + 1)


def _word_sizes(data: mmap.mmap) -> tuple[int, int]:
    """Bytes of an address and of a length, from the superblock, which may follow other things."""
    at = 0
    while at + 24 <= len(data):
        if data[at : at + 8] == SUPERBLOCK:
            first = at + (13 if data[at + 8] < 2 else 9)
            return data[first], data[first + 1]
        at = at * 2 or 512
    return 8, 8  # none: HDF5 will say so


def _is_sound(data: mmap.mmap, start: int) -> bool:
    """Whether a walk through the collection ends; what only looks like one passes."""
    if start + HEADER > len(data) or data[start + 4] != 1:
        return True
    (size,) = struct.unpack_from("<Q", data, start + 8)
    end = start + size
    if size < SMALLEST or end > len(data):
        return True  # HDF5 refuses it, or it is no collection
    at = start + HEADER
    while at + HEADER <= end:
        (index,) = struct.unpack_from("<H", data, at)
        (length,) = struct.unpack_from("<Q", data, at + 8)
        step = HEADER + (length + 7) // 8 * 8 if index else length
        if step == 0 or at + step > end:
            return False
        at += step
    return True
