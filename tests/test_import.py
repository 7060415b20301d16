"""What importing the package does to its process: it silences what would report, and no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.fault(20)
QUIET = {"ORT_DISABLE_TELEMETRY": "1", "RAY_USAGE_STATS_ENABLED": "0"}


def environment(**given: str) -> dict[str, str]:
    """The environment of a process that has imported us."""
    code = "import json, os, iptnet; print(json.dumps(dict(os.environ)))"
    kept = {k: v for k, v in os.environ.items() if k not in QUIET}
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept | given, capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_what_would_report_is_told_not_to() -> None:
    assert QUIET.items() <= environment().items()
    assert environment(ORT_DISABLE_TELEMETRY="")["ORT_DISABLE_TELEMETRY"] == "1"


def test_whoever_has_decided_keeps_the_decision() -> None:
    assert environment(ORT_DISABLE_TELEMETRY="0")["ORT_DISABLE_TELEMETRY"] == "0"
    assert environment(RAY_USAGE_STATS_ENABLED="1")["RAY_USAGE_STATS_ENABLED"] == "1"


def test_an_optimiser_leaves_no_folder_of_the_compiler(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "from iptnet.training.compiler import import_compiler\n"
        "import_compiler()\n"
        "import torch, lightning_fabric\n"
        "torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))])\n"
        "assert 'TORCHINDUCTOR_CACHE_DIR' not in os.environ\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TORCHINDUCTOR_CACHE_DIR"}
    command = [sys.executable, "-c", code]
    subprocess.run(command, env=environment | {"TMPDIR": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []
