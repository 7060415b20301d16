"""A cut that is killed leaves a whole file or the old one, and the next cut sweeps up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.fault(13)
def test_killed_at_fifty_moments_no_half_summary_is_left(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.video.kills", str(tmp_path), "50", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = json.loads(done.stdout)
    assert counts["kills"] == 50
    assert counts["left"] > 10, "no kill came in the middle of a write"
