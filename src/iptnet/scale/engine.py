"""What an engine is: something that has jobs done and tells how each ended."""

from __future__ import annotations

import signal
from collections.abc import Generator, Sequence
from typing import NamedTuple, Protocol

from iptnet.errors import InputError, IptnetError, LimitError, tells_shortage
from iptnet.memory import allowance
from iptnet.scale.ledger import Status
from iptnet.scale.work import Job, Workshop


class Outcome(NamedTuple):
    """How a job ended.

    Attributes:
        job: what was to be done.
        status: as recorded; None when another process works on the video.
    """

    job: Job
    status: Status | None


class Engine(Protocol):
    """Yields an outcome for every job, in the order in which they end.

    A worker that dies fails its video and nothing else. When the generator is closed, by an
    interruption for example, no worker is left behind.

    Raises:
        IptnetError: what would meet every video alike.
    """

    def __call__(
        self, jobs: Sequence[Job], workshop: Workshop, workers: int | None
    ) -> Generator[Outcome]:
        """Do the jobs with a number of workers; None for as many as the machine bears."""
        ...


def obituary(job: Job, code: int | None, said: str = "") -> IptnetError:
    """Why a worker ended over a video, as an error of ours.

    Args:
        job: what it worked on.
        code: of its exit, negative for a signal; None when nobody knows.
        said: its last words.
    """
    if code == -signal.SIGKILL:
        return LimitError(f"{job.path}: the worker was killed, probably for memory", "free some")
    if code is not None and code < 0 and allowance() is None:
        name = signal.Signals(-code).name
        return InputError(f"{job.path} crashes the worker ({name})", "re-encode it first")
    if allowance() is not None or tells_shortage(said):
        cause = f"{job.path}: the worker ended, probably for lack of memory"
        return LimitError(cause, "use fewer --workers, or allow more")
    how = "" if code is None else f" (exit code {code})"
    return InputError(f"{job.path} ends the worker{how}", "re-encode it first")
