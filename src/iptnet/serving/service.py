"""What can be asked of the server, whatever the way it is asked: the rules, without HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from iptnet.serving.board import Board
from iptnet.serving.failures import RefusedError
from iptnet.serving.folders import Folders, well_formed
from iptnet.serving.jobs import Jobs
from iptnet.serving.library import Library
from iptnet.serving.names import display_name
from iptnet.serving.records import ACTIVE, Kind, Video, new_id
from iptnet.serving.settings import Settings
from iptnet.serving.upload import receive
from iptnet.serving.worker import Worker

if TYPE_CHECKING:
    from iptnet.api import Model

SPARE = 256 << 20
"""Bytes of the disk that are never used up."""
USE_SECONDS = 600.0


class Service:
    """One server's jobs, folder, worker and model.

    Args:
        settings: its bounds.
        load: makes the model.

    Raises:
        MachineError: the data folder cannot be used, or another server uses it.
        IntegrityError: the database is not ours.
    """

    def __init__(self, settings: Settings, load: Callable[[], Model]) -> None:
        self.settings = settings
        self.folders = Folders(settings.data)
        try:
            self.jobs = Jobs(settings.data / "jobs.sqlite")
        except BaseException:
            self.folders.close()
            raise
        self.jobs.recover()
        self.folders.tidy(self.jobs.ids())
        self.board = Board()
        self.library = Library(load, self.folders)
        self.worker = Worker(self.jobs, self.board, self.folders, self.library, self.expire)
        self._arriving: dict[str, int] = {}
        self._seen: dict[str, float] = {}

    def start(self) -> None:
        """Begin to work."""
        self.worker.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Put back what runs, and close everything."""
        self.board.close()
        self.worker.stop(seconds)
        self.jobs.close()
        self.folders.close()

    def expire(self) -> None:
        """Delete what nobody looked at for ``keep_days``."""
        for id_ in self.jobs.unused_since(time.time() - self.settings.keep_days * 86400):
            self._drop(id_)

    def video(self, owner: str | None, id_: str, *, ready: bool = False) -> Video:
        """A video of this session.

        Raises:
            RefusedError: there is none; the same answer whether it is another session's or
                nobody's. Or it has no result yet.
        """
        video = self.jobs.video(id_) if owner and well_formed(id_) else None
        if video is None or video.owner != owner:
            raise RefusedError(
                "missing", "there is no such video here", "it may have been deleted: see the list"
            )
        if ready and not video.ready:
            raise RefusedError("not-ready", f"{video.name} is not ready yet", "wait for it")
        now = time.monotonic()
        if now - self._seen.get(id_, -USE_SECONDS) >= USE_SECONDS:
            self._seen[id_] = now
            self.jobs.use(id_)
        return video

    async def submit(
        self, owner: str, name: str, stream: AsyncIterator[bytes], declared: int | None
    ) -> Video:
        """Receive a video and queue it.

        Args:
            owner: the session.
            name: what the sender calls the file.
            stream: its bytes.
            declared: how many the sender says they are; only believed when it is too many.

        Raises:
            RefusedError: too large, no room, too much to do, stalled, empty.
            MachineError: the disk is full.
        """
        self._require_turn()
        room = await asyncio.to_thread(self.room)
        self._require_turn()  # others may have come while we counted

        def check(size: int) -> None:
            if size > self.settings.max_bytes:
                raise RefusedError(
                    "too-large",
                    f"the video is larger than {self.settings.max_bytes / 2**30:.3g} GiB",
                    "cut or re-encode it, or start the server with a larger --max-gib",
                )
            others = sum(n for i, n in self._arriving.items() if i != id_)
            if size + others > room:
                raise RefusedError(
                    "full", "there is no room left for this video", "delete earlier videos"
                )
            self._arriving[id_] = size

        id_ = new_id()
        check(declared or 0)
        self.jobs.add(id_, owner, display_name(name))
        self.board.touch(id_, owner)
        try:
            size = await receive(
                stream,
                self.folders.source(id_),
                stall_seconds=self.settings.stall_seconds,
                on_bytes=check,
            )
            if not self.jobs.uploaded(id_, size):
                raise RefusedError("missing", "the video was deleted while it was sent")
        except BaseException:
            self._drop(id_)
            raise
        finally:
            self._arriving.pop(id_, None)
        self.board.touch(id_, owner)
        self.worker.wake()
        return self.video(owner, id_)

    def room(self) -> int:
        """Bytes that may still be kept; below 0 when there are too many already."""
        return min(self.settings.quota - self.folders.used(), self.folders.free() - SPARE)

    def arrived(self, id_: str) -> int:
        """Bytes received of an upload under way."""
        return self._arriving.get(id_, 0)

    def _require_turn(self) -> None:
        if self.jobs.active() >= self.settings.max_active:
            raise RefusedError(
                "busy",
                f"{self.settings.max_active} videos are already waiting",
                "try again when some are done",
            )

    def _drop(self, id_: str) -> None:
        video = self.jobs.video(id_)
        self.jobs.remove(id_)
        if not self.worker.cancel(id_):
            self.folders.remove(id_)
        self.library.forget(id_)
        self._seen.pop(id_, None)
        if video is not None:
            for kind in ("video", "summary", "preview"):
                self.board.over(id_, kind)
            self.board.touch(id_, video.owner)

    def delete(self, video: Video) -> None:
        """Delete a video and all that was made of it, whatever is being done with it."""
        self._drop(video.id)

    def cancel(self, video: Video, kind: Kind) -> None:
        """Stop work that waits or runs; nothing happens when it is over."""
        if not self.jobs.unqueue(video.id, kind):
            self.worker.cancel(video.id, kind)
        self.board.touch(video.id, video.owner)

    def restart(self, video: Video) -> None:
        """Try a failed or cancelled video again.

        Raises:
            RefusedError: too much to do.
        """
        if video.state in ("failed", "cancelled"):
            self._require_turn()
            self.jobs.requeue(video.id, "video")
            self.board.touch(video.id, video.owner)
            self.worker.wake()

    def render(self, video: Video, kind: Kind, ratio: float) -> None:
        """Have the summary of a length, or a preview, made as a file.

        Raises:
            RefusedError: too much to do, or no room.
        """
        for render in self.jobs.renders(video.id):
            if render.kind == kind and render.state != "failed":
                same = kind == "preview" or abs(render.ratio - ratio) < 1e-9
                if same and render.state in (*ACTIVE, "done"):
                    return
                self.cancel(video, kind)
        self._require_turn()
        if self.room() <= 0:
            raise RefusedError("full", "there is no room left", "delete earlier videos")
        self.jobs.render(video.id, kind, ratio)
        self.board.touch(video.id, video.owner)
        self.worker.wake()
