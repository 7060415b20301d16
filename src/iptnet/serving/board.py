"""What is going on right now, and who wants to hear of it.

The worker's thread writes; event streams on the loop wait. A listener that is slow misses steps in
between and never the last state, so nothing piles up for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from iptnet.serving.records import Kind

QUIET_SECONDS = 0.1
"""Between two reports of the same stage."""
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` steps of a stage; ``total`` is None while unknown."""

    stage: str
    done: int
    total: int | None


class Board:
    """The latest progress of every task, and a version that grows with each change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = 0
        self._changes: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._progress: dict[tuple[str, Kind], tuple[Progress, float]] = {}
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self.closed = False

    @property
    def version(self) -> int:
        """Of the latest change."""
        return self._version

    def touch(self, id_: str, owner: str) -> None:
        """Something about a video changed."""
        with self._lock:
            self._version += 1
            self._changes[id_] = (self._version, owner)
            self._changes.move_to_end(id_)
            while len(self._changes) > REMEMBERED:
                self._changes.popitem(last=False)
            waiting = list(self._waiting.items())
        _wake(waiting)

    def tell(self, id_: str, owner: str, kind: Kind, progress: Progress) -> None:
        """Report progress; small steps that come too fast are noted but not announced."""
        now = time.monotonic()
        with self._lock:
            before, since = self._progress.get((id_, kind), (None, 0.0))
            quiet = (
                before is not None
                and before.stage == progress.stage
                and now - since < QUIET_SECONDS
                and progress.done != progress.total
            )
            self._progress[id_, kind] = (progress, since if quiet else now)
        if not quiet:
            self.touch(id_, owner)

    def over(self, id_: str, kind: Kind) -> None:
        """A task ended, its progress is history."""
        with self._lock:
            self._progress.pop((id_, kind), None)

    def progress(self, id_: str, kind: Kind) -> Progress | None:
        """How far a task is."""
        with self._lock:
            known = self._progress.get((id_, kind))
        return known[0] if known else None

    def since(self, version: int, owner: str) -> list[str]:
        """Videos of an owner that changed after ``version``, the latest last."""
        with self._lock:
            return [i for i, (v, o) in self._changes.items() if v > version and o == owner]

    async def wait(self, version: int, seconds: float) -> None:
        """Return when something changed after ``version``, at the close, or when time is up."""
        event = asyncio.Event()
        with self._lock:
            if self._version > version or self.closed:
                return
            self._waiting[event] = asyncio.get_running_loop()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), seconds)
        finally:
            with self._lock:
                self._waiting.pop(event, None)

    def close(self) -> None:
        """Let every listener go; the server stops."""
        # Called from a signal handler on the main thread, which may hold the lock right now.
        self.closed = True
        _wake(list(self._waiting.items()))


def _wake(waiting: list[tuple[asyncio.Event, asyncio.AbstractEventLoop]]) -> None:
    for event, loop in waiting:
        # The loop of a stopped server takes no calls any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(event.set)
