"""Hold signals back for the few lines in which a child has begun but nobody answers for it yet.

``subprocess.Popen`` starts the child before it returns. A Ctrl-C in between leaves a process that
no ``finally`` knows of, and that goes on writing behind our back.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_signals() -> Iterator[None]:
    """Deliver SIGINT and SIGTERM when the block has ended, not before.

    Ignored signals stay ignored. Outside the main thread, where Python delivers none, this does
    nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {s: signal.getsignal(s) for s in HELD}
    held = {s: h for s, h in before.items() if h is not None and h != signal.SIG_IGN}
    for s in held:
        signal.signal(s, note)
    try:
        yield
    finally:
        for s, handler in held.items():
            signal.signal(s, handler)
        for number in came:
            signal.raise_signal(number)
