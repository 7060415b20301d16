"""Native libraries across fork: computing goes on in forked children, and never waits for a ghost.

A fork copies the thread that forks and no other: threads of PyTorch and onnxruntime are missing in
the child, and whatever lock another thread held stays held there for ever. So all native work
stands in :func:`native` sections, which are short and call nobody back. A fork waits until the
other threads are between two of them; in the child PyTorch then works in the calling thread, and
what holds threads is made anew (:class:`process_property`). Where a section does not end in time
the child refuses to compute instead of hanging. ``subprocess`` and ``spawn`` start fresh programs
and are not concerned.
"""

from __future__ import annotations

import logging  # first: its hooks must enclose ours, since native work may log
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Self, TypeVar, overload

from iptnet.errors import LimitError, MachineError, is_shortage

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds a fork waits for native work under way, which as a rule is over in less than one."""
logging.captureWarnings  # noqa: B018 - the import is what matters


class _Process:
    """What this process knows of native work; a forked child begins with its own.

    Attributes:
        changed: guards the rest, and is held while forking, so that no section begins then.
        working: threads in a section.
        forked: this process was forked from one that ran Python.
        cut_off: it was forked in the middle of another thread's section.
    """

    def __init__(self, forked: bool, cut_off: bool = False) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.working = 0
        self.forked, self.cut_off = forked, cut_off
        self.waited = True


class _Thread(threading.local):
    """What a thread knows: how deep it is in sections, and in which process it was prepared."""

    depth = 0
    prepared: _Process | None = None


def _was_forked() -> bool:
    """Tell a fork that came before our import, where Linux and Python show it."""
    return sys.platform == "linux" and threading.main_thread().native_id != os.getpid()


_process = _Process(_was_forked())
_thread = _Thread()
_holders: weakref.WeakSet[Any] = weakref.WeakSet()


@contextmanager
def native() -> Iterator[None]:
    """Enclose native work: short, and without a call to anything that is not ours.

    Raises:
        LimitError: memory ran out in it.
        MachineError: this process was forked in the middle of another thread's work.
    """
    process = _process
    if process.cut_off:
        raise MachineError(
            "this process was forked while another thread was computing",
            "start it by multiprocessing's spawn method: multiprocessing.get_context('spawn')",
        )
    outermost = _thread.depth == 0
    if outermost:
        with process.changed:
            process.working += 1
    _thread.depth += 1
    try:
        _prepare(process)
        yield
    except Exception as error:
        if outermost and is_shortage(error):
            raise LimitError("out of memory", "close other programs, or use less") from error
        raise
    finally:
        _thread.depth -= 1
        if outermost:
            with process.changed:
                process.working -= 1
                process.changed.notify_all()


def _prepare(process: _Process) -> None:
    """In a forked child, keep PyTorch to the calling thread: the others that it knows are gone."""
    if process.forked and _thread.prepared is not process and "torch" in sys.modules:
        import torch

        torch.set_num_threads(1)
        _thread.prepared = process


def keep_in_children(holder: Any) -> None:
    """Never destroy ``holder`` in a forked child: it would wait for threads that are gone."""
    import ctypes  # noqa: F401 - at hand when we fork

    _holders.add(holder)


class native_property(Generic[T]):  # noqa: N801 - used like cached_property
    """A value computed in a :func:`native` section at its first use, and kept by its instance.

    Unlike that of ``functools``, in Python 3.11, it holds no lock that a fork could leave behind;
    threads that come at the same time may both compute it, and share the first result.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        """Compute the value, or return the one that is kept."""
        if instance is None:
            return self
        with native():
            if self._name not in (kept := instance.__dict__):
                kept.setdefault(self._name, self._compute(instance))
            value: T = kept[self._name]
            return value


class process_property(native_property[T]):  # noqa: N801 - used like cached_property
    """The same for what holds threads: a forked child computes its own."""

    def __get__(self, instance: Any, owner: type) -> Any:
        """Compute the value, or return the one that this process keeps."""
        if instance is None:
            return self
        with native():
            process, kept = _process, instance.__dict__.get(self._name)
            if kept is None or kept[0] is not process:
                kept = instance.__dict__[self._name] = (process, self._compute(instance))
            return kept[1]


def _before() -> None:
    process = _process
    process.changed.acquire()
    others, until = int(_thread.depth > 0), time.monotonic() + PATIENCE
    while process.working > others and (left := until - time.monotonic()) > 0:
        process.changed.wait(left)
    process.waited = process.working <= others


def _in_parent() -> None:
    _process.changed.release()


def _in_child() -> None:
    global _process
    _process = _Process(forked=True, cut_off=_process.cut_off or not _process.waited)
    _process.working = int(_thread.depth > 0)
    if _holders:
        import ctypes

        for holder in list(_holders):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(holder))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_in_parent, after_in_child=_in_child
    )
