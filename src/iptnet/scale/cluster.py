"""The Ray engine: the same workers as actors, on this machine or on the cluster Ray knows of.

Ray places them, restarts what fails and moves results; nothing of that is ours. All machines must
see the videos and the output folder under the same paths.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from iptnet.errors import IptnetError, MachineError
from iptnet.scale.engine import Outcome, obituary
from iptnet.scale.ledger import Status
from iptnet.scale.work import Job, Options, Workshop


class Crew:
    """A worker in a process of Ray's."""

    def __init__(self, options: Options) -> None:
        self._workshop = Workshop(options)

    def ready(self) -> IptnetError | None:
        """Load the model; why it does not load."""
        try:
            _ = self._workshop.model.summarizer
        except IptnetError as error:
            return error
        return None

    def perform(self, job: Job) -> Status | IptnetError | None:
        """As :meth:`Workshop.perform`; what ends the run comes back as a value."""
        try:
            return self._workshop.perform(job)
        except IptnetError as error:
            return error


def run_ray(
    jobs: Sequence[Job], workshop: Workshop, workers: int | None = None
) -> Generator[Outcome]:
    """The Ray :class:`~iptnet.scale.engine.Engine`; by default one worker a processor.

    Raises:
        MachineError: Ray is not installed, or does not start.
    """
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise MachineError(
            "--engine ray needs Ray, which is not installed", "pip install 'iptnet[ray]'"
        ) from error
    ours = not ray.is_initialized()
    if ours:
        _start(ray)
    try:
        count = workers or int(ray.cluster_resources().get("CPU", 1))
        yield from _run(ray, jobs, workshop, max(1, min(count, len(jobs))))
    finally:
        if ours:
            ray.shutdown()


def _start(ray: Any) -> None:
    """Join the cluster of ``RAY_ADDRESS``, or start Ray on this machine."""
    main = threading.current_thread() is threading.main_thread()
    handlers = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)} if main else {}
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise MachineError(f"Ray does not start: {first}", "see `ray status`") from error
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)  # Ray puts its own in place of ours


def _run(ray: Any, jobs: Sequence[Job], workshop: Workshop, count: int) -> Generator[Outcome]:
    actor = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Crew)
    waiting = deque(jobs)
    running: dict[Any, tuple[Any, Job | None, float]] = {}

    # Ray's processes have a current folder of their own.
    options = replace(workshop.options, out=os.path.abspath(workshop.options.out))  # noqa: PTH100

    def hire() -> None:
        worker = actor.remote(options)
        running[worker.ready.remote()] = (worker, None, time.monotonic())

    def give(worker: Any) -> None:
        job = waiting.popleft()
        there = replace(job, path=os.path.abspath(job.path))  # noqa: PTH100
        running[worker.perform.remote(there)] = (worker, job, time.monotonic())

    try:
        for _ in range(count):
            hire()
        while running:
            (reply,), _ = ray.wait(list(running), num_returns=1)
            worker, job, began = running.pop(reply)
            try:
                answer = ray.get(reply)
            except ray.exceptions.RayError as error:
                if job is None:
                    raise MachineError(
                        f"a worker of Ray failed: {error}", "see its logs"
                    ) from error
                seconds = round(time.monotonic() - began, 2)
                yield Outcome(job, workshop.fail(job, obituary(job, None), seconds))
                if waiting:
                    hire()
                continue
            if isinstance(answer, IptnetError):
                raise answer
            if job is not None:
                yield Outcome(job, answer)
            if waiting:
                give(worker)
    finally:
        for worker, _, _ in running.values():
            with contextlib.suppress(Exception):
                ray.kill(worker)
