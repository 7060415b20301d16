"""Where the files of a video lie: names of ours only, never what somebody sent."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from iptnet.atomic import PARTIAL, require_writable
from iptnet.errors import MachineError

try:
    import fcntl
except ImportError:  # Windows: nothing keeps two servers apart there
    fcntl = None  # type: ignore[assignment]

_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def well_formed(id_: str) -> bool:
    """Whether a text from an address can be an id at all."""
    return _ID.fullmatch(id_) is not None


class Folders:
    """The data folder: ``jobs.sqlite``, and ``videos/<id>/`` with everything of one video.

    Raises:
        MachineError: it cannot be written, or another server uses it.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.videos = data / "videos"
        require_writable(self.videos)
        # What people upload is nobody else's business.
        with contextlib.suppress(OSError):
            data.chmod(0o700)
        self._lock = (data / "lock").open("w")
        try:
            if fcntl is not None:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise MachineError(
                f"another iptnet serve uses {data}", "stop it, or choose another --data"
            ) from error

    def close(self) -> None:
        """Let another server use the folder."""
        self._lock.close()

    def of(self, id_: str) -> Path:
        """The folder of a video.

        Raises:
            ValueError: not an id; it must never lead anywhere else.
        """
        if not well_formed(id_):
            raise ValueError(f"{id_!r} is not an id")
        return self.videos / id_

    def source(self, id_: str) -> Path:
        """The upload."""
        return self.of(id_) / "source"

    def timeline(self, id_: str) -> Path:
        """The first result."""
        return self.of(id_) / "timeline.json"

    def pictures(self, id_: str) -> Path:
        """The folder of small pictures."""
        return self.of(id_) / "pictures"

    def rendered(self, id_: str, kind: str) -> Path:
        """A rendering."""
        return self.of(id_) / f"{kind}.mp4"

    def remove(self, id_: str) -> None:
        """Delete all of a video; whoever reads one of its files can finish."""
        shutil.rmtree(self.of(id_), ignore_errors=True)

    def tidy(self, known: Iterable[str]) -> None:
        """Delete what an interrupted server left: unfinished files, and folders of no video."""
        keep = set(known)
        for entry in self.videos.iterdir():
            if entry.name not in keep:
                shutil.rmtree(entry, ignore_errors=True)
        for path in self.videos.rglob(f".*{PARTIAL}*"):
            with contextlib.suppress(OSError):
                path.unlink()

    def used(self) -> int:
        """Bytes of everything kept."""
        total = 0
        for folder, _, names in os.walk(self.videos):
            for name in names:
                with contextlib.suppress(OSError):
                    total += (Path(folder) / name).stat().st_size
        return total

    def free(self) -> int:
        """Bytes that the disk has left."""
        return shutil.disk_usage(self.data).free
