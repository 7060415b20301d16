"""Batches with the fake model, in this process or in workers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iptnet.scale.run import Tally, run_batch
from iptnet.scale.work import Options
from tests.scale.fakes import FakeModel, in_process, no_pictures

HERE = Path(__file__).resolve().parent


@pytest.fixture(autouse=True)
def fake_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here and in workers; never the user's own cache."""
    monkeypatch.setenv("IPTNET_CACHE", str(tmp_path / "cache"))
    inherited = os.environ.get("PYTHONPATH", "")
    paths = (HERE / "site", HERE.parents[1], HERE.parents[1] / "src", inherited)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(p) for p in paths if str(p)))
    monkeypatch.setattr("iptnet.api.load", lambda **_: FakeModel())
    monkeypatch.setattr("iptnet.results.thumbnails", no_pictures)


def run(source: Path, out: Path, *, engine: object = in_process, **more: object) -> Tally:
    """A run; ``shard``, ``workers`` and ``on_status`` are its own, the rest are options."""
    own = {k: more.pop(k) for k in ("shard", "workers", "on_status") if k in more}
    options = Options(out=str(out), **{"cut": False, **more})  # type: ignore[arg-type]
    return run_batch(source, options, engine, **own)  # type: ignore[arg-type]
