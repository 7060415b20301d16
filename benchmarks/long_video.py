"""Hours of features through everything that ``iptnet summarize`` does after decoding.

    python -m benchmarks.long_video [--hours 1 10] [--repeats 3]

Features are synthetic, 256 wide, two a second: scenes of about eight seconds, a third of them
visited again. Shots, importance by the summarizer that ships, keyshots without repeats; processor
seconds on one thread, medians. The memory is that of the whole process, at its highest, the
features and the libraries included; each length runs in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

import iptnet
from benchmarks.machine import describe
from iptnet.encoded import Encoded
from iptnet.features.cache import Features
from iptnet.features.cues import NAMES
from iptnet.features.extract import METADATA
from iptnet.timeline import Source

FPS = 30.0


def features(steps: int) -> np.ndarray:
    """(steps, 256) unit rows, float32."""
    draw = np.random.default_rng(0)
    lengths = 1 + draw.geometric(1 / 16, size=steps // 8 + 2)
    scenes = draw.standard_normal((max(1, steps // 48), 256)).astype(np.float32)
    rows = np.repeat(scenes[draw.integers(0, len(scenes), len(lengths))], lengths, axis=0)[:steps]
    rows += 0.4 * draw.standard_normal(rows.shape, dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def measure(hours: float, repeats: int) -> None:
    """Print one row of the table."""
    steps = int(hours * 7200)
    seconds = steps / 2
    times = np.arange(steps) / 2
    model = iptnet.load(cache=False)
    metadata = {
        "version": METADATA,
        "n_frames": int(seconds * FPS),
        "indices": (times * FPS).astype(int).tolist(),
        "cuts": [None] * steps,
        "contrast": [30.0] * steps,
        "cues": {name: np.linspace(0, 1, steps).tolist() for name in NAMES},
        "warnings": [],
    }
    given = Features(times, features(steps), model.encoder.recipe, metadata)
    source = Source("long.mp4", "long.mp4", "0" * 64, seconds, FPS, 1280, 720)
    _ = model.summarizer
    spent = []
    for _ in range(repeats):
        video = Encoded(model, Path("long.mp4"), source, given)
        marks = [time.process_time()]
        for stage in (lambda v: v.bounds, lambda v: v.importance, lambda v: v.summarize()):
            result = stage(video)
            marks.append(time.process_time())
        spent.append(np.diff(marks))
    shots, importance, keyshots = (statistics.median(column) for column in zip(*spent, strict=True))
    total = statistics.median(float(row.sum()) for row in spent)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{hours:5g}  {steps:6d}  {len(result.shots):5d}  {shots:6.2f}  {importance:10.2f}  "
        f"{keyshots:8.2f}  {total:6.2f}  {peak:6.0f} MB  {len(result.keyshots):5d} keyshots, "
        f"{result.summary_duration:.1f} of {0.15 * seconds:.1f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inner:
        measure(asked.hours[0], asked.repeats)
        return
    print(describe())
    print("hours   steps  shots   shots s  importance s  keyshots s  total s    memory", flush=True)
    for hours in asked.hours:
        again = ["--inner", "--hours", str(hours), "--repeats", str(asked.repeats)]
        subprocess.run([sys.executable, "-m", "benchmarks.long_video", *again], check=True)


if __name__ == "__main__":
    main()
