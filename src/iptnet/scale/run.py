"""A run over an archive: what is left to do, having it done, and the ledger of it all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from iptnet.atomic import require_writable
from iptnet.features.cache import content_sha256
from iptnet.scale.engine import Engine
from iptnet.scale.ledger import Status, write_ledger
from iptnet.scale.manifest import read_archive
from iptnet.scale.shards import Shard
from iptnet.scale.work import Job, Options, Workshop

OnStatus = Callable[[Status], None]
OnProgress = Callable[[str, int, int | None], None]

BUSY = "another process works on it"


@dataclass(frozen=True, slots=True)
class Tally:
    """How a run ended.

    Attributes:
        done, bad, skipped: of all videos, those of earlier runs included.
        before: how many of the done had been done before.
        known_bad: how many of the bad had failed before and were not tried again.
        code: exit code: the highest of the bad ones.
        ledger: the file that says it all.
    """

    done: int
    bad: int
    skipped: int
    before: int
    known_bad: int
    code: int
    ledger: Path


def weights_digest(checkpoint: str | None, query: str | None) -> str:
    """sha256 over the files of weights that a summary depends on.

    Raises:
        InputError: there is no such checkpoint.
    """
    shipped = Path(str(files("iptnet") / "weights"))
    used = [Path(checkpoint) if checkpoint else shipped / "summarizer.safetensors"]
    used.append(shipped / "lite_projection.safetensors")
    if query is not None:
        used.append(shipped / "localizer.safetensors")
    return sha256("".join(content_sha256(path) for path in used).encode()).hexdigest()


def run_batch(
    source: Path,
    options: Options,
    engine: Engine,
    *,
    shard: Shard = Shard(),  # noqa: B008 - frozen
    workers: int | None = None,
    on_status: OnStatus = lambda status: None,
    on_progress: OnProgress = lambda stage, done, total: None,
) -> Tally:
    """Summarize an archive, going on where earlier runs ended.

    Args:
        source: a folder, or a list (see :mod:`iptnet.scale.manifest`).
        options: of all videos.
        engine: what does the work.
        shard: the share to work on.
        workers: how many; the engine's own choice by default.
        on_status: told of every video that this run decided, in the order in which they end.
        on_progress: told ``("videos", done, total)``.

    Raises:
        InputError: the archive cannot be read, or holds no video.
        MachineError: the output cannot be written; the ledger says how far it went.
    """
    out = Path(options.out)
    listing = read_archive(source, out)
    items = [i for i in listing.items if shard.has(i.key)]
    require_writable(out)
    workshop = Workshop(options)
    book = {
        s.key: Status(s.key, s.key, "skipped", s.reason)
        for s in listing.skipped
        if shard.has(s.key)
    }
    left: list[Job] = []
    for item in items:
        job = Job(item.key, str(item.path), item.folder, item.ratio)
        settled = workshop.settled(job)
        book[item.key] = settled or Status(item.key, job.path, "pending", folder=item.folder)
        if settled is None:
            left.append(job)
    before = [s for s in book.values() if s.state in {"done", "failed"}]
    ledger = write_ledger(out, shard, book.values(), workshop.locks)
    done, total = 0, len(left)
    if total:
        on_progress("videos", done, total)
    try:
        for patient in (True, False):
            busy: list[Job] = []
            with closing(engine(left, workshop, workers)) as outcomes:
                for job, status in outcomes:
                    if status is None and patient:
                        busy.append(job)  # perhaps a worker of a killed run that still dies
                        continue
                    done += 1
                    book[job.key] = status or Status(
                        job.key, job.path, "skipped", BUSY, folder=job.folder
                    )
                    on_status(book[job.key])
                    on_progress("videos", done, total)
            left = busy
    finally:
        write_ledger(out, shard, book.values(), workshop.locks)
        workshop.locks.close()
    states = [s.state for s in book.values()]
    return Tally(
        done=states.count("done"),
        bad=states.count("failed"),
        skipped=states.count("skipped"),
        before=sum(s.state == "done" for s in before),
        known_bad=sum(s.state == "failed" for s in before),
        code=max((s.code for s in book.values()), default=0),
        ledger=ledger,
    )
