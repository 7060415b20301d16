"""Do the fast ways change a result? Keyshots of real videos, plainly and as shipped.

    python -m benchmarks.same_keyshots FILE_OR_FOLDER… [--ratios .05 .15 .3]

Plainly: every picture decoded, torch in single precision. As shipped: pictures that nothing needs
left out, onnxruntime. Prints, of each video, the least cosine between the two's vectors, how many
keyshots are the same to the millisecond, and by how much the borders of the others differ.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import iptnet
from iptnet.api import Model
from iptnet.errors import IptnetError
from iptnet.features.lite import LiteEncoder
from iptnet.video import frames

SUFFIXES = {".mp4", ".mkv", ".webm", ".mov"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.05, 0.15, 0.3])
    asked = parser.parse_args()
    videos = [
        file
        for path in asked.videos
        for file in (sorted(path.iterdir()) if path.is_dir() else [path])
        if file.suffix in SUFFIXES
    ]
    fast, plain = iptnet.load(cache=False), Model(LiteEncoder(engine="torch"))
    sample = frames.sample_frames
    print(f"{'':38s} cosine     shots moved  keyshots same  moved  most, s  other")
    for video in videos:
        try:
            new = fast.encode(video)
            frames.sample_frames = partial(sample, whole=True)
            old = plain.encode(video)
        except IptnetError as error:
            print(f"{video.name:38s} {error}")
            continue
        finally:
            frames.sample_frames = sample
        cosine = float((new.features.vectors * old.features.vectors).sum(axis=1).min())
        borders = abs(new.bounds - old.bounds) if new.bounds.shape == old.bounds.shape else None
        shots = "another number" if borders is None else f"{(borders[1:, 0] > 1e-3).sum()}"
        same = moved = other = 0
        most = 0.0
        for ratio in asked.ratios:
            a, b = (e.summarize(ratio).keyshots for e in (new, old))
            for one in a:
                gaps = [max(abs(one.start - k.start), abs(one.end - k.end)) for k in b]
                gap = min(gaps, default=9.0)
                same, moved = same + (gap <= 1e-3), moved + (1e-3 < gap <= 0.5)
                other += gap > 0.5
                most = max(most, gap if gap <= 0.5 else 0.0)
        print(
            f"{video.name:38s} {cosine:.7f}  {shots:>4s} of {len(new.bounds) - 1:<4d} "
            f"{same:13d}  {moved:5d}  {most:7.3f}  {other:5d}",
            flush=True,
        )


if __name__ == "__main__":
    main()
