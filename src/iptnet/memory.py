"""How much address space this process may have, and whether a failure shows that it ran out.

Schedulers and shells set such limits (``ulimit -v``). Libraries then fail in ways of their own: at
their import, when they start a thread, or with a complaint about what they were working on.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path

try:
    from resource import RLIM_INFINITY, RLIMIT_AS, RLIMIT_DATA, getrlimit

    KINDS = (RLIMIT_AS, RLIMIT_DATA)
except ImportError:  # Windows knows no such limits
    KINDS = ()  # type: ignore[assignment]

CLOSE = 512 << 20
"""Bytes below the limit from which on a failure may come from it: libraries ask for hundreds of
megabytes at once, and what they asked for in vain does not show."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
M_ARENA_MAX = -8
"""glibc's number of the parameter, in malloc.h."""


def allowance() -> int | None:
    """Bytes of address space that this process may have; None where nothing limits them."""
    limits = (getrlimit(which)[0] for which in KINDS)
    return min((n for n in limits if n != RLIM_INFINITY), default=None)


def largest() -> int:
    """Bytes of address space that this process has had at the most; 0 where nobody says."""
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        if found := re.search(r"^VmPeak:\s+(\d+) kB", status, re.MULTILINE):
            return int(found[1]) << 10
    return 0


def is_close(room: int = CLOSE) -> bool:
    """Whether this process has come so close to its limit that a failure may come from it.

    Args:
        room: bytes below the limit from which on that is so.
    """
    allowed = allowance()
    return allowed is not None and largest() > allowed - room


def be_frugal() -> None:
    """Spare address space from here on; call this before NumPy and PyTorch are imported.

    Each thread takes eight megabytes for its stack, and each of glibc's arenas sets aside 64.
    """
    for name in THREADS:
        os.environ[name] = "1"
    os.environ["MALLOC_ARENA_MAX"] = "1"  # of children; ours is set below
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def shortage() -> tuple[str, str]:
    """Cause and remedy of having run out."""
    allowed = allowance()
    advice = "use a shorter or smaller video, a smaller batch or fewer data"
    if allowed is None:
        return "out of memory", f"close other programs, or {advice}"
    return (
        f"out of memory: this process may have {allowed >> 20} MiB of address space (ulimit -v)",
        f"allow more, close other programs, or {advice}",
    )
