"""Confine the current process before it touches a stranger's file; standard library only.

Both children use it: the decoding worker calls :func:`confine` first thing, and ffmpeg is started
through this file as a script (``python -I -S guard.py '{…}' ffmpeg …``), since limits survive
``exec`` while ``preexec_fn`` is unsafe in a process with threads.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys

try:
    import resource
except ImportError:  # Windows: the watchdog and the parent's own checks remain
    resource = None  # type: ignore[assignment]

PR_SET_PDEATHSIG = 1


def confine(
    *, memory: int, cpu_seconds: int, file_bytes: int | None = None, parent: int | None = None
) -> None:
    """Set limits on this process that it cannot lift again.

    Args:
        memory: bytes of address space.
        cpu_seconds: processor time; beyond it the kernel sends SIGXCPU.
        file_bytes: largest file it may write; ``None`` leaves that free.
        parent: process id of the parent; on Linux we die with the thread that started us.
    """
    if resource is not None:
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_AS, memory)
        # At the hard limit the kernel kills outright; the parent should see SIGXCPU before that.
        _limit(resource.RLIMIT_CPU, cpu_seconds, beyond=5)
        if file_bytes is not None:
            _limit(resource.RLIMIT_FSIZE, file_bytes)
    if parent is not None:
        die_with(parent)


def die_with(parent: int) -> None:
    """On Linux, let the kernel kill this process when the thread that started it ends."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)


def freeze_descriptors(highest: int) -> None:
    """Let no descriptor above ``highest`` be opened any more: no other file, no connection."""
    if resource is not None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))


def thaw_descriptors() -> None:
    """Undo :func:`freeze_descriptors` between two inputs."""
    if resource is not None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _limit(which: int, value: int, beyond: int = 0) -> None:
    hard = resource.getrlimit(which)[1]
    highest = value + beyond
    if hard != resource.RLIM_INFINITY:
        value, highest = min(value, hard), min(highest, hard)
    # Some systems know a limit by name only (RLIMIT_AS on macOS); the others still hold.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (value, highest))


if __name__ == "__main__":
    confine(**json.loads(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is the point
