"""The Ray engine: without Ray, and, where it is installed, with its workers and the fake model."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from iptnet.errors import MachineError
from iptnet.scale.cluster import run_ray
from tests.scale.conftest import run
from tests.scale.fakes import archive, written
from tests.scale.test_processes import descendants, wait_for
from tests.scale.test_run import lines


def test_without_ray_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    source, out = archive(tmp_path / "in", 1), tmp_path / "out"
    with pytest.raises(MachineError, match=r"needs Ray.*pip install 'iptnet\[ray\]'") as told:
        run(source, out, engine=run_ray)
    assert told.value.exit_code == 6
    assert lines(out / "batch.jsonl")["0.mp4"]["state"] == "pending"


def test_rays_workers_do_the_same_and_one_that_dies_fails_its_video_alone(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'iptnet[ray]')")
    before = descendants(os.getpid())
    source, out = archive(tmp_path / "in", 4), tmp_path / "out"
    (source / "crash.mp4").write_bytes(b"x")
    (source / "bad.mp4").touch()
    tally = run(source, out, engine=run_ray, workers=2)
    rows = lines(tally.ledger)
    assert (tally.done, tally.bad, tally.code) == (4, 2, 3)
    assert "ends the worker" in str(rows["crash.mp4"]["reason"])
    wait_for(lambda: descendants(os.getpid()) <= before, 30)
    for name in ("crash.mp4", "bad.mp4"):
        (source / name).unlink()
    run(source, tmp_path / "reference")
    assert written(out) == written(tmp_path / "reference")


def test_trouble_of_the_machine_comes_back_from_rays_workers(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'iptnet[ray]')")
    source, out = archive(tmp_path / "in", 1), tmp_path / "out"
    (source / "full.mp4").write_bytes(b"x")
    with pytest.raises(MachineError, match="no space left; free some"):
        run(source, out, engine=run_ray, workers=1)
    assert lines(out / "batch.jsonl")["full.mp4"]["state"] == "pending"
