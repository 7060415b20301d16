"""SIGKILL at any moment: the next run goes on, and nothing half done stands under a final name."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from PIL import Image

import iptnet.api
import iptnet.results
from iptnet.scale.ledger import read_status
from iptnet.timeline import Timeline
from tests.scale.conftest import run
from tests.scale.fakes import FakeModel, archive, no_pictures, written

KILLS = 60


def child(source: Path, out: Path, ratio: float) -> None:
    """A run in a process of its own."""
    iptnet.api.load = lambda **_: FakeModel()  # type: ignore[assignment,return-value]
    iptnet.results.thumbnails = no_pictures
    run(source, out, ratio=ratio)


@pytest.fixture(scope="module")
def context() -> ForkServerContext:
    """Children that have imported everything already, and begin within milliseconds."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.scale.test_killing"])
    return found


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of synced files, and no disk waits."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def begun(context: ForkServerContext, *arguments: object) -> multiprocessing.Process:
    process = context.Process(target=child, args=arguments)
    process.start()
    return process  # type: ignore[return-value]


def check(out: Path) -> None:
    """Everything under a final name is whole, and every status speaks of what is there."""
    for path in out.rglob("*"):
        if path.name.startswith(".") or not path.is_file():
            continue
        match path.suffix:
            case ".jpg":
                with Image.open(path) as picture:
                    picture.load()
            case ".json" if path.name == "timeline.json":
                Timeline.from_json(path.read_text(encoding="utf-8"))
            case ".json":
                status = read_status(path.parent)
                assert status is not None and status.state == "done", path
                found = {p.name for p in path.parent.iterdir()} - {"status.json"}
                assert set(status.files) <= found
                timeline = Timeline.from_json((path.parent / "timeline.json").read_text())
                assert timeline.summary_duration == status.summary, "of another run"
            case ".svg" | ".html":
                assert path.read_text(encoding="utf-8").rstrip().endswith((">",))
            case ".jsonl":
                assert path.read_bytes().endswith(b"\n")


@pytest.mark.fault(13)
@pytest.mark.slow
def test_sixty_kills_lose_nothing(quick: Path, context: ForkServerContext) -> None:
    source, out, reference = archive(quick / "in", 10), quick / "out", quick / "reference"
    draw = random.Random(13)
    for folder in (quick / "warm", reference):  # the first starts the server of forks
        began = time.monotonic()
        process = begun(context, source, folder, 0.5)
        process.join(120)
        whole = time.monotonic() - began
        assert process.exitcode == 0
    kills, ratio = 0, 0.3
    while kills < KILLS:
        # Now and then other options, so that results are replaced and not only made.
        if draw.random() < 0.2:
            ratio = draw.choice([0.3, 0.5])
        process = begun(context, source, out, ratio)
        process.join(draw.uniform(0, 0.6 * whole))
        with contextlib.suppress(OSError):
            os.kill(process.pid or 0, signal.SIGKILL)
        process.join(20)
        if process.exitcode == -signal.SIGKILL:
            kills += 1
        else:  # it was done: begin anew
            assert process.exitcode == 0
            ratio = 0.8 - ratio
        check(out)
    process = begun(context, source, out, 0.5)
    process.join(120)
    assert process.exitcode == 0
    check(out)
    # What killed runs left unfinished is gone, and all is as if nothing had happened.
    assert not [p for p in out.rglob("*") if "partial" in p.name]
    assert written(out) == written(reference)


def moments(path: Path) -> Iterator[str]:
    """What the ledger says of each video."""
    import json

    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["state"]


@pytest.mark.fault(17)
def test_two_runs_at_once_share_the_work(quick: Path, context: ForkServerContext) -> None:
    """Each video is done by one of them; the files are as from one run."""
    source, out = archive(quick / "in", 24), quick / "out"
    processes = [begun(context, source, out, 0.5) for _ in range(3)]
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    check(out)
    assert len(list(out.rglob("status.json"))) == 24
    assert not [p for p in out.rglob("*") if "partial" in p.name]
    reference = begun(context, source, quick / "reference", 0.5)
    reference.join(120)
    assert written(out) == written(quick / "reference")
    # A later run corrects what the ledger of whoever ended first could not know.
    process = begun(context, source, out, 0.5)
    process.join(120)
    assert set(moments(out / "batch.jsonl")) == {"done"}
