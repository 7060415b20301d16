"""Reading an HDF5 file that may lie: nothing outside it is touched, nothing absurd is allocated.

Links are looked at before they are followed and layouts before they are read: external links,
virtual datasets and raw data kept in other files are refused without opening their target. Sizes
are judged as declared, before a byte is read.
"""

from __future__ import annotations

import math
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iptnet.data.heaps import require_sound_heaps
from iptnet.errors import InputError, IntegrityError, LimitError, is_shortage

if TYPE_CHECKING:
    import h5py

AGAIN = "get the file again from its source"
HOPS = 16  # soft links one behind the other
FOLLOWED = 10_000  # soft links in a file: nested ones could multiply without end


@dataclass(frozen=True)
class Limits:
    """What a benchmark file may declare.

    Attributes:
        dataset_bytes: one array, in memory.
        file_bytes: all arrays that are read, in memory.
        frames: frames of one video; 2**25 are 155 hours at 60 a second.
        videos: groups in the file.
        text_bytes: a name, title or recipe.
    """

    dataset_bytes: int = 2**30
    file_bytes: int = 2**33
    frames: int = 2**25
    videos: int = 100_000
    text_bytes: int = 2**16


class Guarded:
    """An open file, read through checks; made by :func:`open_guarded`."""

    def __init__(self, file: h5py.File, path: Path, limits: Limits) -> None:
        self._file, self.path, self.limits = file, path, limits
        self._declared = self._followed = 0
        self._groups: dict[str, Any] = {}

    def attribute(self, name: str) -> str | None:
        """A text attribute of the file, or None."""
        with self._reading(f"attribute {name}"):
            if name not in self._file.attrs:
                return None
            raw = self._file.attrs[name]
        return self._text(raw, f"attribute {name}")

    def groups(self) -> list[str]:
        """Names of the groups at the root; every other link there is checked too."""
        import h5py

        with self._reading("root group"):
            count = len(self._file.id)
            if count > self.limits.videos:
                raise LimitError(
                    f"{self.path} declares {count} videos, more than {self.limits.videos}",
                    "split the file",
                )
            names = [bytes(name).decode(errors="replace") for name in self._file.id]
            return [n for n in names if isinstance(self._open(None, n, n), h5py.h5g.GroupID)]

    def is_group(self, name: str) -> bool:
        """Whether a name in the root leads to a group.

        Raises:
            IntegrityError: it leads outside the file.
        """
        import h5py

        with self._reading(name):
            return isinstance(self._open(None, name, name), h5py.h5g.GroupID)

    def names(self, group: str = "") -> set[str]:
        """Names of the links in a group; in the root without one."""
        with self._reading(group):
            return {bytes(n).decode(errors="replace") for n in self._group(group)}

    def numbers(self, group: str, name: str) -> NDArray[Any]:
        """A numeric or boolean dataset, whole.

        Raises:
            IntegrityError: not such a dataset, kept outside the file, never written, or broken.
            LimitError: declared larger than the limits.
        """
        import h5py

        where = f"{group}/{name}".lstrip("/")
        with self._reading(where):
            found = self._dataset(group, name)
            if found.dtype.kind not in "biuf":
                raise IntegrityError(
                    f"{self.path}: {where} holds {found.dtype}, not numbers", AGAIN
                )
            self._afford(where, tuple(int(n) for n in found.shape), found.dtype)
            if np.prod(found.shape) and found.get_storage_size() == 0:
                raise IntegrityError(f"{self.path}: {where} was declared but never written", AGAIN)
            return np.asarray(h5py.Dataset(found)[()])

    def text(self, group: str, name: str) -> str:
        """A dataset of one text."""
        import h5py

        where = f"{group}/{name}"
        with self._reading(where):
            found = self._dataset(group, name)
            if found.shape not in {(), (1,)} or found.dtype.kind not in "OS":
                raise IntegrityError(f"{self.path}: {where} is not one text", AGAIN)
            if found.dtype.itemsize > self.limits.text_bytes:
                raise LimitError(f"{self.path}: {where} declares a huge text", AGAIN)
            raw = np.asarray(h5py.Dataset(found)[()]).reshape(-1)[0]
        return self._text(raw, where)

    @contextmanager
    def _reading(self, where: str) -> Iterator[None]:
        """What h5py raises over a broken structure, as a refusal that says where."""
        try:
            yield
        except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
            if is_shortage(error):
                raise LimitError(
                    f"{self.path}: {where} does not fit into memory: {error}",
                    "close other programs, or split the file",
                ) from error
            raise IntegrityError(f"{self.path}: {where} cannot be read: {error}", AGAIN) from error

    def _afford(self, where: str, shape: tuple[int, ...], kind: np.dtype[Any]) -> None:
        """Refuse a declared size beyond the limits."""
        # Everything ends as float32, int64 or uint8, so small types are counted as they grow.
        size = math.prod(shape) * max(4, kind.itemsize)
        self._declared += size
        over = size > self.limits.dataset_bytes
        if over or self._declared > self.limits.file_bytes:
            raise LimitError(
                f"{self.path}: {where} declares shape {shape} of {kind}, {size / 2**30:.3g} GiB"
                + ("" if over else f" and {self._declared / 2**30:.3g} GiB with those before it"),
                "split the file, or get it again if it should be small",
            )

    def _text(self, raw: object, where: str) -> str:
        if isinstance(raw, bytes):
            raw = raw.decode(errors="replace")
        if not isinstance(raw, str):
            raise IntegrityError(f"{self.path}: {where} is not a text", AGAIN)
        if len(raw) > self.limits.text_bytes:
            raise LimitError(f"{self.path}: {where} is a text of {len(raw)} characters", AGAIN)
        return raw

    def _dataset(self, group: str, name: str) -> Any:
        import h5py

        where = f"{group}/{name}".lstrip("/")
        found = self._open(self._group(group), name, where)
        if not isinstance(found, h5py.h5d.DatasetID):
            raise IntegrityError(f"{self.path}: {where} is not a dataset", AGAIN)
        plist = found.get_create_plist()
        if plist.get_layout() == h5py.h5d.VIRTUAL or plist.get_external_count() > 0:
            raise IntegrityError(
                f"{self.path}: {where} keeps its data in another file",
                "use a file that holds its own data",
            )
        return found

    def _group(self, name: str) -> Any:
        import h5py

        if not name:
            return h5py.h5g.open(self._file.id, b"/")
        if name not in self._groups:
            self._groups = {name: self._open(None, name, name)}
        return self._groups[name]

    def _open(self, group: Any, name: str, where: str, hops: int = HOPS) -> Any:
        """The object behind a name (in the root for no group), without ever leaving the file."""
        import h5py

        group = h5py.h5g.open(self._file.id, b"/") if group is None else group
        if not isinstance(group, h5py.h5g.GroupID):
            raise IntegrityError(f"{self.path}: {where} is not in a group", AGAIN)
        raw = name.encode()
        try:
            kind = group.links.get_info(raw).type
        except (KeyError, RuntimeError, ValueError) as error:
            raise IntegrityError(f"{self.path} has no {where}", AGAIN) from error
        if kind == h5py.h5l.TYPE_SOFT and hops > 0 and self._followed < FOLLOWED:
            self._followed += 1
            target = group.links.get_val(raw).decode(errors="replace")
            here = None if target.startswith("/") else group
            for part in [p for p in target.split("/") if p not in {"", "."}]:
                here = self._open(here, part, f"{where} -> {target}", hops - 1)
            return here
        if kind != h5py.h5l.TYPE_HARD:
            raise IntegrityError(
                f"{self.path}: {where} is a link that leads outside the file or in circles",
                "use a file that holds its own data",
            )
        return h5py.h5o.open(group, raw)


@contextmanager
def open_guarded(path: Path, limits: Limits) -> Iterator[Guarded]:
    """Open an HDF5 file for guarded reading.

    Raises:
        InputError: missing, not a regular file, not readable, or not HDF5.
        IntegrityError: HDF5 by its first bytes, but truncated, broken, or without an end.
    """
    import h5py

    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise InputError(f"{path} is not a file", "name an .h5 file")
        with path.open("rb"):
            pass
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", "check the path") from error
    if not h5py.is_hdf5(path):
        raise InputError(f"{path} is not an HDF5 file", "name an .h5 file in the benchmark layout")
    try:
        require_sound_heaps(path)
        file = h5py.File(path, "r")
    except BlockingIOError as error:
        raise InputError(f"{path} is open for writing elsewhere", "wait for its writer") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise IntegrityError(f"{path} is truncated or broken: {error}", AGAIN) from error
    with file:
        yield Guarded(file, path, limits)
