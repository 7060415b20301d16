"""A command under a limit of memory: its end is told in our words, whatever a library does.

A library that finds no memory may print what it likes and end the whole process: OpenBLAS leaves
with exit code 1, C++ aborts, others crash or wait for themselves for ever. So where the address
space is limited, and only there, the command runs in a child of its own, and whoever started it
waits and says what happened.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from iptnet.atomic import scratch
from iptnet.cli.console import say_error
from iptnet.memory import allowance, be_frugal, shortage
from iptnet.video.guard import die_with

PLENTY = 4 << 30
"""Bytes; with as much as this no command has been seen to run out over an ordinary video."""
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OUT_OF_MEMORY = 4
POLL_SECONDS = 2.0
HANGING_SECONDS = 30.0
"""After this long without a step, a command that waits for a thread of its own waits for ever."""


def limited(work: Callable[[], int]) -> int:
    """Run a command, in a child where memory is short, and return its exit code.

    Args:
        work: the command; says itself what is wrong, and returns its exit code.
    """
    allowed = allowance()
    if allowed is None or allowed >= PLENTY or os.environ.get("IPTNET_DEBUG") == "1":
        return work()
    with scratch() as noise:
        reading, writing = os.pipe()
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)  # until somebody is there to take them
        try:
            child = os.fork()
        except OSError:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
            say_error("; ".join(shortage()))
            return OUT_OF_MEMORY
        if child == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
            os.close(reading)
            _prepare(parent, noise.fileno())
            _end(work, writing)
        os.close(writing)
        return _followed(child, reading)


def _prepare(parent: int, noise: int) -> None:
    """In the child: our words to the terminal, those of libraries to a file nobody reads."""
    os.setpgid(0, 0)  # Ctrl-C is for our parent, who passes it on
    die_with(parent)
    own = os.dup(sys.stderr.fileno())  # not 2: that may lead nowhere by now (cli/quiet.py)
    os.dup2(noise, 2)
    sys.stderr = os.fdopen(own, "w", buffering=1, errors="backslashreplace")
    # Extensions print exceptions that they cannot pass on; ours are all told by the command.
    sys.excepthook = lambda *_: None
    sys.unraisablehook = lambda _: None
    be_frugal()


def _end(work: Callable[[], int], writing: int) -> NoReturn:
    """Do the work, tell its exit code, and end without what libraries do at a program's end."""
    try:
        code = work()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os.write(writing, bytes([code]))
    os._exit(code)


def _told(child: int, reading: int) -> bytes:
    """The exit code that the child tells; nothing once it has ended, or has to be ended."""
    standing, since = _standing(child), time.monotonic()
    while not select.select([reading], [], [], POLL_SECONDS)[0]:
        if not (now := _standing(child)) or now != standing:
            standing, since = now, time.monotonic()
        elif time.monotonic() - since > HANGING_SECONDS:
            os.kill(child, signal.SIGKILL)
            return b""
    return os.read(reading, 1)


def _standing(child: int) -> str:
    """Processor time of a child whose main thread waits for a lock; empty if it does not.

    Libraries leave their own locks held where an allocation failed. A command that waits for a
    process, a pipe or a connection is not meant: the kernel says that it waits in other functions.
    """
    folder = Path(f"/proc/{child}/task/{child}")
    try:
        if not (folder / "wchan").read_text().startswith("futex"):
            return ""
        return " ".join((folder / "stat").read_text().rpartition(")")[2].split()[11:13])
    except OSError:
        return ""


def _followed(child: int, reading: int) -> int:
    """Wait for the child, pass signals on to it, and return its exit code or say how it ended."""

    def forward(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    before = {number: signal.signal(number, forward) for number in FORWARDED}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    told = _told(child, reading)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    for number, handler in before.items():
        signal.signal(number, handler)
    if told:
        return told[0]
    ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if ended_by in FORWARDED:
        return 128 + ended_by
    how = signal.Signals(ended_by).name if ended_by else f"exit code {os.WEXITSTATUS(status)}"
    cause, remedy = shortage()
    say_error(f"{cause}, and a library gave up over it ({how}); {remedy}")
    return OUT_OF_MEMORY
