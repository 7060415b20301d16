"""Two hundred files, good and bad, through ``iptnet batch`` and through the server.

    python -m benchmarks.soak [--files 200] [--way batch|server] [--seed 0]

Files are made on the spot: small videos of several codecs, then truncated, headless, empty and
random ones, text, playlists and sound under the name of a video, FIFOs, folders, and names with
newlines, quotes and bytes that are no text. What must become of each is known before. Memory (RSS)
and open descriptors of the whole process tree are read twice a second; the second half is compared
with the first, its beginning left out (the model loads). Ends with 1 when a file is unaccounted
for.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx

from benchmarks.serving import served
from iptnet.video.ffmpeg import executable

CODECS = {
    "h264.mp4": ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"],
    "mpeg4.avi": ["-c:v", "mpeg4"],
    "vp8.webm": ["-c:v", "libvpx", "-deadline", "realtime"],
    "hevc.mkv": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"],
    "mpeg2.ts": ["-c:v", "mpeg2video"],
    "mjpeg.mov": ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"],
}
NAMES = ("new\nline {}.mp4", "ü \"'<b>影 {}.mp4", "-y %03d concat:{}.mp4", "no\udcfftext {}.mp4")
BAD = ("headless", "empty", "text", "random", "playlist", "ffconcat", "sound")
APART = ("fifo", "folder", "notes", "hidden")
"""What a folder's reader leaves alone; it cannot be sent to a server either."""
WARM = 0.15
"""Share of a run that is left out at its beginning."""


@dataclass(frozen=True)
class Sample:
    """A file and what must become of it: ``done``, ``failed``, ``either``, ``skipped``."""

    key: str
    path: Path
    expected: str


def make_files(root: Path, count: int, seed: int = 0) -> list[Sample]:
    """Make the files; a good one differs from every other in its last bytes."""
    root.mkdir(parents=True)
    draw, good = random.Random(seed), _videos(root.parent / "made")
    kinds = (*good, *NAMES, "cut short", "cut shorter", *BAD, *APART)
    samples = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        folder = root / f"round {number // len(kinds)}"
        folder.mkdir(exist_ok=True)
        samples.append(_sample(root, folder, kind, number, draw, good=good))
    return samples


def _videos(folder: Path) -> dict[str, bytes]:
    folder.mkdir(parents=True)
    common = ["-nostdin", "-loglevel", "error", "-y", "-f", "lavfi"]
    picture = "testsrc2=size=160x96:rate=12:duration=3"
    made = {}
    for name, codec in CODECS.items():
        path = folder / name
        subprocess.run([executable(), *common, "-i", picture, *codec, str(path)], check=True)
        made[name] = path.read_bytes()
    path = folder / "sound.mp4"
    subprocess.run([executable(), *common, "-i", "sine=duration=2", str(path)], check=True)
    return made


def _sample(
    root: Path, folder: Path, kind: str, number: int, draw: random.Random, *, good: dict[str, bytes]
) -> Sample:
    tail, first = draw.randbytes(8), good["h264.mp4"]
    path = folder / f"{kind} {number}.mp4"
    expected = "failed"
    if kind in good or kind in NAMES:
        path = folder / (kind.format(number) if kind in NAMES else f"{number}.{kind}")
        path.write_bytes(good.get(kind, first) + tail)
        expected = "done"
    elif kind.startswith("cut short"):
        whole = good["mpeg2.ts" if kind == "cut short" else "vp8.webm"]
        path.write_bytes(whole[: len(whole) * 2 // 3])
        expected = "either"
    elif kind in APART:
        expected = "skipped"
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
            (path / "inside.txt").write_bytes(tail)
            path = path / "inside.txt"
        else:
            path = path.with_name(f".{path.name}" if kind == "hidden" else f"{number}.txt")
            path.write_bytes(first)
    else:
        playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n/etc/passwd\n#EXT-X-ENDLIST\n"
        path.write_bytes(
            {
                "headless": first[2000:] + tail,
                "empty": b"",
                "text": b"this is no video\n" * 200 + tail.hex().encode(),
                "random": draw.randbytes(20_000),
                "playlist": playlist + tail.hex().encode(),
                "ffconcat": b"ffconcat version 1.0\nfile /etc/passwd\n",
                "sound": (root.parent / "made" / "sound.mp4").read_bytes() + tail,
            }[kind]
        )
    return Sample(path.relative_to(root).as_posix(), path, expected)


@dataclass
class Watch:
    """RSS in MiB and descriptors of a process and all below it, twice a second."""

    pid: int
    rows: list[tuple[float, int, int]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[Watch]:
        """Watch until the block ends."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.5):
                self.rows.append(_use(self.pid))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield self
        finally:
            over.set()
            thread.join()

    def halves(self) -> dict[str, dict[str, float]]:
        """Median and maximum of each half, the beginning left out."""
        rows = self.rows[int(len(self.rows) * WARM) :]
        middle = len(rows) // 2
        told = {}
        for name, column in (("rss_mib", 0), ("descriptors", 1), ("processes", 2)):
            halves = [[r[column] for r in part] or [0] for part in (rows[:middle], rows[middle:])]
            told[name] = {
                "first_median": round(statistics.median(halves[0]), 1),
                "second_median": round(statistics.median(halves[1]), 1),
                "first_max": round(max(halves[0]), 1),
                "second_max": round(max(halves[1]), 1),
            }
        return told


def _use(pid: int) -> tuple[float, int, int]:
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    tree, fresh = {pid}, {pid}
    while fresh:
        fresh = {p for p, above in parents.items() if above in fresh} - tree
        tree |= fresh
    pages = handles = 0
    for one in tree:
        with contextlib.suppress(OSError, IndexError):
            pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
            handles += len(os.listdir(f"/proc/{one}/fd"))  # noqa: PTH208 - as it says
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, handles, len(tree)


def through_batch(root: Path, out: Path) -> tuple[dict[str, str], Watch]:
    """What ``iptnet batch`` makes of a folder: the state of each file, and what it used."""
    command = [sys.executable, "-m", "iptnet", "batch", str(root), "--out", str(out), "--no-cache"]
    with (out.parent / "batch.log").open("w") as log:
        process = subprocess.Popen([*command, "--workers", "1"], stdout=log, stderr=log)
        with Watch(process.pid).running() as watch:
            code = process.wait()
    if code != 3:
        sys.exit(f"iptnet batch ended with {code}; see {out.parent / 'batch.log'}")
    rows = [json.loads(line) for line in (out / "batch.jsonl").read_text().splitlines()]
    return {row["key"]: row["state"] for row in rows}, watch


def through_server(samples: list[Sample], folder: Path) -> tuple[dict[str, str], Watch]:
    """What the server makes of the files that can be sent; each is deleted when it is settled."""
    states = {}
    with (
        served(folder) as (url, pid),
        httpx.Client(base_url=url, timeout=120) as client,
        Watch(pid).running() as watch,
    ):
        for sample in samples:
            if sample.expected == "skipped":
                continue
            answer = client.post(
                "/api/videos",
                params={"name": os.fsencode(sample.path.name).decode("utf-8", "replace")},
                content=sample.path.read_bytes(),
            )
            if answer.status_code != 201:
                refused = answer.json()["error"]["code"]
                states[sample.key] = "failed" if refused == "input" else f"refused: {refused}"
                continue
            at = f"/api/videos/{answer.json()['id']}"
            state = "queued"
            while state in {"uploading", "queued", "running"}:
                time.sleep(0.1)
                state = client.get(at).json()["state"]
            states[sample.key] = state
            client.delete(at)
        left = [p for p in (folder / "data" / "videos").rglob("*") if p.is_file()]
    if left:
        sys.exit(f"the server kept {left[0]}")
    return states, watch


def unaccounted(samples: list[Sample], states: dict[str, str]) -> list[str]:
    """Files of which something else became than must, or nothing."""
    wrong = []
    for sample in samples:
        state = states.get(sample.key, "nothing")
        if state != sample.expected and not (
            sample.expected == "either" and state in {"done", "failed"}
        ):
            wrong.append(f"{sample.key!r}: {state}, not {sample.expected}")
    return wrong + [f"{key!r}: nobody made it" for key in states.keys() - {s.key for s in samples}]


def soak(way: str, folder: Path, count: int, seed: int) -> list[str]:
    """Run one way, print what was measured, return what is unaccounted for."""
    samples = make_files(folder / "files", count, seed)
    began = time.monotonic()
    if way == "batch":
        states, watch = through_batch(folder / "files", folder / "out")
    else:
        samples = [s for s in samples if s.expected != "skipped"]
        states, watch = through_server(samples, folder / "served")
    wrong = unaccounted(samples, states)
    told = {
        "way": way,
        "files": len(samples),
        "seconds": round(time.monotonic() - began, 1),
        "states": dict(Counter(states.values())),
        "unaccounted": len(wrong),
        **watch.halves(),
    }
    print(json.dumps(told, indent=1))
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--way", choices=["batch", "server"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    wrong: list[str] = []
    for way in [arguments.way] if arguments.way else ["batch", "server"]:
        with tempfile.TemporaryDirectory() as folder:
            wrong += soak(way, Path(folder), arguments.files, arguments.seed)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
