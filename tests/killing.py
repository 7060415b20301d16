"""SIGKILL at random moments, in children forked from a process that has all imports behind it.

Half of the moments are a random time, half are just before a random file operation: between two
writes is where half-written things come from. Used by modules that a test starts as a process of
their own, since a fork of pytest's process would inherit its threads.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.utime")


def killed(
    work: Callable[[], object],
    folder: Path,
    draw: random.Random,
    *,
    seconds: float,
    operations: int,
) -> bool:
    """Do the work in a child and kill it somewhere; False when it was done before.

    Args:
        work: what to do.
        folder: file operations below it count.
        draw: of the moment.
        seconds: latest moment.
        operations: latest file operation.

    Raises:
        RuntimeError: the work failed by itself.
    """
    by_time = draw.random() < 0.5
    moment, operation = draw.uniform(0, seconds), draw.randrange(operations)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if not by_time:
                _die_before(operation, folder)
            work()
            status = 0
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        finally:
            os._exit(status)
    if by_time:
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)  # not reaped yet: the number is still its own
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in {0, -signal.SIGKILL}:
        raise RuntimeError(f"the work ended with {status}")
    return status != 0


def _die_before(operation: int, folder: Path) -> None:
    left = operation

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in OPERATIONS and str(arguments[0]).startswith(str(folder)):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
