"""Native work and fork: children of a process that has computed can compute, and never hang.

A fork copies the thread that forks and no other: threads of PyTorch and onnxruntime are missing in
the child, and whatever lock another thread held stays held there for ever. So all native work
stands in :func:`native` sections, which are short and call nobody back. A fork waits until the
other threads are between two of them, and lets go of what holds threads
(:class:`threaded_property`); in the child PyTorch works in the calling thread. Where a section does
not end in time the child refuses to compute instead of hanging. ``subprocess`` and ``spawn`` start
fresh programs and are not concerned.
"""

from __future__ import annotations

import logging  # noqa: F401 - its hooks enclose ours then: native work may log, and takes its lock
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Self, TypeVar, overload

from iptnet.errors import LimitError, MachineError, is_shortage
from iptnet.memory import shortage

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds a fork waits for native work under way, which as a rule is over in less than one."""


class _Process:
    """What this process knows of native work; a forked child begins anew.

    Attributes:
        changed: guards the rest, and is held while forking, so that no section begins then.
        working: threads in a section.
        forking: threads that wait for the others to leave theirs.
        generation: 0, or how many forks lie between the first process and this one.
        used: a section has been left.
        cut_off: a fork came in the middle of another thread's section.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.working = self.forking = 0
        self.generation = int(_was_forked())
        self.used = self.cut_off = False


class _Thread(threading.local):
    """What a thread knows: how deep it is in sections, and for which generation it is prepared."""

    depth = 0
    prepared = 0


def _was_forked() -> bool:
    """Tell a fork that came before our import, where Linux and Python show it."""
    return sys.platform == "linux" and threading.main_thread().native_id != os.getpid()


_process = _Process()
_thread = _Thread()
_holders: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
"""Instances that keep something with threads, and under which name."""


@contextmanager
def native() -> Iterator[None]:
    """Enclose native work: short, and without a call to anything that is not ours.

    Raises:
        LimitError: memory ran out in it.
        MachineError: this process was forked in the middle of another thread's work.
    """
    if _process.cut_off:
        raise MachineError(
            "this process was forked while another thread was computing",
            "start it by multiprocessing's spawn method: multiprocessing.get_context('spawn')",
        )
    outermost = _thread.depth == 0
    if outermost:
        with _process.changed:
            while _process.forking:  # whoever waits for a pause must come to one
                _process.changed.wait()
            _process.working += 1
    _thread.depth += 1
    try:
        _prepare()
        yield
    except Exception as error:
        if outermost and is_shortage(error):
            raise LimitError(*shortage()) from error
        raise
    finally:
        _thread.depth -= 1
        if outermost:
            with _process.changed:
                _process.working -= 1
                _process.used = True
                _process.changed.notify_all()


def _prepare() -> None:
    """In a forked child, keep PyTorch to the calling thread: the others that it knows are gone."""
    if _thread.prepared != _process.generation and "torch" in sys.modules:
        import torch

        torch.set_num_threads(1)
        _thread.prepared = _process.generation


def without_native(instance: object) -> dict[str, Any]:
    """State for a pickle: without computed values, which the other process computes itself."""
    kind = type(instance)
    state = vars(instance).items()
    return {k: v for k, v in state if not isinstance(getattr(kind, k, None), native_property)}


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


class threaded_property(native_property[T]):  # noqa: N801 - used like cached_property
    """The same for what holds threads: it is let go before a fork, and made anew on both sides.

    A copy without its threads would wait for them in the child, at the latest when it is destroyed.
    """

    def __get__(self, instance: Any, owner: type) -> Any:
        """Compute the value; its instance keeps it until the process is forked."""
        if instance is not None:
            _holders[instance] = self._name
        return super().__get__(instance, owner)


def _before() -> None:
    _process.changed.acquire()
    _process.forking += 1
    own, until = int(_thread.depth > 0), time.monotonic() + PATIENCE
    while _process.working > own and (left := until - time.monotonic()) > 0:
        _process.changed.wait(left)
    for holder, name in list(_holders.items()):
        vars(holder).pop(name, None)
    _holders.clear()


def _in_parent() -> None:
    _process.forking -= 1
    _process.changed.notify_all()
    _process.changed.release()


def _in_child() -> None:
    own = int(_thread.depth > 0)
    _process.cut_off |= _process.working > own
    _process.working, _process.forking = own, 0
    _process.generation += 1
    _process.changed = threading.Condition(threading.RLock())
    # At once, where we worked before: even a child that only ends would wait for PyTorch's threads.
    if _process.used and not _process.cut_off:
        _prepare()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
