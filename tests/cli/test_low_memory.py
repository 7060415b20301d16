"""Commands under ``ulimit -v``: they work, or end with 4 and a line that names memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from iptnet.cli.limited import limited
from iptnet.memory import allowance

pytestmark = [
    pytest.mark.fault(16),
    pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no address space"),
]
MIB = 1 << 20
COMMANDS: dict[str, list[str]] = {
    "summarize": ["summarize", "VIDEO", "--no-cache", "--out", "OUT"],
    "find": ["find", "VIDEO", "a red picture", "--no-cache", "--out", "OUT"],
    "features": ["features", "VIDEO", "--out", "OUT/f.h5"],
    "batch": ["batch", "LIST", "--no-cache", "--out", "OUT", "--workers", "1"],
}


def under(limit: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line with so many bytes of address space."""
    # Not preexec_fn, which is unsafe beside threads: the shell limits itself and becomes us.
    limiting = f'ulimit -v {limit >> 10} && exec "$@"'
    command = ["sh", "-c", limiting, "sh", sys.executable, "-m", "iptnet", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def require_told(done: subprocess.CompletedProcess[str]) -> None:
    """Done, or 4 with memory named; nothing of a library's own, no video blamed."""
    own = [line for line in done.stderr.splitlines() if line.startswith("iptnet: ")]
    told = [line for line in own if not line.startswith("iptnet: warning")]
    assert done.returncode in {0, 4}, done.stderr
    if done.returncode == 4:
        assert told and all("memory" in line for line in told), done.stderr
    progress = ("frames", "cut", "hash", "batch", "videos", "VIDEO")
    others = set(done.stderr.splitlines()) - set(own)
    assert not [x for x in others if not any(word in x for word in progress)], done.stderr
    for blame in ("re-encode", "cannot be", "Traceback", "internal error", "OpenBLAS"):
        assert blame not in done.stderr, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mib", [200, 400, 560, 683, 760, 830, 880, 980, 1172])
@pytest.mark.parametrize("name", COMMANDS)
def test_little_memory_is_enough_or_is_named(
    name: str, mib: int, four_scenes: Path, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text(f"{four_scenes}\n")
    places = {
        "VIDEO": str(four_scenes),
        "LIST": str(tmp_path / "list.txt"),
        "OUT": str(tmp_path / "out"),
    }
    line = "\n".join(COMMANDS[name])
    for place, path in places.items():
        line = line.replace(place, path)
    require_told(under(mib * MIB, *line.split("\n")))


@pytest.mark.slow
def test_enough_memory_is_enough_and_what_is_broken_stays_so(
    four_scenes: Path, tmp_path: Path
) -> None:
    done = under(1500 * MIB, "summarize", str(four_scenes), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(four_scenes.read_bytes()[:2000])
    done = under(1500 * MIB, "summarize", str(broken), "--out", str(tmp_path / "out"))
    assert done.returncode == 3 and "of memory" not in done.stderr, done.stderr


def code(program: str) -> subprocess.CompletedProcess[str]:
    """A program that runs ``work`` as a command is run with 1000 MiB."""
    begin = "import ctypes, os, signal, sys, time\nfrom iptnet.cli.limited import limited\n"
    end = "\nraise SystemExit(limited(work))\n"
    return subprocess.run(
        ["sh", "-c", 'ulimit -v 1024000 && exec "$@"', "sh", sys.executable, "-c",
         begin + program + end],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "end",
    ["ctypes.CDLL(None).exit(1)", "os.abort()", "os.kill(os.getpid(), signal.SIGKILL)"],
)
def test_a_library_that_ends_the_process_is_told_as_a_shortage(end: str) -> None:
    done = code(f"def work():\n    os.write(2, b'OpenBLAS error: no room\\n')\n    {end}")
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1 and "memory" in done.stderr and "1000 MiB" in done.stderr


@pytest.mark.slow
def test_a_command_that_waits_for_itself_is_ended_and_one_that_waits_for_others_is_not() -> None:
    waiting = "import threading\ndef work():\n    lock = threading.Lock()\n"
    done = code(waiting + "    lock.acquire()\n    lock.acquire()")
    assert done.returncode == 4 and "memory" in done.stderr
    done = code("def work():\n    time.sleep(40)\n    return 5")
    assert done.returncode == 5


def test_a_command_keeps_its_words_and_its_code() -> None:
    done = code("def work():\n    print('out')\n    print('own', file=sys.stderr)\n    return 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "own\n")


def test_a_wrong_call_and_a_call_for_help_stay_what_they_are() -> None:
    done = under(1000 * MIB, "summarize")
    assert done.returncode == 2 and "memory" not in done.stderr and done.stderr
    done = under(1000 * MIB, "--help")
    assert done.returncode == 0 and "summarize" in done.stdout


def test_a_signal_reaches_the_command() -> None:
    program = (
        "def work():\n"
        "    def stop(*_):\n        raise KeyboardInterrupt\n"
        "    signal.signal(signal.SIGTERM, stop)\n"
        "    try:\n        os.kill(os.getppid(), signal.SIGTERM)\n        time.sleep(60)\n"
        "    except KeyboardInterrupt:\n        return 143\n"
    )
    assert code(program).returncode == 143


def test_without_a_limit_nothing_is_forked() -> None:
    if allowance() is not None:
        pytest.skip(f"this run is limited itself: {resource.getrlimit(resource.RLIMIT_AS)}")
    import os

    assert limited(os.getpid) == os.getpid()
