"""The local engine's real workers (with the fake model): crashes, signals, and nobody left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iptnet.errors import MachineError
from iptnet.scale import local
from iptnet.scale.ledger import Status, read_status
from iptnet.scale.local import run_local
from iptnet.scale.run import weights_digest
from tests.scale.conftest import run
from tests.scale.fakes import archive, written
from tests.scale.test_run import lines


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def descendants(pid: int) -> set[int]:
    """All processes below one, zombies apart."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(stat.parent.name)] = int(fields[1])
    found, fresh = set[int](), {pid}
    while fresh:
        fresh = {p for p, above in parents.items() if above in fresh}
        found |= fresh
    return found


def begin(source: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "iptnet", "batch", str(source), "--out", str(out), "--no-video",
         *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.fault(9)
def test_a_worker_that_dies_fails_its_video_alone(tmp_path: Path) -> None:
    before = descendants(os.getpid())  # what tests of other rooms left running in this process
    source, out, told = archive(tmp_path / "in", 5), tmp_path / "out", list[Status]()
    (source / "crash.mp4").write_bytes(b"x")
    (source / "leave.mp4").write_bytes(b"x")
    (source / "bad.mp4").touch()
    tally = run(source, out, engine=run_local, workers=2, on_status=told.append)
    rows = lines(tally.ledger)
    assert (tally.done, tally.bad, len(told)) == (5, 3, 8)
    assert "crashes the worker (SIGSEGV); re-encode" in str(rows["crash.mp4"]["reason"])
    assert "ends the worker (exit code 3)" in str(rows["leave.mp4"]["reason"])
    assert {rows[k]["code"] for k in ("crash.mp4", "leave.mp4", "bad.mp4")} == {3}
    assert descendants(os.getpid()) <= before
    for name in ("crash.mp4", "leave.mp4"):
        (source / name).unlink()
    run(source, tmp_path / "reference")
    assert written(out) == written(tmp_path / "reference")


def test_trouble_of_the_machine_comes_back_from_a_worker(tmp_path: Path) -> None:
    before = descendants(os.getpid())
    source, out = archive(tmp_path / "in", 2), tmp_path / "out"
    (source / "full.mp4").write_bytes(b"x")
    with pytest.raises(MachineError, match="no space left; free some"):
        run(source, out, engine=run_local, workers=1)
    assert lines(out / "batch.jsonl")["full.mp4"]["state"] == "pending"
    assert descendants(os.getpid()) <= before


def test_a_worker_that_cannot_begin_is_no_fault_of_a_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = archive(tmp_path / "in", 2)
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(9)")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    with pytest.raises(MachineError, match="failed to start: exit code 9"):
        run(source, tmp_path / "out", engine=run_local, workers=1)
    assert not list((tmp_path / "out").rglob("status.json"))


@pytest.mark.fault(14)
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_all_and_the_ledger_is_true(
    tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    source, out = archive(tmp_path / "in", 2), tmp_path / "out"
    (source / "slow.mp4").write_bytes(b"x")
    process = begin(source, out, "--workers", "2")
    wait_for(lambda: len(list(out.rglob("status.json"))) == 2)
    below = descendants(process.pid)
    assert below
    process.send_signal(number)
    shown, err = process.communicate(timeout=30)
    assert process.returncode == expected, err
    assert "Traceback" not in err and err.splitlines()[-1].startswith("iptnet: ")
    assert not [p for p in below if Path(f"/proc/{p}").exists()]
    states = {key: row["state"] for key, row in lines(out / "batch.jsonl").items()}
    assert states == {"0.mp4": "done", "a/1.mp4": "done", "slow.mp4": "pending"}
    assert len(shown.splitlines()) == 2


@pytest.mark.fault(13)
def test_a_killed_run_takes_its_workers_along_and_goes_on(tmp_path: Path) -> None:
    source, out = archive(tmp_path / "in", 4), tmp_path / "out"
    (source / "slow.mp4").write_bytes(b"x")
    process = begin(source, out, "--workers", "2")
    wait_for(lambda: len(list(out.rglob("status.json"))) == 4)
    below = descendants(process.pid)
    assert below
    process.kill()
    process.communicate(timeout=30)
    wait_for(lambda: not [p for p in below if Path(f"/proc/{p}").exists()], 10)
    (source / "slow.mp4").rename(source / "fast.mp4")
    weights = weights_digest(None, None)
    tally = run(source, out, engine=run_local, workers=1, weights=weights)
    assert (tally.done, tally.before, tally.code) == (5, 4, 0)


@pytest.mark.fault(17)
def test_what_another_process_works_on_is_left_to_it(tmp_path: Path) -> None:
    source, out, told = archive(tmp_path / "in", 2), tmp_path / "out", list[Status]()
    (source / "slow.mp4").write_bytes(b"x")
    other = begin(source, out, "--workers", "1")
    try:
        wait_for(lambda: len(list(out.rglob("status.json"))) == 2)
        wait_for((out / "slow").is_dir)
        weights = weights_digest(None, None)
        tally = run(
            source, out, engine=run_local, workers=1, weights=weights, on_status=told.append
        )
        assert (tally.done, tally.skipped, tally.code) == (2, 1, 0)
        assert [s.reason for s in told] == ["another process works on it"]
        assert read_status(out / "slow") is None
    finally:
        other.terminate()
        other.communicate(timeout=30)


def test_the_number_of_workers_follows_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "cores", lambda: 8)
    for gib, expected in ((64, 8), (9, 4), (1, 1)):
        monkeypatch.setattr(local, "free_memory", lambda gib=gib: gib << 30)
        assert local.usual_workers() == expected
    assert local.cores() == 8
    monkeypatch.undo()
    assert local.cores() >= 1 and local.free_memory() > 1 << 20


def test_the_command_tells_what_came_out(tmp_path: Path) -> None:
    source, out = archive(tmp_path / "in", 1), tmp_path / "out"
    (source / "bad\n.mp4").touch()
    (source / "notes.txt").touch()
    process = begin(source, out)
    shown, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert shown.splitlines() == [
        f"0.mp4: 5.00 s of 12.0 s -> {out}/0",
        f"1 done, 1 bad, 1 skipped -> {out}/batch.jsonl",
    ]
    assert [x for x in err.splitlines() if x.startswith("iptnet: ")] == [
        f"iptnet: {source}/bad\\n.mp4 is empty; fetch or copy it again"
    ]
    process = begin(source, out)
    shown, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (3, "")
    assert shown == (
        "1 done (1 before), 1 bad (1 before; --retry tries again), 1 skipped "
        f"-> {out}/batch.jsonl\n"
    )
    assert json.loads((out / "0/status.json").read_text())["state"] == "done"
