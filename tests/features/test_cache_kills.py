"""Writers of a cache folder that are killed at any moment leave whole entries and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.fault(13)
@pytest.mark.fault(17)
def test_killed_at_sixty_moments_every_entry_is_whole(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.features.kills", str(tmp_path), "60", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout)
    assert counts["kills"] == 60
    assert counts["entries"] > 100
    assert counts["left"] > 10, "no kill came in the middle of a write"
