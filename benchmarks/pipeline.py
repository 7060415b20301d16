"""From a file to its summary: processor time of ours, of decoding alone, and of a user's own way.

    python -m benchmarks.pipeline [--video FILE] [--seconds 300] [--repeats 3] [--quick] [--long]

Without ``--video``, the file is made here: 1280×720 H.264 at 30 frames a second as x264 makes it by
default, with sound: four of ffmpeg's moving generators in turn, a hard cut every four seconds, a
little noise on top so that there is something to decode. Rows run one after the other, and all
again, so that a noisy hour hits each alike; medians. Processor seconds are those of a command and
all its children. Memory is the most that all processes of a command hold together (proportional
set size, looked at twice a second). ``--long`` adds a row with a file ten times as long.

The floor is the bundled ffmpeg decoding the pictures to nothing, on one thread.

A user's own way, where OpenCV (``pip install opencv-python-headless``) is there: every frame read,
every fifteenth put alone through GoogLeNet in torch, shots by the usual kernel segmentation, the
chosen tenth of them cut by ffmpeg's select filter. The weights are random; the time is not.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe
from iptnet.video.ffmpeg import executable

SCENES = ("testsrc2", "mandelbrot=maxiter=200", "gradients=n=6:speed=0.03", "testsrc")
STEP = 0.5


def make(path: Path, seconds: int) -> None:
    """A video with a hard cut every four seconds, sound included."""
    inputs: list[str] = []
    for scene in SCENES:
        glue = ":" if "=" in scene else "="
        inputs += ["-f", "lavfi", "-t", "4", "-i", f"{scene}{glue}size=1280x720:rate=30"]
    marks = "".join(f"[{i}:v]format=yuv420p,setsar=1[v{i}];" for i in range(len(SCENES)))
    joined = "".join(f"[v{i}]" for i in range(len(SCENES)))
    graph = f"{marks}{joined}concat=n={len(SCENES)},noise=alls=5:allf=t[v]"
    piece = path.with_name("piece.mp4")
    general = [executable(), "-nostdin", "-loglevel", "error", "-y"]
    first = [*general, *inputs, "-filter_complex", graph, "-map", "[v]", "-c:v", "libx264"]
    subprocess.run([*first, str(piece)], check=True)
    # The rest repeats it: what is decoded does not care.
    again = ["-stream_loop", "-1", "-i", str(piece), "-f", "lavfi", "-i", "sine=440"]
    out = ["-map", "0:v", "-map", "1:a", "-t", str(seconds), "-c:v", "copy", "-c:a", "aac"]
    subprocess.run([*general, *again, *out, str(path)], check=True)


def spent(command: list[str]) -> tuple[float, float, float]:
    """Processor seconds, wall seconds and MB of a command with its children."""
    before, began, most = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told)
        while process.poll() is None:
            most = max(most, memory(process.pid))
            time.sleep(STEP)
        if process.returncode:
            told.seek(0)
            raise SystemExit(f"{command} failed: {told.read().decode(errors='replace')[-500:]}")
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall, most


def memory(root: int) -> float:
    """MB that a process and all its descendants hold; 0 where the system does not tell."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
    family, total = {root}, 0.0
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    for pid in family:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
        total += int(found[1]) / 1024 if found else 0.0
    return total


def own_way(path: Path, out: Path) -> None:
    """What a user would write."""
    import cv2
    import numpy as np
    import torch

    from benchmarks.kts import usual
    from iptnet.features.googlenet import GoogLeNet
    from tests.features.test_googlenet import Anything

    network = GoogLeNet(Anything())
    video, count, rows = cv2.VideoCapture(str(path)), 0, []
    with torch.inference_mode():
        while True:
            good, frame = video.read()
            if not good:
                break
            if count % 15 == 0:
                small = cv2.cvtColor(cv2.resize(frame, (224, 224)), cv2.COLOR_BGR2RGB)
                pixels = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
                rows.append(network.pool5(pixels)[0].numpy())
            count += 1
    features = np.stack(rows).astype(np.float64)
    features += np.random.default_rng(0).standard_normal(features.shape)
    usual(features)
    # Fifteen per cent, in ten pieces evenly spread.
    seconds = count / 30
    spans = [(k * seconds / 10, (k + 0.15) * seconds / 10) for k in range(10)]
    kept = "+".join(f"between(t,{a:.3f},{b:.3f})" for a, b in spans)
    command = [executable(), "-nostdin", "-loglevel", "error", "-y", "-i", str(path)]
    command += ["-vf", f"select='{kept}',setpts=N/FRAME_RATE/TB"]
    command += ["-af", f"aselect='{kept}',asetpts=N/SR/TB", str(out)]
    subprocess.run(command, check=True)


def rows_of(path: Path, folder: Path) -> dict[str, list[str]]:
    """What to run, by name; the floor first."""
    ours = [sys.executable, "-m", "iptnet", "summarize", str(path), "--out", str(folder)]
    ours += ["--no-cache"]
    floor = [executable(), "-nostdin", "-loglevel", "error", "-threads", "1", "-i", str(path)]
    rows = {
        "ffmpeg decodes, one thread": [*floor, "-map", "0:v", "-f", "null", "-"],
        "iptnet summarize --no-video": [*ours, "--no-video"],
        "… --preview": [*ours, "--no-video", "--preview"],
        "iptnet summarize": ours,
    }
    if importlib.util.find_spec("cv2"):
        own = [sys.executable, "-m", "benchmarks.pipeline", "--own-way"]
        rows["OpenCV, torch, select filter"] = [*own, str(path), str(folder / "own.mp4")]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one minute of video, once")
    parser.add_argument("--long", action="store_true", help="also a file ten times as long")
    parser.add_argument("--own-way", type=Path, nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    if asked.own_way:
        own_way(*asked.own_way)
        return
    seconds, repeats = (60, 1) if asked.quick else (asked.seconds, asked.repeats)
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = asked.video or folder / "made.mp4"
        if asked.video is None:
            make(path, seconds)
        rows = rows_of(path, folder)
        runs: dict[str, list[tuple[float, float, float]]] = {row: [] for row in rows}
        for repeat in range(repeats):
            for row, command in rows.items():
                if repeat == 0 or not row.startswith("OpenCV"):  # minutes each: once
                    runs[row].append(spent(command))
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, medians of {repeats}")
        print(f"{'':32s} {'CPU s':>7s} {'wall s':>7s} {'MB':>6s}  × the floor")
        base = 0.0
        for row, all_runs in runs.items():
            cpu, wall, size = (statistics.median(column) for column in zip(*all_runs, strict=True))
            base = base or cpu
            print(f"{row:32s} {cpu:7.1f} {wall:7.1f} {size:6.0f}  {cpu / base:.2f}", flush=True)
        if asked.long and asked.video is None:
            make(path, 10 * seconds)
            cpu, wall, size = spent(rows["iptnet summarize"])
            print(f"{'iptnet summarize, ten times':32s} {cpu:7.1f} {wall:7.1f} {size:6.0f}")
        print(f"load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else "")


if __name__ == "__main__":
    main()
