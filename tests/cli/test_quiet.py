"""What libraries say reaches nobody's terminal; what we say does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHATTER = """
import ctypes, logging, os, warnings
from iptnet.cli import main
from iptnet.cli.doctor import Doctor
from iptnet.errors import InputError, IptnetWarning

def run(self):
    warnings.warn("python warning")
    warnings.warn("deprecated thing", DeprecationWarning)
    logging.getLogger("matplotlib").warning("logged warning")
    logging.error("logged to the root")
    os.write(2, b"[W:onnxruntime] native text\\n")
    libc = ctypes.CDLL(None)
    libc.perror(b"libav says")
    warnings.warn("ours to tell", IptnetWarning)
    warnings.warn("ours to tell", IptnetWarning)
    raise InputError("a.mp4 is bad", "mend it")

Doctor.run = run
main(["doctor"])
"""


def chatter(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CHATTER],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_only_our_own_lines_are_shown() -> None:
    done = chatter(IPTNET_DEBUG="0")
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "iptnet: warning: ours to tell",
        "iptnet: warning: ours to tell",
        "iptnet: a.mp4 is bad; mend it",
    ]


def test_debugging_shows_it_all() -> None:
    shown = chatter(IPTNET_DEBUG="1").stderr
    for text in ("python warning", "logged warning", "native text", "libav says", "Traceback"):
        assert text in shown


@pytest.mark.fault(6)
def test_a_home_that_takes_nothing_costs_one_line(four_scenes: Path, tmp_path: Path) -> None:
    """The cache cannot be written; root writes anywhere, so the home is no folder at all."""
    home = tmp_path / "home"
    home.write_text("a file", "utf-8")
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("IPTNET", "XDG"))}
    done = subprocess.run(
        [sys.executable, "-m", "iptnet", "find", four_scenes, "a test picture", "--top", "1"],
        capture_output=True,
        text=True,
        check=False,
        env={**bare, "HOME": str(home), "OMP_NUM_THREADS": "1"},
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith("frames ")]
    assert done.returncode == 0 and "confidence" in done.stdout
    assert len(lines) == 1 and lines[0].startswith("iptnet: warning: what was seen of")
