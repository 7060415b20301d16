"""Offline, command by command: no socket but loopback, no file outside cache, state and --out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_research import CONFIG
from tests.tracing import Trace, missing, traced
from tests.training.toys import toy_tvsum

WHY = missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.fault(20),
    pytest.mark.skipif(bool(WHY), reason=f"no command can be cut off and traced here: {WHY}"),
]

LIBRARY = """
import sys
import iptnet

encoded = iptnet.load().encode(sys.argv[1])
assert encoded.find("a red picture")
timeline = encoded.summarize(0.3, query="a red picture")
iptnet.write_summary(timeline, sys.argv[2], video=sys.argv[1])
"""
SERVE = """
import re, signal, subprocess, sys, time, urllib.request

command = [sys.executable, "-m", "iptnet", "serve", "--port", "0"]
server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
url = re.search(r"http://[^ ]+/", server.stdout.readline())[0]
assert b"<html" in urllib.request.urlopen(url, timeout=60).read()
time.sleep(3)  # the model is loaded behind the first page
server.send_signal(signal.SIGTERM)
assert server.wait(60) in {143, -15}
"""
OURS = (".cache/iptnet", ".local/state/iptnet")
"""Below the home folder: what is kept between runs, and the server's data."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, four_scenes: Path) -> Path:
    """Everything that the commands read."""
    folder = tmp_path_factory.mktemp("inputs")
    shutil.copy(four_scenes, folder / "a.mp4")
    toy_tvsum(folder)
    (folder / "toy.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "truth.csv").write_text("video,start,end,sentence\na.mp4,0,10,a dog\n")
    (folder / "said.txt").write_text("a.mp4 0 10##a dog\n")
    (folder / "list.txt").write_text("a.mp4\n")
    iptnet = [sys.executable, "-m", "iptnet"]
    env = os.environ | {"IPTNET_CACHE": str(folder / "cache")}
    train = ["train", "toy.yaml", "--out", "run", "--data", "toy.h5"]
    subprocess.run([*iptnet, *train], cwd=folder, env=env, check=True, capture_output=True)
    made = ["summarize", "a.mp4", "--out", "made", "--no-video"]
    subprocess.run([*iptnet, *made], cwd=folder, env=env, check=True, capture_output=True)
    shutil.rmtree(folder / "cache")
    return folder


COMMANDS: dict[str, list[str]] = {
    "summarize": ["summarize", "a.mp4", "--query", "a red picture", "--out", "OUT"],
    "find": ["find", "a.mp4", "a red picture", "--out", "OUT"],
    "find without a cache": ["find", "a.mp4", "a red picture", "--no-cache"],
    "export": ["export", "made/a/timeline.json", "--to", "edl,otio,fcpxml,vtt", "--out", "OUT"],
    "features": ["features", "a.mp4", "--out", "OUT/features.h5"],
    "train": ["train", "toy.yaml", "--out", "OUT", "--data", "toy.h5"],
    "evaluate": ["evaluate", "--checkpoint", "run", "--data", "toy.h5"],
    "score": ["score", "said.txt", "truth.csv"],
    "batch": ["batch", "list.txt", "--out", "OUT", "--workers", "1"],
    "demo": ["demo", "--out", "OUT"],
    "doctor": ["doctor"],
    "help": ["--help"],
}
CODES: dict[str, list[str]] = {
    "serve": ["-c", SERVE],
    "the library": ["-c", LIBRARY, "a.mp4", "OUT"],
}


def run(command: list[str], inputs: Path, tmp_path: Path) -> tuple[Trace, Path]:
    """A command in a fresh home with empty folders; its calls, and that home."""
    home = tmp_path / "home"
    for name in ("home", "home/tmp", "home/out"):
        (tmp_path / name).mkdir()
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH"}}
    told = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [word.replace("OUT", str(home / "out")) for word in command]
    done, trace = traced([sys.executable, *words], tmp_path / "trace", cwd=inputs, env=kept | told)
    assert done.returncode == 0, done.stderr
    return trace, home


def below(path: Path, folders: list[Path]) -> bool:
    return any(path == folder or folder in path.parents for folder in folders)


@pytest.mark.parametrize("name", [*COMMANDS, *CODES])
def test_nothing_goes_out_and_nothing_is_left_elsewhere(
    name: str, inputs: Path, tmp_path: Path
) -> None:
    command = CODES[name] if name in CODES else ["-m", "iptnet", *COMMANDS[name]]
    before = {path: path.stat().st_mtime_ns for path in inputs.rglob("*")}
    trace, home = run(command, inputs, tmp_path)
    assert trace.lines, "nothing was traced"
    assert trace.outside() == []
    if name != "serve":
        assert trace.internet_sockets() == []
    assert {path: path.stat().st_mtime_ns for path in inputs.rglob("*")} == before

    allowed = [home / "out", *(home / ours for ours in OURS)]
    left = [p for p in home.rglob("*") if p.is_file() and not below(p, allowed)]
    assert left == []
    assert list((home / "tmp").iterdir()) == []
    parents = {parent for folder in allowed for parent in folder.parents}
    passing = [home / "tmp", Path("/dev/null"), Path("/dev/tty"), Path("/proc/self")]
    elsewhere = {p for p in trace.written() - parents if not below(p, [*allowed, *passing])}
    assert elsewhere == set()


def test_what_would_be_told_is_seen(inputs: Path, tmp_path: Path) -> None:
    """The tests above would notice: the same library without our setting, and a look-up."""
    code = (
        "import os, socket; os.environ['ORT_DISABLE_TELEMETRY'] = '0'\n"
        "import onnxruntime\n"
        "try: socket.getaddrinfo('telemetry.example', 443)\n"
        "except OSError: pass\n"
        "try: socket.create_connection(('192.0.2.1', 80), 1)\n"
        "except OSError: pass\n"
    )
    trace, home = run(["-c", code], inputs, tmp_path)
    assert any("192.0.2.1" in line for line in trace.outside())
    assert any("resolv.conf" in line for line in trace.outside())
    assert trace.internet_sockets()
    if any((home / ".cache").rglob("deviceid")):  # builds without telemetry have nothing to show
        assert home / ".cache/Microsoft/DeveloperTools/.onnxruntime/deviceid" in trace.written()
