"""What became of each video: ``status.json`` beside its results, ``batch.jsonl`` of them all.

The status of a video is the truth: it is written last, and removed before results are replaced, so
it never speaks of files that are not there. The ledger of a run is collected from them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from iptnet.atomic import PARTIAL, write_text
from iptnet.scale.locks import Locks
from iptnet.scale.shards import Shard

SCHEMA = "iptnet/batch/1"
STATUS = "status.json"
LEDGER = "batch"
MOST_BYTES = 1 << 20
State = Literal["done", "failed", "skipped", "pending"]


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a video.

    Attributes:
        key: its name in the archive.
        path: where it lay.
        state: ``done``, ``failed``; in a ledger also ``skipped`` and ``pending``.
        reason: why it failed or was skipped: cause and remedy on one line.
        code: exit code of that failure, 0 without one.
        seconds: that it took.
        folder: of its results, below the output.
        files: names of its results.
        input: the file's ``bytes`` and ``mtime_ns``, and the ``sha256`` of what could be used.
        options: what the results depend on besides.
        duration, summary: seconds of the video and of its summary.
        warnings: what went wrong without making the result useless.
    """

    key: str
    path: str
    state: State
    reason: str = ""
    code: int = 0
    seconds: float = 0.0
    folder: str = ""
    files: tuple[str, ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    duration: float = 0.0
    summary: float = 0.0
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One line; names that are no text survive as lone surrogates in escapes."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, allow_nan=False)


def facts(path: Path) -> dict[str, Any]:
    """What tells an unchanged file without reading it; empty when it is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return {}
    return {"bytes": found.st_size, "mtime_ns": found.st_mtime_ns}


def read_status(folder: Path) -> Status | None:
    """The status in a folder; None without a whole one of this version."""
    try:
        path = folder / STATUS
        if path.stat().st_size > MOST_BYTES:
            return None
        return parse_status(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def parse_status(text: str) -> Status | None:
    """A status from its JSON; None when it is none of ours."""
    try:
        raw: dict[str, Any] = json.loads(text)
        if raw.pop("schema") != SCHEMA:
            return None
        status = Status(**raw | {k: tuple(raw[k]) for k in ("files", "warnings")})
        plain = all(isinstance(v, str) for v in (status.key, status.folder, *status.files))
        mappings = isinstance(status.input, dict) and isinstance(status.options, dict)
        known = status.state in {"done", "failed"} and type(status.code) is int
        return status if plain and mappings and known else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_status(folder: Path, status: Status) -> None:
    """Write a status, whole.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
    """
    write_text(folder / STATUS, status.to_json() + "\n")


def holds(
    status: Status | None, folder: Path, path: Path, options: Mapping[str, Any], *, retry: bool
) -> bool:
    """Whether a status still says how things are, so that there is nothing to do.

    Args:
        status: of the video, if there is one.
        folder: of its results.
        path: the video.
        options: that results would depend on now.
        retry: what failed is to be tried again.
    """
    if status is None or status.options != options or (retry and status.state == "failed"):
        return False
    known = {k: v for k, v in status.input.items() if k != "sha256"}
    return known == facts(path) and all((folder / name).is_file() for name in status.files)


def write_ledger(out: Path, shard: Shard, statuses: Iterable[Status], locks: Locks) -> Path:
    """Write ``batch.jsonl`` (``batch-2-of-4.jsonl``): a line a video, in the order given.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
    """
    path = out / f"{LEDGER}{shard.suffix}.jsonl"
    text = "".join(status.to_json() + "\n" for status in statuses)
    with locks.hold("\0ledger", wait=True):  # no video has such a name
        for stale in out.glob(f".*{PARTIAL}.jsonl"):  # a killed run's: nobody else writes now
            with contextlib.suppress(OSError):
                stale.unlink()
        write_text(path, text)
    return path
