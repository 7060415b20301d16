"""A training as a process of its own: asked to stop, asked twice for one folder, resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.training.toys import toy_tvsum

CONFIG = """task: summarization
setting: canonical
datasets: [tvsum]
seeds: [0]
model: {heads: 2, hidden: 8}
objective: {target: users, importance: correlation, boundary: 0.0, centrality: 0.0}
optimiser: {name: adamw, lr: 0.003, epochs: 9000, batch: 16}
decode: importance
"""


class Training:
    """``iptnet train`` on the toy."""

    def __init__(self, folder: Path) -> None:
        call = ["train", str(folder / "c.yaml"), "--out", str(folder / "run")]
        self.state = folder / "run/tvsum/split-0/seed-0/state.safetensors"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "iptnet", *call, "--data", str(folder / "toy.h5")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # its group's number finds whatever it leaves behind
        )

    def is_under_way(self) -> Training:
        """Wait for its first line of progress."""
        assert self.process.stderr is not None
        assert "split 1" in self.process.stderr.readline()
        return self

    def end(self) -> tuple[int, str]:
        """Its exit code and last line."""
        _, err = self.process.communicate(timeout=200)
        return self.process.returncode, err.strip().splitlines()[-1] if err.strip() else ""

    def left(self) -> bool:
        """Whether a process of its group still runs."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    toy_tvsum(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path


@pytest.mark.fault(14)
@pytest.mark.fault(17)
def test_stopped_by_either_signal_it_keeps_a_state_and_its_folder_to_itself(folder: Path) -> None:
    first = Training(folder).is_under_way()
    second = Training(folder)
    code, line = second.end()
    assert code == 6
    assert f"another training uses {folder / 'run'}" in line and "wait for it" in line
    epochs = []
    running = first
    for number, expected in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        running = running if running.process.poll() is None else Training(folder).is_under_way()
        running.process.send_signal(number)
        code, line = running.end()
        assert code == expected
        assert "training stopped after epoch" in line and "run it again to resume" in line
        assert not running.left()
        epochs.append(int(line.split("epoch ")[1].split(";")[0]))
        assert running.state.is_file()
    assert epochs[0] < epochs[1] < 9000
    assert not [p for p in (folder / "run").rglob("*") if ".partial" in p.name]


@pytest.mark.fault(14)
def test_a_signal_before_the_first_epoch_ends_it_at_once(folder: Path) -> None:
    training = Training(folder)
    time.sleep(1.0)
    training.process.send_signal(signal.SIGINT)
    code, _ = training.end()
    assert code in {130, -signal.SIGINT}  # the interpreter may not have come to our handler yet
    assert not training.left()
    assert not training.state.is_file()
