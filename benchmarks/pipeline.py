"""From a file to its summary: processor time of ours, of decoding alone, and of a user's own way.

    python -m benchmarks.pipeline [--video FILE] [--seconds 300] [--repeats 3] [--cut]

Without ``--video``, the file is made here: 1280×720 H.264 at 30 frames a second, scenes of a few
seconds out of ffmpeg's generators, noise on top so that there is something to decode. Each row is a
process of its own, children included (``resource.RUSAGE_CHILDREN``): processor seconds, wall
seconds and the largest memory of any one process, medians. The floor is the bundled ffmpeg decoding
to nothing on one thread.

A user's own way, where OpenCV (``pip install opencv-python-headless``) is there: every frame read
and every fifteenth put through a GoogLeNet-sized network alone, in torch. The weights are random;
the time is not.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import describe
from iptnet.video.ffmpeg import executable

SOURCES = ("testsrc2", "smptehdbars", "rgbtestsrc")


def make(path: Path, seconds: int) -> None:
    """A video with a hard cut every four seconds, sound included."""
    inputs: list[str] = []
    for name in SOURCES:
        inputs += ["-f", "lavfi", "-t", "4", "-i", f"{name}=size=1280x720:rate=30"]
    marks = "".join(f"[{i}:v]format=yuv420p,setsar=1[v{i}];" for i in range(len(SOURCES)))
    joined = "".join(f"[v{i}]" for i in range(len(SOURCES)))
    graph = f"{marks}{joined}concat=n={len(SOURCES)},noise=alls=12:allf=t[v]"
    piece = path.with_name("piece.mp4")
    general = [executable(), "-nostdin", "-loglevel", "error", "-y"]
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "26"]
    first = [*general, *inputs, "-filter_complex", graph, "-map", "[v]", *encode, str(piece)]
    subprocess.run(first, check=True)
    # The rest repeats it: what is decoded does not care.
    again = ["-stream_loop", "-1", "-i", str(piece), "-f", "lavfi", "-i", "sine=440"]
    out = ["-map", "0:v", "-map", "1:a", "-t", str(seconds), "-c:v", "copy", "-c:a", "aac"]
    subprocess.run([*general, *again, *out, str(path)], check=True)


def spent(command: list[str]) -> tuple[float, float, float]:
    """Processor seconds, wall seconds and MB of a command with its children."""
    script = (
        "import resource, subprocess, sys, time\n"
        "t = time.perf_counter()\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "u = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(u.ru_utime + u.ru_stime, time.perf_counter() - t, u.ru_maxrss / 1024)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, *command], check=True, capture_output=True, text=True
    )
    cpu, wall, memory = map(float, told.stdout.split())
    return cpu, wall, memory


def own_way(path: Path) -> None:
    """What a user would write: every frame with OpenCV, every fifteenth through the network."""
    import cv2
    import torch

    from iptnet.features.googlenet import GoogLeNet
    from tests.features.test_googlenet import Anything

    network = GoogLeNet(Anything())
    video, count = cv2.VideoCapture(str(path)), 0
    with torch.inference_mode():
        while True:
            good, frame = video.read()
            if not good:
                break
            if count % 15 == 0:
                small = cv2.cvtColor(cv2.resize(frame, (224, 224)), cv2.COLOR_BGR2RGB)
                network.pool5(torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255)
            count += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cut", action="store_true", help="also measure with the cut")
    parser.add_argument("--own-way", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.own_way:
        own_way(asked.own_way)
        return
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        path = asked.video or Path(folder) / "made.mp4"
        if asked.video is None:
            make(path, asked.seconds)
        ours = [sys.executable, "-m", "iptnet", "summarize", str(path), "--out", folder]
        ours += ["--no-cache"]
        floor = ["-nostdin", "-loglevel", "error", "-threads", "1", "-i", str(path)]
        rows = {
            "ffmpeg decodes, one thread": [executable(), *floor, "-map", "0:v", "-f", "null", "-"],
            "iptnet summarize --no-video": [*ours, "--no-video"],
            "… --preview": [*ours, "--no-video", "--preview"],
        }
        if asked.cut:
            rows["iptnet summarize"] = ours
        if importlib.util.find_spec("cv2"):
            rows["OpenCV, torch one by one"] = [
                sys.executable, "-m", "benchmarks.pipeline", "--own-way", str(path),
            ]  # fmt: skip
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
        print(f"{'':30s} {'CPU s':>7s} {'wall s':>7s} {'MB':>6s}  × the floor")
        base = 0.0
        for name, command in rows.items():
            runs = [spent(command) for _ in range(asked.repeats)]
            cpu, wall, memory = (statistics.median(column) for column in zip(*runs, strict=True))
            base = base or cpu
            print(f"{name:30s} {cpu:7.1f} {wall:7.1f} {memory:6.0f}  {cpu / base:.2f}", flush=True)


if __name__ == "__main__":
    main()
