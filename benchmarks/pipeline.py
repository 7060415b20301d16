"""From a file to its summary: processor time of ours, of decoding alone, and of a user's own way.

    python -m benchmarks.pipeline [--video FILE] [--seconds 300] [--repeats 3] [--quick] [--long]
        [--only-long] [--film FOLDER]

Without ``--video``, the file is made here: 1280×720 H.264 at 30 frames a second as x264 makes it by
default, with sound: four of ffmpeg's moving generators in turn, a hard cut every four seconds, a
little noise on top so that there is something to decode. ``--film`` puts the first forty seconds of
each video of a folder in a row instead, in the same format. Rows run one after the other, and all
again, so that a noisy hour hits each alike; medians. Processor seconds are those of a command and
all its children. Memory is the most that all processes of a command hold together (proportional
set size, looked at four times a second). ``--long`` adds a file ten times as long of the same
pictures; ``--only-long`` measures nothing but the two against each other.

The floor is the bundled ffmpeg decoding the pictures to nothing, on one thread.

Two rows of what a user would pick instead need ``pip install 'iptnet[bench]'``, and are named as
missing without it. PySceneDetect's content detector finds the shots, no more. A user's own way
reads every frame with OpenCV, puts every fifteenth alone through GoogLeNet in torch, finds shots by
the usual kernel segmentation and cuts fifteen per cent by ffmpeg's select filter. The weights are
random; the time is not.
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
STEP = 0.25
ONCE = "OpenCV, torch, select filter"
INSTALL = "pip install 'iptnet[bench]'"


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


def film(path: Path, videos: Path, seconds: int) -> None:
    """The beginnings of real videos, one after the other, coded as x264 does by default."""
    general = [executable(), "-nostdin", "-loglevel", "error", "-y"]
    parts = []
    for video in sorted(v for v in videos.iterdir() if v.suffix in {".mp4", ".mkv", ".webm"}):
        parts.append(path.with_name(f"part-{len(parts)}.mp4"))
        shape = "scale=1280:720:flags=bicubic,setsar=1,fps=30,format=yuv420p"
        first = [*general, "-i", str(video), "-an", "-t", "40", "-vf", shape]
        first += ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "8", str(parts[-1])]
        subprocess.run(first, check=True)
    listing = path.with_name("parts.txt")
    listing.write_text("".join(f"file {part.name}\n" for part in parts), encoding="utf-8")
    every = ["-f", "concat", "-i", str(listing), "-f", "lavfi", "-i", "sine=440"]
    out = ["-map", "0:v", "-map", "1:a", "-t", str(seconds), "-c:v", "libx264", "-c:a", "aac"]
    subprocess.run([*general, *every, *out, str(path)], check=True)
    for part in parts:
        part.unlink()


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


def scenes(path: Path) -> None:
    """Shots as PySceneDetect finds them, with its defaults."""
    from scenedetect import ContentDetector, detect

    detect(str(path), ContentDetector())


def rows_of(path: Path, folder: Path) -> dict[str, list[str] | None]:
    """What to run, by name; the floor first. None: what it needs is not installed."""
    ours = [sys.executable, "-m", "iptnet", "summarize", str(path), "--out", str(folder)]
    ours += ["--no-cache"]
    floor = [executable(), "-nostdin", "-loglevel", "error", "-threads", "1", "-i", str(path)]
    this = [sys.executable, "-m", "benchmarks.pipeline"]
    seen = importlib.util.find_spec("cv2") is not None
    found = seen and importlib.util.find_spec("scenedetect") is not None
    return {
        "ffmpeg decodes, one thread": [*floor, "-map", "0:v", "-f", "null", "-"],
        "iptnet summarize --no-video": [*ours, "--no-video"],
        "… --preview": [*ours, "--no-video", "--preview"],
        "iptnet summarize": ours,
        "PySceneDetect, shots alone": [*this, "--scenes", str(path)] if found else None,
        ONCE: [*this, "--own-way", str(path), str(folder / "own.mp4")] if seen else None,
    }


def measured(rows: dict[str, list[str] | None], repeats: int) -> None:
    """Run them in turn, several times, and print the table."""
    runs: dict[str, list[tuple[float, float, float]]] = {row: [] for row in rows}
    for repeat in range(repeats):
        for row, command in rows.items():
            if command and (repeat == 0 or row != ONCE):  # that takes minutes
                runs[row].append(spent(command))
    print(f"{'':32s} {'CPU s':>7s} {'wall s':>7s} {'MB':>6s}  × the floor")
    base = 0.0
    for row, every in runs.items():
        if not every:
            print(f"{row:32s} missing: {INSTALL}")
            continue
        cpu, wall, size = (statistics.median(column) for column in zip(*every, strict=True))
        base = base or cpu
        print(f"{row:32s} {cpu:7.1f} {wall:7.1f} {size:6.0f}  {cpu / base:.2f}", flush=True)


def lengths(folder: Path, seconds: int) -> None:
    """A file of some seconds and one ten times as long, cut and all."""
    print(f"{'':32s} {'CPU s':>7s} {'wall s':>7s} {'MB':>6s}  × the short one's")
    base = 0.0
    for name, length in (("iptnet summarize", seconds), ("… ten times as long", 10 * seconds)):
        path = folder / f"{length}.mp4"
        make(path, length)
        cpu, wall, size = spent(rows_of(path, folder)["iptnet summarize"] or [])
        base = base or size
        print(f"{name:32s} {cpu:7.1f} {wall:7.1f} {size:6.0f}  {size / base:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--film", type=Path, help="folder of videos to make the file of")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one minute of video, once")
    parser.add_argument("--long", action="store_true", help="also a file ten times as long")
    parser.add_argument("--only-long", action="store_true", help="nothing but that")
    parser.add_argument("--scenes", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--own-way", type=Path, nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    if asked.own_way:
        own_way(*asked.own_way)
        return
    if asked.scenes:
        scenes(asked.scenes)
        return
    seconds, repeats = (60, 1) if asked.quick else (asked.seconds, asked.repeats)
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not asked.only_long:
            path = asked.video or folder / "made.mp4"
            if asked.film:
                film(path, asked.film, seconds)
            elif asked.video is None:
                make(path, seconds)
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, medians of {repeats}")
            measured(rows_of(path, folder), repeats)
        if asked.long or asked.only_long:
            lengths(folder, seconds)
        print(f"load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else "")


if __name__ == "__main__":
    main()
