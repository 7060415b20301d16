"""A model that looks at nothing, so that a batch costs milliseconds and can be killed at will."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iptnet.errors import LimitError, MachineError
from iptnet.features.cache import content_sha256
from iptnet.scale.engine import Outcome
from iptnet.scale.work import Job, Workshop
from iptnet.timeline import Source, Timeline
from iptnet.video.child import check_file
from iptnet.video.limits import Limits
from tests.serving.fakes import RECIPE, FakeEncoded


@dataclass(frozen=True)
class Seen:
    """What the fake model saw: a timeline of the film, told apart by the file's own digest."""

    encoded: FakeEncoded

    def summarize(
        self, ratio: float | None, query: str | None, *, length: float | None = None
    ) -> Timeline:
        return self.encoded.summarize(ratio if ratio is not None else (length or 12.0) / 12.0)


@dataclass
class FakeModel:
    """Does what the name of the file says: ``slow``, ``crash``, ``bug``, ``hog``, ``full``."""

    summarizer: Any = None

    def encode(
        self,
        path: Path,
        *,
        on_progress: Callable[[str, int, int | None], None] | None = None,
        preview: bool = False,
    ) -> Any:
        import numpy as np

        from iptnet.features.cache import Features

        path = check_file(path, Limits())
        name = path.name
        if "slow" in name:
            time.sleep(60)
        if "crash" in name:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "leave" in name:
            os._exit(3)
        if "bug" in name:
            raise RuntimeError("a bug\nof ours")
        if "hog" in name:
            raise MemoryError
        if "large" in name:
            raise LimitError(f"{path} is too large", "cut it")
        if "full" in name:
            raise MachineError("no space left", "free some")
        source = Source(str(path), name, content_sha256(path), 12.0, 25.0, 96, 64)
        features = Features(np.arange(24) / 2, np.zeros((24, 4), np.float32), RECIPE, {})
        return Seen(FakeEncoded(source, features))


def no_pictures(_: Path) -> Callable[[Sequence[float]], list[None]]:
    """Instead of a decoding child a video."""
    return lambda times: [None] * len(times)


def in_process(
    jobs: Sequence[Job], workshop: Workshop, workers: int | None = None
) -> Generator[Outcome]:
    """An engine without processes."""
    for job in jobs:
        yield Outcome(job, workshop.perform(job))


def archive(folder: Path, count: int = 6, seed: int = 0) -> Path:
    """Files that the fake model takes for videos, in a tree."""
    draw = random.Random(seed)
    for number in range(count):
        path = folder / ("", "a", "b/c")[number % 3] / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw.randbytes(100 + number))
    return folder


def written(out: Path) -> dict[str, bytes]:
    """Every file below a folder, ledgers and statuses apart, by its name."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in {"status.json", ".batch.lock"}
        and not path.name.startswith("batch")
    }  # fmt: skip
