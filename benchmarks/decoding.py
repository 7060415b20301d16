"""What leaving out pictures saves the decoder: the sampling child, whole and as shipped.

    python -m benchmarks.decoding [FILE…] [--repeats 3]

Processor seconds of the child alone, which decodes on one thread, compares pictures and scales two
a second to 224×224; the same file both ways in turn, medians. Without files, five minutes made as
``benchmarks.pipeline`` makes them.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.pipeline import make
from iptnet.features.extract import BATCH, RATE
from iptnet.video.frames import sample_frames


def sampled(path: Path, whole: bool) -> tuple[float, int, int]:
    """Processor seconds of the child, samples, and pictures in the file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with sample_frames(path, RATE, (224, 224), batch=BATCH, whole=whole) as stream:
        samples = sum(len(batch.times) for batch in stream)
        pictures = int(stream.n_frames)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, samples, pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path, nargs="*")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        videos = asked.videos
        if not videos:
            videos = [Path(name) / "made.mp4"]
            make(videos[0], 300)
        print(f"{'':38s} pictures  samples   whole   shipped   shipped / whole")
        for video in videos:
            runs = [
                [sampled(video, whole) for whole in (True, False)] for _ in range(asked.repeats)
            ]
            whole, shipped = (statistics.median(run[k][0] for run in runs) for k in (0, 1))
            _, samples, pictures = runs[0][0]
            print(
                f"{video.name:38s} {pictures:8d}  {samples:7d}  {whole:6.1f}  {shipped:8.1f}"
                f"   {shipped / whole:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
