"""A decoding child that crashes, hangs, lies or eats: its parent lives, and keeps what it has."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from iptnet.errors import InputError, IptnetError, LimitError, MachineError
from iptnet.video import child as child_module
from iptnet.video.child import Child
from iptnet.video.frames import sample_frames
from iptnet.video.limits import Limits
from iptnet.video.probe import probe
from tests.video.making import make, number_of

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")


def fake(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the decoding process be a script of ours; it may use ``send``."""
    head = "import os, sys, time, signal\nfrom iptnet.video.wire import send\n"
    plain = subprocess.Popen

    def start(command: list[str], **more: object) -> subprocess.Popen[bytes]:
        body = head + textwrap.dedent(script)
        return plain([sys.executable, "-c", body, *command[-1:]], **more)  # type: ignore[call-overload]

    monkeypatch.setattr(child_module.subprocess, "Popen", start)


def die(name: str) -> str:
    return f"sys.stdin.readline(); os.kill(os.getpid(), signal.{name}); time.sleep(60)"


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (die("SIGSEGV"), InputError, "crashes the decoder .SIGSEGV."),
        (die("SIGABRT"), InputError, "crashes the decoder .SIGABRT."),
        (die("SIGFPE"), InputError, "crashes the decoder .SIGFPE."),
        (die("SIGKILL"), LimitError, "killed, probably for memory"),
        (die("SIGXCPU"), LimitError, "processor time"),
        ("time.sleep(600)", InputError, "no progress for 1 s"),
        ("while True: pass", InputError, "no progress for 1 s"),
        ("sys.stdin.readline(); raise MemoryError", LimitError, "more than 3072 MiB"),
        ("sys.exit('broken wheel')", MachineError, "broken wheel"),
        ("os.write(1, b'HTTP/1.1 200 OK' * 9); time.sleep(600)", InputError, "misbehave"),
        ("os.write(1, b'ipt1' + b'\\xff' * 8); time.sleep(600)", InputError, "misbehave"),
        ("send(1, {'no': 'kind'}); time.sleep(600)", InputError, "misbehave"),
        ("send(1, {'kind': 'error', 'class': 'x'}); time.sleep(600)", InputError, "misbehave"),
        ("send(1, {'kind': 'info'}); time.sleep(600)", InputError, "no progress for 1 s"),
        ("send(1, {'kind': 'done'}); time.sleep(600)", InputError, "misbehave"),
        (
            "os.write(1, b'ipt1\\0\\0\\0\\2\\0\\0\\0\\0[]'); time.sleep(600)",
            InputError,
            "misbehave",
        ),
    ],
)
def test_a_broken_child_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, kind: type, words: str
) -> None:
    path = make(tmp_path / "a.mp4", 3)
    fake(monkeypatch, script)
    monkeypatch.setattr(child_module, "DEATH_SECONDS", 0.5)
    with Child(Limits(stall_seconds=1)) as child:
        with pytest.raises(kind, match=words) as caught:
            probe(path, child=child)
        assert isinstance(caught.value, IptnetError)
        assert child.process.poll() is not None
    if kind is not MachineError:
        assert str(path) in caught.value.cause


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    "record",
    [
        "{'kind': 'info'}",
        "{'kind': 'info', 'duration': 'long'}",
        "{'kind': 'picture', 'time': 0, 'shown': 0, 'index': 0}",
    ],
)
def test_forged_records_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: str
) -> None:
    fake(monkeypatch, f"send(1, {record}); time.sleep(600)")
    with pytest.raises(InputError, match="misbehave"):
        sample_frames(make(tmp_path / "a.mp4", 3))


@pytest.mark.fault(9)
def test_a_flood_of_output_is_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child taken over may claim any length; none of it is allocated."""
    fake(monkeypatch, "os.write(1, b'ipt1' + (9).to_bytes(4) + (1 << 31).to_bytes(4))")
    with Child() as child, pytest.raises(IptnetError):
        probe(make(tmp_path / "a.mp4", 3), child=child)


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    ("name", "words"),
    [("SIGSEGV", "crashes the decoder"), ("SIGBUS", "SIGBUS"), ("SIGSTOP", "no progress for 1 s")],
)
def test_what_came_before_the_crash_is_kept(tmp_path: Path, name: str, words: str) -> None:
    path = make(tmp_path / "a.mp4", 500, size=(480, 640))
    # A dying process may keep its pipe for a while; only a stopped one must be waited for in vain.
    limits = Limits(stall_seconds=1 if name == "SIGSTOP" else 60)
    stream = sample_frames(path, 25, (480, 640), batch=4, limits=limits)
    times, numbers = [], []
    for batch in stream:
        if not times:
            os.kill(stream._child.process.pid, getattr(signal, name))
        times += batch.times.tolist()
        numbers += [number_of(picture) for picture in batch.images]
    assert 4 <= len(times) < 500
    assert numbers == list(range(len(times)))
    assert any("decoding stopped" in w and words in w for w in stream.warnings), stream.warnings
    assert stream.duration <= len(times) / 25
    assert stream._child.process.returncode is not None


@pytest.mark.fault(9)
def test_a_child_killed_for_memory_is_a_limit(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", 500, size=(480, 640))
    stream = sample_frames(path, 25, (480, 640), batch=4)
    got = 0
    with pytest.raises(LimitError, match="killed"):
        for batch in stream:
            if not got:
                os.kill(stream._child.process.pid, signal.SIGKILL)
            got += len(batch)
    assert got >= 4


@pytest.mark.fault(6)
@linux
def test_memory_of_the_child_is_bounded(tmp_path: Path) -> None:
    from PIL import Image

    big = tmp_path / "big.gif"  # a few kilobytes that decode to 256 MiB
    Image.new("P", (8192, 8192)).save(big)
    limits = Limits(memory=300 << 20, max_pixels=8192 * 8192)
    with Child(limits) as child:
        with pytest.raises(LimitError, match="more than 300 MiB") as caught:
            probe(big, child=child)
        assert str(big) in caught.value.cause
        assert probe(make(tmp_path / "a.mp4", 3), child=child).n_frames == 3


def test_a_child_that_has_ended_says_so(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", 3)
    with Child() as child:
        child.process.kill()
        with pytest.raises(LimitError, match="killed"):
            probe(path, child=child)
        with pytest.raises(MachineError, match="has ended"):
            probe(path, child=child)


@pytest.mark.fault(9)
@linux
def test_processor_time_of_the_child_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(
        monkeypatch,
        """
        import json
        from iptnet.video.guard import confine
        confine(**json.loads(sys.argv[1]))
        send(1, {"kind": "beat", "position": 0})
        while True:
            pass
        """,
    )
    limits = Limits(cpu_seconds=1, stall_seconds=30)
    with Child(limits) as child, pytest.raises(LimitError, match="1 s of processor time"):
        probe(make(tmp_path / "a.mp4", 3), child=child)


@pytest.mark.fault(9)
@linux
def test_the_limits_hold_in_the_real_child(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", 3)
    with Child(Limits(memory=1 << 30, cpu_seconds=77)) as child:
        probe(path, child=child)
        process = Path("/proc", str(child.process.pid))
        lines = (process / "limits").read_text().splitlines()
        held = {line[:26].strip(): line[26:].split()[:2] for line in lines}
        opened = [int(link.name) for link in (process / "fd").iterdir()]
    assert held["Max address space"] == [str(1 << 30)] * 2
    assert held["Max cpu time"] == ["77", "82"]
    assert held["Max core file size"] == ["0", "0"]
    assert held["Max file size"] == [str(1 << 20)] * 2
    # After a file was opened no further descriptor can be had.
    assert int(held["Max open files"][0]) <= max(opened) + 2


PARENT = """
import sys, time
from iptnet.video.child import Child
from iptnet.video.limits import Limits
from pathlib import Path
child = Child()
records = child.ask("sample", Path(sys.argv[1]), size=[480, 640], rate="25")
next(records)
print(child.process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.fault(13)
@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_dies_with_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    path = make(tmp_path / "a.mp4", 500, size=(480, 640))
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _alive(child)
    parent.send_signal(how)
    parent.wait(30)
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX"
    return False


def test_a_folder_of_strange_modules_is_not_imported_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "a.mp4", 3)
    for module in ("av", "json", "fractions"):
        (tmp_path / f"{module}.py").write_text("open('pwned', 'w'); raise SystemExit")
    monkeypatch.chdir(tmp_path)
    assert probe(path).n_frames == 3
    assert not (tmp_path / "pwned").exists()
