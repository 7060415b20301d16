"""How long a user of the page waits: from upload to result, for another length, for an answer.

    python -m benchmarks.serving [VIDEO] [--repeats 20] [--runs 3]

Starts ``iptnet serve`` on loopback with empty caches, sends the video, and asks as the page does;
every figure is wall time at the client, connection and JSON included, with the server's processor
time beside it where the machine may be busy with other things. Without VIDEO the 139-second
one of ``../shared/data/videos`` is taken. With playwright and chromium at hand the way to the drawn
curve in a browser is measured too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2 as httpx

USUAL = "shared/data/videos/natural/intel_one-by-one-person-detection.mp4"
QUERIES = (
    "a person walks into the room",
    "a man stands beside a table",
    "somebody picks up a phone",
    "a woman with a bag",
    "an empty room with a wooden floor",
    "two people talk to each other",
    "a dog runs across the floor",
    "a cup of coffee on a table",
)
RATIOS = (0.1, 0.3, 0.2, 0.5, 0.05)


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """A server with nothing remembered; yields its address and process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "iptnet", "serve", "--port", "0", "--data", str(folder / "data")],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"IPTNET_CACHE": str(folder / "cache")},
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        if found is None:
            sys.exit("iptnet serve did not start")
        yield found[0].rstrip("/"), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def spent(pid: int) -> float:
    """Milliseconds of processor time of a process so far (not of its children); 0 off Linux."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return 1e3 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(call: Callable[[], Any], pid: int) -> tuple[float, float]:
    """Milliseconds of a call, and of the server's processor time for it."""
    began, before = time.perf_counter(), spent(pid)
    call()
    return 1e3 * (time.perf_counter() - began), spent(pid) - before


def upload(client: httpx.Client, video: Path) -> tuple[str, float, float]:
    """Send a video and follow its events: its id, seconds to the result and to the last picture."""
    began = time.perf_counter()
    with video.open("rb") as file:
        id_ = client.post("/api/videos", params={"name": video.name}, content=file).json()["id"]
    ready = 0.0
    with client.stream("GET", f"/api/videos/{id_}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                status = json.loads(line.removeprefix("data: "))
                if status["state"] == "failed":
                    sys.exit(f"{status['error']['cause']}; {status['error']['remedy']}")
                if status["ready"] and not ready:
                    client.get(f"/api/videos/{id_}/timeline").raise_for_status()
                    ready = time.perf_counter() - began
    return id_, ready, time.perf_counter() - began


def drawn(url: str, video: Path) -> float | None:
    """Seconds from choosing the file to the curve on the page; None without a browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    path = os.environ.get("IPTNET_CHROMIUM") or shutil.which("chromium")
    if path is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#limits:not(:empty)")
        began = time.perf_counter()
        page.set_input_files("#file", video)
        page.wait_for_selector("#track path.line.rest", state="attached", timeout=600_000)
        seconds = time.perf_counter() - began
        browser.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    video = asked.video or Path(__file__).resolve().parents[2] / USUAL
    if not video.is_file():
        sys.exit(f"no video at {video}: name one")
    waits: dict[str, list[float]] = {
        "upload to result, s": [],
        "upload to drawn curve in a browser, s": [],
        "upload to the last picture, s": [],
        "first question, ms": [],
        "second question, ms": [],
        "another length, ms": [],
    }
    work: dict[str, list[float]] = {name: [] for name in waits}

    def note(name: str, wall: float, cpu: float | None = None) -> None:
        waits[name].append(wall)
        if cpu is not None:
            work[name].append(cpu)

    for _ in range(asked.runs):
        with (
            tempfile.TemporaryDirectory() as folder,
            served(Path(folder)) as (url, pid),
            httpx.Client(base_url=url, timeout=600) as client,
        ):
            id_, ready, done = upload(client, video)
            note("upload to result, s", ready)
            note("upload to the last picture, s", done)
            get = partial(_get, client, f"/api/videos/{id_}")
            note("first question, ms", *timed(partial(get, "moments", query="the first one"), pid))
            for n in range(asked.repeats):
                query = QUERIES[n % len(QUERIES)] + " again" * (n // len(QUERIES))
                note("second question, ms", *timed(partial(get, "moments", query=query), pid))
                ratio = RATIOS[n % len(RATIOS)] + n / 1000
                note("another length, ms", *timed(partial(get, "selection", ratio=ratio), pid))
        with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (url, _):
            if (seconds := drawn(url, video)) is not None:
                note("upload to drawn curve in a browser, s", seconds)
    print(f"{video.name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")
    print(f"{'':38} {'median':>8} {'least':>8} {'most':>8} {'cpu':>8} {'n':>4}")
    for name, values in waits.items():
        if not values:
            print(f"{name:38} no browser here")
            continue
        cells = [statistics.median(values), min(values), max(values)]
        cpu = f"{statistics.mean(work[name]):8.1f}" if work[name] else f"{'':8}"
        print(f"{name:38}" + "".join(f" {c:8.1f}" for c in cells) + f" {cpu} {len(values):4}")


def _get(client: httpx.Client, at: str, what: str, **asked: object) -> None:
    client.get(f"{at}/{what}", params={k: str(v) for k, v in asked.items()}).raise_for_status()


if __name__ == "__main__":
    main()
