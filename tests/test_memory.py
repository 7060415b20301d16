"""With too little memory a command ends with 4 and the remedy, and a training keeps its state."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.fault(16)


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.short_of_memory", str(tmp_path_factory.mktemp("short"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, tuple[int, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("what", ["a checkpoint", "an h5 file", "writing a checkpoint", "training"])
def test_a_shortage_is_a_limit_with_its_remedy(came: dict[str, tuple[int, str]], what: str) -> None:
    code, line = came[what]
    assert code == 4
    assert "memory" in line and "close other programs" in line


def test_a_training_that_ran_out_goes_on_from_its_last_state(
    came: dict[str, tuple[int, str]],
) -> None:
    assert came["its state"] == [0, "epoch 1"]
    assert came["training again"][0] == 0
