"""The library in children, threads and tasks: the same results, and no hang."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import iptnet
from iptnet import forking
from iptnet.errors import LimitError
from tests.cli.conftest import ffmpeg
from tests.conftest import ROOT
from tests.forks import PROGRAMS

pytestmark = pytest.mark.fault(21)
SECONDS = 400
"""More than any of them takes on a busy machine: what takes longer hangs."""

UNGUARDED = """
import sys
import iptnet

encoded = iptnet.load(cache=False).encode(sys.argv[1])
print(len(encoded.summarize(0.3).keyshots), len(encoded.find("a red picture")))
"""
LATE = """
import os, signal, sys
import torch

torch.set_num_threads(4)
torch.randn(512, 512) @ torch.randn(512, 512)  # PyTorch has its threads
if (child := os.fork()) == 0:
    signal.alarm(100)
    import iptnet

    encoded = iptnet.load(cache=False).encode(sys.argv[1])
    os._exit(0 if encoded.summarize(0.3).keyshots and encoded.find("a red picture") else 1)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds in two scenes."""
    path = tmp_path_factory.mktemp("forks") / "two.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", "smptebars=size=320x180:rate=25:duration=2",
        "-f", "lavfi", "-i", "color=red:size=320x180:rate=25:duration=2",
        "-filter_complex", "[0:v][1:v]concat=n=2,format=yuv420p",
        "-c:v", "libx264", "-preset", "ultrafast", str(path),
    )  # fmt: skip
    return path


def program(*command: str, video: Path) -> str:
    """Run one to its end; a hang is a failure with its name."""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, *command, str(video)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "tokenizers" not in done.stderr  # its warning of forks
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_children_threads_and_tasks_come_to_the_same(name: str, video: Path) -> None:
    program("-m", "tests.forks", name, video=video)


def test_a_script_without_a_main_guard_works(video: Path) -> None:
    keyshots, moments = program("-c", UNGUARDED, video=video).split()
    assert int(keyshots) > 0 and int(moments) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows a fork afterwards")
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="only Python 3.11 was seen to show it")
def test_a_child_that_imports_us_after_its_parent_used_pytorch_does_not_hang(video: Path) -> None:
    program("-c", LATE, video=video)


class Counting:
    made = 0

    @forking.native_property
    def kept(self) -> int:
        self.made += 1
        return self.made

    @forking.threaded_property
    def threaded(self) -> int:
        self.made += 1
        return self.made


def test_a_fork_lets_go_of_what_holds_threads_alone() -> None:
    counting = Counting()
    assert (counting.kept, counting.threaded) == (1, 2)
    assert (counting.kept, counting.threaded) == (1, 2)
    if (child := os.fork()) == 0:
        os._exit(0 if (counting.kept, counting.threaded) == (1, 3) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert (counting.kept, counting.threaded) == (1, 3)


def test_a_fork_inside_a_section_waits_for_others_alone() -> None:
    with forking.native():
        if (child := os.fork()) == 0:
            with forking.native():
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0


def test_a_shortage_in_native_work_is_a_limit() -> None:
    with pytest.raises(LimitError, match="memory"), forking.native():
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")
    with pytest.raises(RuntimeError, match="other"), forking.native():
        raise RuntimeError("other")


def test_a_model_travels_without_its_networks() -> None:
    model = iptnet.load(cache=False)
    assert model.summarizer is model.summarizer
    there = pickle.loads(pickle.dumps(model))
    assert "summarizer" in vars(model) and "summarizer" not in vars(there)
    assert there.encoder.recipe == model.encoder.recipe
