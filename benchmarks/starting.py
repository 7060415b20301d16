"""What a command costs before it does anything: processor seconds of whole processes, medians.

    python -m benchmarks.starting [--repeats 5] [--minutes 5 60 600]

A second query is `iptnet find` on a video whose features are in the cache: Python, the command
line, the digest of the file (that of a large one is remembered), the features, the localizer, the
sentence. The videos are a picture and then zeros, as large as the made film of
`benchmarks.pipeline` would be at that length (18 MB a minute), their features scenes of eight
seconds: neither is looked at beyond its head and its digest, so any will do. "In torch" is the same
with the localizer's other engine. Rows run one after the other, and all again; the first round,
which compiles and reads the files, does not count.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.machine import describe
from iptnet.features.cache import FeatureCache, Features, content_sha256
from iptnet.features.cues import NAMES
from iptnet.features.digests import SETTLED
from iptnet.features.extract import METADATA
from iptnet.features.lite import LiteEncoder
from iptnet.timeline import Source
from iptnet.video.ffmpeg import executable

BYTES_A_MINUTE = 18_000_000
SENTENCE = "a man plays the guitar on a stage"
TORCH = (
    "import sys; from iptnet.model import localizer; plain = localizer.load_localizer; "
    "localizer.load_localizer = lambda path: plain(path, 'torch'); "
    "from iptnet.cli import main; main(sys.argv[1:])"
)


def cached(folder: Path, minutes: float) -> Path:
    """A file that the cache has features for."""
    path, size = folder / f"{minutes:g}.mp4", int(BYTES_A_MINUTE * minutes)
    picture = ["-f", "lavfi", "-i", "color=black:size=64x64", "-frames:v", "1", str(path)]
    subprocess.run([executable(), "-loglevel", "error", *picture], check=True)
    with path.open("ab") as file:  # then a box that holds nothing
        file.write(struct.pack(">I4sQ", 1, b"free", size - path.stat().st_size))
        file.truncate(size)
    draw, seconds = np.random.default_rng(0), 60 * minutes
    times = np.arange(0, seconds, 0.5)
    scenes = draw.standard_normal((int(seconds / 8) + 1, 256))
    rows = scenes[(times / 8).astype(int)] + 0.3 * draw.standard_normal((len(times), 256))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    digest = content_sha256(path)
    source = Source("", "", digest, seconds, 30.0, 1280, 720)
    metadata = {
        "version": METADATA, "source": asdict(source), "n_frames": int(30 * seconds),
        "indices": (15 * np.arange(len(times))).tolist(), "cuts": [None] * len(times),
        "contrast": [50.0] * len(times), "warnings": [],
        "cues": dict(zip(NAMES, draw.random((len(NAMES), len(times))).tolist(), strict=True)),
    }  # fmt: skip
    recipe = LiteEncoder().recipe
    FeatureCache().put(digest, Features(times, rows.astype(np.float32), recipe, metadata))
    return path


def spent(command: list[str]) -> float:
    """Processor seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--minutes", type=float, nargs="+", default=[5.0, 60.0, 600.0])
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["IPTNET_CACHE"] = str(folder / "cache")
        # As installed: compiled once, wherever this runs from.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
        rows = {
            "python -c pass": ["-c", "pass"],
            "import iptnet": ["-c", "import iptnet"],
            "import numpy": ["-c", "import numpy"],
            "import torch": ["-c", "import torch"],
            "iptnet --help": ["-m", "iptnet", "--help"],
        }
        for minutes in asked.minutes:
            path = cached(folder, minutes)
            size = path.stat().st_size / 1e6
            query = ["find", str(path), SENTENCE]
            rows[f"second query, {minutes:g} min, {size:.0f} MB"] = ["-m", "iptnet", *query]
            rows[f"the same in torch, {minutes:g} min"] = ["-c", TORCH, *query]
        runs: dict[str, list[float]] = {row: [] for row in rows}
        time.sleep(SETTLED)
        for repeat in range(asked.repeats + 1):
            for row, command in rows.items():
                seconds = spent(command)
                if repeat:
                    runs[row].append(seconds)
    for row, found in runs.items():
        least, most = min(found), max(found)
        print(f"{row:38s} {statistics.median(found):6.2f} s  ({least:.2f} to {most:.2f})")
    print(f"load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else "")


if __name__ == "__main__":
    main()
