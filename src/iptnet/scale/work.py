"""One video of an archive, from its lock to its status; what every engine's workers do."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iptnet.atomic import PARTIAL, require_writable
from iptnet.errors import InputError, IptnetError, LimitError, MachineError, is_shortage
from iptnet.memory import shortage
from iptnet.naming import FILES
from iptnet.results import summarize_video
from iptnet.scale.ledger import STATUS, Status, facts, holds, read_status, write_status
from iptnet.scale.locks import Locks

if TYPE_CHECKING:
    from iptnet.api import Model


@dataclass(frozen=True, slots=True)
class Options:
    """What all videos of a run have in common; the words of ``iptnet summarize``.

    Attributes:
        out: folder of everything written.
        ratio: length of a summary as a share, unless a list gives another for a video.
        length: of a summary in seconds instead, likewise.
        query: a sentence to focus on.
        cut: write summary.mp4.
        preview: decode key frames only.
        cache: keep features between runs.
        checkpoint: summarizer weights, if not the ones that ship.
        weights: sha256 of all weights that results depend on.
        retry: try again what failed before.
    """

    out: str
    ratio: float | None = 0.15
    length: float | None = None
    query: str | None = None
    cut: bool = True
    preview: bool = False
    cache: bool = True
    checkpoint: str | None = None
    weights: str = ""
    retry: bool = False

    def of(self, job: Job) -> dict[str, Any]:
        """What a video's results depend on besides the video."""
        ratio, length = self.ratio, self.length
        if job.ratio is not None:
            ratio, length = job.ratio, None
        named = {"ratio": ratio, "query": self.query, "cut": self.cut, "preview": self.preview}
        if length is not None:
            named["length"] = length
        return named | {"weights": self.weights}


@dataclass(frozen=True, slots=True)
class Job:
    """A video to work on: an :class:`~iptnet.scale.manifest.Item` as plain values."""

    key: str
    path: str
    folder: str
    ratio: float | None = None


class Workshop:
    """A worker's model and locks.

    Args:
        options: of the run.

    Raises:
        MachineError: the output folder cannot be written.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.locks = Locks(Path(options.out))

    @cached_property
    def model(self) -> Model:
        """Loaded once, at the first video that needs it.

        Raises:
            IptnetError: it cannot be loaded.
        """
        from iptnet.api import load

        checkpoint = self.options.checkpoint
        return load(summarizer=Path(checkpoint) if checkpoint else None, cache=self.options.cache)

    def settled(self, job: Job) -> Status | None:
        """The status of a video with which there is nothing to do; None when there is."""
        folder = Path(self.options.out) / job.folder
        status, options = read_status(folder), self.options.of(job)
        still = holds(status, folder, Path(job.path), options, retry=self.options.retry)
        return status if still else None

    def perform(self, job: Job) -> Status | None:
        """Work on a video; its status, or None when another process has it.

        Raises:
            IptnetError: what would meet every other video alike: the machine, our own files, the
                call itself. The video has no status then.
        """
        folder = Path(self.options.out) / job.folder
        with self._hold(job) as mine:
            if not mine:
                return None
            if settled := self.settled(job):  # another process was faster
                return settled
            require_writable(folder)
            clean(folder)
            return self._record(job, folder)

    def fail(self, job: Job, error: IptnetError, seconds: float = 0.0) -> Status | None:
        """Record that a video took its worker down; None when another process has it by now."""
        folder = Path(self.options.out) / job.folder
        with self._hold(job) as mine:
            if not mine:
                return None
            settled = self.settled(job)
            if settled is not None and settled.state == "done":  # it died afterwards
                return settled
            require_writable(folder)
            clean(folder)
            status = self._failed(job, error, facts(Path(job.path)), seconds)
            _replace(folder, status)
            return status

    @contextlib.contextmanager
    def _hold(self, job: Job) -> Iterator[bool]:
        """Lock a video and its folder; False when either is another's.

        Runs that began with other lists may give one folder to two videos: neither writes over what
        the other has there, and the next run finds another folder.
        """
        with (
            self.locks.hold(job.key) as mine,
            self.locks.hold(f"\0folder/{job.folder.casefold()}") as free,
        ):
            status = read_status(Path(self.options.out) / job.folder)
            yield mine and free and (status is None or status.key == job.key)

    def _record(self, job: Job, folder: Path) -> Status:
        # Asked first: what changes while we work is worked on again in the next run.
        known, began = facts(Path(job.path)), time.monotonic()
        try:
            status = self._summarize(job, folder, known)
        except (InputError, LimitError) as error:
            status = self._failed(job, error, known)
        except IptnetError:
            raise
        except Exception as error:
            told = IptnetError(
                f"internal error: {type(error).__name__}: {error}",
                "run `iptnet summarize` on it with IPTNET_DEBUG=1 and report what it prints",
            )
            if is_shortage(error):
                told = LimitError(shortage()[0], "use fewer --workers, or a smaller video")
            status = self._failed(job, told, known)
        status = replace(status, seconds=round(time.monotonic() - began, 2))
        if status.state == "failed":
            _replace(folder, status)
        else:
            write_status(folder, status)
        return status

    def _summarize(self, job: Job, folder: Path, known: Mapping[str, Any]) -> Status:
        options, video = self.options.of(job), Path(job.path)
        timeline = summarize_video(
            self.model,
            video,
            folder,
            ratio=options["ratio"],
            length=options.get("length"),
            query=self.options.query,
            preview=self.options.preview,
            cut=self.options.cut,
            before_writing=lambda: forget(folder),
        )
        return Status(
            key=job.key,
            path=job.path,
            state="done",
            folder=job.folder,
            files=FILES if self.options.cut else FILES[1:],
            input={**known, "sha256": timeline.source.sha256},
            options=options,
            duration=timeline.source.duration,
            summary=timeline.summary_duration,
            warnings=timeline.warnings,
        )

    def _failed(
        self, job: Job, error: IptnetError, known: Mapping[str, Any], seconds: float = 0.0
    ) -> Status:
        return Status(
            key=job.key,
            path=job.path,
            state="failed",
            reason=str(error),
            code=error.exit_code,
            seconds=seconds,
            folder=job.folder,
            input=dict(known),
            options=self.options.of(job),
        )


def clean(folder: Path) -> None:
    """Remove the unfinished files of a killed worker; the caller holds the video's lock."""
    for path in folder.glob(f".*{PARTIAL}*"):
        with contextlib.suppress(OSError):
            path.unlink()


def forget(folder: Path) -> None:
    """Remove results, the status that speaks of them first.

    Raises:
        MachineError: they cannot be removed.
    """
    try:
        for name in (STATUS, *FILES):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise MachineError(
            f"cannot replace results in {folder}: {error.strerror}", "choose another --out"
        ) from error


def _replace(folder: Path, status: Status) -> None:
    forget(folder)
    write_status(folder, status)
