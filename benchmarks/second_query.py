"""How long the second query on an encoded video takes: model time on one core, in milliseconds.

python -m benchmarks.second_query [--checkpoint C] [--minutes 2 10 60] [--engine torch]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from iptnet.model.localizer import load_localizer

QUERIES = (
    "a man plays the guitar on a stage",
    "two people are cooking in a kitchen",
    "a dog runs along the beach",
    "a woman talks about make up",
    "cars race on a track",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[2.0, 4.0, 10.0, 60.0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--engine", choices=("auto", "torch"), default="auto")
    asked = parser.parse_args()
    localizer = load_localizer(asked.checkpoint, asked.engine)
    draw = np.random.default_rng(0)
    print("video      encode   first query   second query (median, CPU ms / wall ms)")
    for minutes in asked.minutes:
        seconds = 60 * minutes
        times = np.arange(0, seconds, 0.5)
        # Shots of eight seconds with some noise: features as a real video has them.
        shots = draw.standard_normal((int(seconds / 8) + 1, 256))
        rows = shots[(times / 8).astype(int)] + 0.3 * draw.standard_normal((len(times), 256))
        rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        bounds = np.stack([np.arange(len(shots)) * 8, np.arange(1, len(shots) + 1) * 8], axis=1)
        started = time.process_time()
        index = localizer.encode(rows, times, localizer.recipes[0], seconds, bounds)
        encoded = time.process_time() - started
        started = time.process_time()
        index.find(QUERIES[:1])
        first = time.process_time() - started
        cpu, wall = [], []
        for _ in range(asked.repeats):
            for query in QUERIES[1:]:
                began, walled = time.process_time(), time.perf_counter()
                index.find([query])
                cpu.append(time.process_time() - began)
                wall.append(time.perf_counter() - walled)
        print(
            f"{minutes:5.0f} min  {1e3 * encoded:6.1f}   {1e3 * first:9.1f}   "
            f"{1e3 * statistics.median(cpu):8.1f} / {1e3 * statistics.median(wall):.1f}"
        )


if __name__ == "__main__":
    main()
