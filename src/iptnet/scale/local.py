"""The local engine: worker processes of this machine, each with the model loaded once."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import iptnet
from iptnet import errors
from iptnet.errors import IptnetError, LimitError, MachineError, tells_shortage
from iptnet.memory import allowance, shortage
from iptnet.scale.engine import Outcome, obituary
from iptnet.scale.ledger import parse_status
from iptnet.scale.work import Job, Options, Workshop
from iptnet.signals import held_signals

WORKER_BYTES = 2 << 30
"""Memory that a worker and its decoder may come to need."""
ANSWER_BYTES = 4 << 20
LAST_WORDS = 1 << 16
END_SECONDS = 5.0


class _Worker:
    """One worker process and what it works on."""

    def __init__(self, options: Options, threads: int) -> None:
        # The kernel's parent-death signal follows the starting *thread*: only the main one lasts.
        main = threading.current_thread() is threading.main_thread()
        setup = {"options": asdict(options), "parent": os.getpid() if main else None}
        root = str(Path(iptnet.__file__).resolve().parents[1])
        inherited = os.environ.get("PYTHONPATH")
        environment = (
            {"OMP_NUM_THREADS": str(threads)}
            | os.environ
            | {"PYTHONPATH": os.pathsep.join([root, inherited] if inherited else [root])}
        )
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as we do
        self.job: Job | None = None
        self.ready, self.over, self.began, self._pending = False, False, 0.0, b""
        try:
            with held_signals():
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "iptnet.scale.worker", json.dumps(setup)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self.errors,
                    env=environment,
                    start_new_session=True,  # Ctrl-C is ours to handle
                )
        except OSError as error:
            self.errors.close()
            if error.errno in {errno.ENOMEM, errno.EAGAIN}:
                raise LimitError("no memory for a worker", "use fewer --workers") from error
            raise MachineError(
                f"no worker can be started: {error.strerror}", "free memory or processes"
            ) from error
        assert self.process.stdin is not None and self.process.stdout is not None
        self.orders, self.answers = self.process.stdin, self.process.stdout

    def give(self, job: Job) -> None:
        """Hand it a job; a worker that is gone will show when it is asked for its answer."""
        self.job, self.began = job, time.monotonic()
        with contextlib.suppress(OSError):
            self.orders.write(json.dumps(asdict(job)).encode() + b"\n")
            self.orders.flush()

    def heard(self) -> list[dict[str, Any]] | None:
        """What it said since; None when it has ended."""
        piece = os.read(self.answers.fileno(), 1 << 16)
        if not piece or len(self._pending) > ANSWER_BYTES:
            self.over = True
            return None
        *lines, self._pending = (self._pending + piece).split(b"\n")
        return [json.loads(line) for line in lines]

    def let_go(self) -> None:
        """Tell it that there is nothing left to do."""
        self.orders.close()
        self.over = True

    def last_words(self) -> str:
        """The end of what it complained of."""
        self.errors.seek(max(0, self.errors.seek(0, os.SEEK_END) - LAST_WORDS))
        lines = self.errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self.process.poll()}"

    def end(self) -> None:
        """Wait for a process that was told to end, not for ever; safe to call twice."""
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(OSError):
            self.answers.close()
            self.orders.close()


def usual_workers() -> int:
    """As many as there are cores, and no more than memory bears."""
    return max(1, min(cores(), free_memory() // WORKER_BYTES))


def cores() -> int:
    """Processors that we may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def free_memory() -> int:
    """Bytes that can be had without swapping; plenty where nobody says."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return int(next(x for x in lines if x.startswith("MemAvailable:")).split()[1]) << 10
    return 1 << 40


def run_local(
    jobs: Sequence[Job], workshop: Workshop, workers: int | None = None
) -> Generator[Outcome]:
    """The local :class:`~iptnet.scale.engine.Engine`."""
    if not jobs:
        return
    count = max(1, min(workers or usual_workers(), len(jobs)))
    # Workers that each use all cores would only get in each other's way.
    threads = max(1, cores() // count)
    waiting, crew = deque(jobs), list[_Worker]()
    with selectors.DefaultSelector() as selector:
        try:
            for _ in range(count):
                _hire(crew, selector, workshop.options, threads)
            while crew:
                for key, _ in selector.select():
                    worker: _Worker = key.data
                    yield from _heard(worker, workshop, waiting)
                    if worker.over:
                        _dismiss(worker, crew, selector)
                        if waiting:
                            _hire(crew, selector, workshop.options, threads)
        finally:
            for worker in crew:
                worker.process.terminate()
            for worker in crew:
                worker.end()


def _hire(
    crew: list[_Worker], selector: selectors.BaseSelector, options: Options, threads: int
) -> None:
    crew.append(_Worker(options, threads))
    selector.register(crew[-1].answers, selectors.EVENT_READ, crew[-1])


def _dismiss(worker: _Worker, crew: list[_Worker], selector: selectors.BaseSelector) -> None:
    selector.unregister(worker.answers)
    worker.end()
    crew.remove(worker)


def _heard(worker: _Worker, workshop: Workshop, waiting: deque[Job]) -> Generator[Outcome]:
    """Take in what a worker says, and give it the next job."""
    answers = worker.heard()
    if answers is None:
        yield _ended(worker, workshop)
        return
    for answer in answers:
        if answer["kind"] == "refused":
            raise _refusal(answer)
        if answer["kind"] == "ended" and worker.job is not None:
            yield Outcome(worker.job, parse_status(answer["status"]))
        worker.ready = True
        if waiting:
            worker.give(waiting.popleft())
        else:
            worker.let_go()


def _ended(worker: _Worker, workshop: Workshop) -> Outcome:
    """What to tell of a worker that died."""
    worker.end()
    said = worker.last_words()
    if not worker.ready or worker.job is None:
        if allowance() is not None or tells_shortage(said):
            cause, remedy = shortage()
            raise LimitError(f"{cause}: no worker can start", f"use fewer --workers, or {remedy}")
        raise MachineError(f"a worker failed to start: {said}", "run `iptnet doctor`")
    seconds = round(time.monotonic() - worker.began, 2)
    told = obituary(worker.job, worker.process.returncode, said)
    return Outcome(worker.job, workshop.fail(worker.job, told, seconds))


def _refusal(answer: dict[str, Any]) -> IptnetError:
    kind: type[IptnetError] = getattr(errors, answer["class"])
    return kind(answer["cause"], answer["remedy"])
