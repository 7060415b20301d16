"""The one thread that does what takes long, one task at a time, in the order of arrival.

A task ends early where it reports progress: cancelled by its owner, or put back into the queue
because the server stops. Decoding and cutting happen in children that end with whoever asked.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable

from iptnet.errors import IptnetError, is_shortage
from iptnet.serving.board import Board, Progress
from iptnet.serving.failures import failure_of
from iptnet.serving.folders import Folders
from iptnet.serving.jobs import Jobs
from iptnet.serving.library import Library
from iptnet.serving.records import Facts, Failure, Kind, Task, Video
from iptnet.timeline import Span

TIDY_SECONDS = 3600.0
PREVIEW_HEIGHT = 480
PREVIEW_CRF, SUMMARY_CRF = 26, 20
"""Quality of x264, lower is better."""
log = logging.getLogger("iptnet.serving")


class CancelledError(Exception):
    """Its owner does not want the task any more."""


class StoppingError(Exception):
    """The server stops; the task waits for the next one."""


class Worker:
    """Takes tasks until stopped.

    Args:
        jobs, board, folders, library: the rest of the service.
        tidy: called about once an hour.
    """

    def __init__(
        self,
        jobs: Jobs,
        board: Board,
        folders: Folders,
        library: Library,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        self._jobs, self._board, self._folders, self._library = jobs, board, folders, library
        self._tidy = tidy
        self._wake = threading.Condition()
        self._task: Task | None = None
        self._cancelled = False
        self._stopping = False
        # A daemon: a decoder that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="iptnet-worker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Put the running task back and end, in ``seconds`` at the latest."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def wake(self) -> None:
        """There may be something to do."""
        with self._wake:
            self._wake.notify_all()

    def cancel(self, id_: str, kind: Kind | None = None) -> bool:
        """Give up the running task if it is this one; False when it is not."""
        with self._wake:
            task = self._task
            if task is None or task.video != id_ or kind not in {None, task.kind}:
                return False
            self._cancelled = True
            return True

    def _run(self) -> None:
        # Whoever comes first should not wait for the model; a failure is told to whom it concerns.
        with contextlib.suppress(Exception):
            self._library.warm()
        tidied = 0.0
        while True:
            if time.monotonic() - tidied > TIDY_SECONDS or not tidied:
                tidied = time.monotonic()
                self._tidy()
            with self._wake:
                if self._stopping:
                    return
                self._task, self._cancelled = self._jobs.claim(), False
                if self._task is None:
                    self._wake.wait(TIDY_SECONDS)
                    continue
                task = self._task
            video = self._jobs.video(task.video)
            if video is not None:
                self._perform(task, video)
            with self._wake:
                self._task = None
            if self._jobs.video(task.video) is None:  # deleted meanwhile
                self._folders.remove(task.video)
                self._library.forget(task.video)

    def _perform(self, task: Task, video: Video) -> None:
        error: Failure | None = None
        warnings: tuple[str, ...] = ()
        self._board.touch(video.id, video.owner)
        try:
            if task.kind == "video":
                self._encode(task, video)
            else:
                warnings = self._render(task, video)
        except StoppingError:
            # That the server was stopped is not the task's fault: it does not count.
            self._jobs.requeue(task.video, task.kind, task.attempts - 1)
            return
        except CancelledError:
            self._jobs.settle(task.video, task.kind, "cancelled")
        except Exception as caught:
            if not (isinstance(caught, IptnetError) or is_shortage(caught)):
                log.exception("while working on %s of %s", task.kind, task.video)
            error = failure_of(caught, self._folders.of(task.video), video.name)
            self._jobs.settle(task.video, task.kind, "failed", error=error)
        else:
            self._jobs.settle(task.video, task.kind, "done", warnings=warnings)
        self._board.over(task.video, task.kind)
        self._board.touch(video.id, video.owner)

    def _teller(self, task: Task, video: Video) -> Callable[[str, int, int | None], None]:
        def tell(stage: str, done: int, total: int | None) -> None:
            if self._stopping:
                raise StoppingError
            if self._cancelled:
                raise CancelledError
            self._board.tell(video.id, video.owner, task.kind, Progress(stage, done, total))

        return tell

    def _encode(self, task: Task, video: Video) -> None:
        from iptnet.serving.pictures import make_pictures
        from iptnet.video.probe import probe

        tell = self._teller(task, video)
        source = self._folders.source(video.id)
        tell("probe", 0, None)
        info = probe(source)
        timeline = self._library.encode(video.id, video.name, tell)
        found = timeline.source
        self._jobs.ready(
            video.id,
            Facts(
                found.duration, found.width, found.height, found.fps,
                info.container, info.codec, info.has_audio,
            ),
        )  # fmt: skip
        tell("pictures", 0, None)
        try:
            self._library.rehearse(video.id)
            make_pictures(timeline, source, self._folders.pictures(video.id), tell)
        except IptnetError as caught:
            # The result is worth more than this; the page shows placeholders instead.
            log.warning("no pictures of %s: %s", video.id, caught)

    def _render(self, task: Task, video: Video) -> tuple[str, ...]:
        from iptnet.video.cut import cut

        tell = self._teller(task, video)
        tell("cut", 0, None)
        if task.kind == "preview":
            spans = [Span(0.0, self._library.first(video.id).source.duration)]
            tall = PREVIEW_HEIGHT if video.facts is None else video.facts.height
            height, crf = min(tall, PREVIEW_HEIGHT), PREVIEW_CRF
        else:
            chosen = self._library.summarize(video.id, task.ratio).keyshots
            spans = [Span(k.start, k.end) for k in chosen]
            height, crf = None, SUMMARY_CRF
        done = cut(
            self._folders.source(video.id),
            spans,
            self._folders.rendered(video.id, task.kind),
            on_progress=tell,
            height=height,
            crf=crf,
        )
        said = task.kind == "summary" and done.left_out
        return (*done.warnings, *((f"{done.left_out} not in summary.mp4",) if said else ()))
