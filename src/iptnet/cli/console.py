"""What the terminal shows: results on standard output, progress and errors on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

_PLAIN_INTERVAL = 5.0


def printable(text: object) -> str:
    """One line of text whatever the file name: control characters and newlines are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def say(text: str) -> None:
    """A result line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_error(text: str) -> None:
    """``iptnet: cause; remedy`` as one line on standard error."""
    _tell(f"iptnet: {printable(text)}")


def say_warning(text: str) -> None:
    """A warning line on standard error."""
    _tell(f"iptnet: warning: {printable(text)}")


def _tell(line: str) -> None:
    """A line on standard error; where that takes nothing, the exit code still says it."""
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except OSError:
        # What it did not take would be tried again at exit, and fail there with a code of its own.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


class Progress:
    """``on_progress(stage, done, total)``: bars on a terminal, plain lines otherwise.

    Use as a context manager; ``IPTNET_QUIET=1`` silences it.
    """

    def __init__(self, title: str = "") -> None:
        self._title = printable(title)
        self._bars: Bars | None = None
        self._tasks: dict[str, Any] = {}
        self._last: dict[str, float] = {}
        self._quiet = os.environ.get("IPTNET_QUIET") == "1"

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report ``done`` of ``total`` steps of a stage; ``total`` is None while unknown."""
        if self._quiet:
            return
        label = f"{self._title} {stage}".strip()
        if self._bars is None and sys.stderr.isatty():
            # At the first report: what comes from the cache has none, and need not wait for rich.
            self._bars = _bars()
        if self._bars is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(label, total=total)
            self._bars.update(self._tasks[stage], completed=done, total=total)
            return
        now, last = time.monotonic(), self._last.get(stage)
        if last is None or now - last >= _PLAIN_INTERVAL:
            self._last[stage] = now
            _tell(f"{label} {done}{f'/{total}' if total else ''}")


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bars.start()
    return bars
