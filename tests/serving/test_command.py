"""``iptnet serve`` from the outside: its one line, its exit codes, and nobody left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
import pytest

from iptnet.demo import DemoVideo
from iptnet.serving.run import listen
from iptnet.serving.settings import Settings
from tests.serving.fakes import submit, wait_for
from tests.serving.server import start


@pytest.mark.fault(14)
@pytest.mark.fault(19)
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_of_work_ends_it_all(
    demo: DemoVideo, tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    server = start(tmp_path / "data", tmp_path / "cache")
    with httpx.Client(base_url=server.url, timeout=60) as client:
        id_ = submit(client, demo.path)["id"]
        with client.stream("GET", "/api/events"):  # a page that is open
            wait_for(server.children, 60)
            children = server.children()
            code, err = server.stop(number)
    assert code == expected, err
    assert "Traceback" not in err and len(err.splitlines()) == 1, err
    for child in children:
        wait_for(lambda child=child: not Path(f"/proc/{child}").exists(), 10)  # type: ignore[misc]
    left = [p.name for p in (tmp_path / "data" / "videos" / id_).iterdir()]
    assert not [name for name in left if "partial" in name] and "source" in left


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "iptnet", "serve", *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_port_in_use_is_exit_6(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = serve("--port", port, "--data", str(tmp_path))
    assert done.returncode == 6 and done.stdout == ""
    assert done.stderr == (
        f"iptnet: port {port} is in use; stop what uses it, or choose another with --port "
        "(0 takes any free one)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--host", "192.0.2.1"], 2, "cannot listen on 192.0.2.1"),
        (["--port", "99999"], 2, "--port"),
        (["--max-gib", "-1"], 2, "--max-gib"),
        (["--data", "/proc/nowhere"], 6, "/proc/nowhere"),
    ],
)
def test_wrong_calls_are_one_line(arguments: list[str], code: int, word: str) -> None:
    done = serve("--port", "0", *arguments)
    *_, line = done.stderr.splitlines()
    assert done.returncode == code and word in line and "Traceback" not in done.stderr


def test_an_open_address_is_warned_of(tmp_path: Path) -> None:
    server = start(tmp_path / "data", tmp_path / "cache", "--host", "0.0.0.0")
    assert server.url.startswith("http://127.0.0.1:")
    _, err = server.stop()
    assert "everybody on the network" in err


def test_answers_are_not_held_back() -> None:
    """asyncio switches Nagle's algorithm off only where the protocol is named: 40 ms a request."""
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_which_hosts_are_ours() -> None:
    alone = Settings(Path(), host="127.0.0.1")
    assert alone.admits("127.0.0.1:8000") and alone.admits("[::1]") and alone.admits("LocalHost")
    assert not alone.admits("192.168.0.7") and not alone.admits("evil.example:8000")
    everywhere = Settings(Path(), host="0.0.0.0")
    # An address cannot be rebound, a name can.
    assert everywhere.admits("192.168.0.7:8000") and everywhere.admits("[fe80::1]:8000")
    assert everywhere.admits(socket.gethostname()) and not everywhere.admits("evil.example")


def test_serve_is_in_the_help_and_costs_it_nothing() -> None:
    code = (
        "import sys\nfrom iptnet.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('fastapi', 'uvicorn', 'starlette', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert "• serve" in done.stdout and done.stdout.splitlines()[-1] == "[]"
