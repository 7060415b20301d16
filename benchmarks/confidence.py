"""Whether the localizer's confidence means something: reliability on clips nobody trained on.

python -m benchmarks.confidence --data DATA [--checkpoint C]

Every caption of the held-out clips' joined videos is asked of its own video and, as often, of
another one, which does not show it; then sentences of unknown words. An answer is right when its
IoU with the truth is at least 0.5; what is not there has no right answer.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from iptnet.evaluation.localization import JOININGS, sources_of
from iptnet.model.localizer import VideoIndex, load_localizer
from iptnet.protocol.moments import iou
from iptnet.training.moment_sources import held_out_examples

NONSENSE = ("blorpt xyzzy fnord", "qwrtz plmk vbnm", "🦄🦄🦄", "собака бежит по берегу")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    asked = parser.parse_args()
    localizer = load_localizer(asked.checkpoint)
    shown, absent = [], []
    for examples in held_out_examples(sources_of(localizer.checkpoint, asked.data), JOININGS):
        videos = list(dict.fromkeys(id(e.video) for e in examples))
        for example in examples:
            where = videos.index(id(example.video))
            other = next(
                e.video for e in examples if id(e.video) == videos[(where + 1) % len(videos)]
            )
            for video, cases in ((example.video, shown), (other, absent)):
                index = VideoIndex(localizer, video, video.edges[:-1])
                best = index.find([example.query], 1)[0][0]
                right = video is example.video and bool(
                    iou([[best.start, best.end]], example.windows).max() >= 0.5
                )
                cases.append((best.confidence or 0.0, right))
    cases = np.array(shown + absent, dtype=float)
    print(f"{len(shown)} sentences asked of their own video, {len(absent)} of another")
    print("confidence   answers   mean confidence   share right")
    error = 0.0
    for low in np.arange(0, 1, 0.1):
        inside = (cases[:, 0] >= low) & (cases[:, 0] < low + 0.1)
        if inside.any():
            mean, share = cases[inside].mean(axis=0)
            error += inside.mean() * abs(mean - share)
            print(
                f"{low:.1f} to {low + 0.1:.1f}   {inside.sum():7d}   {mean:15.2f}   {share:11.2f}"
            )
    print(f"expected calibration error {error:.3f}")
    right, wrong = cases[cases[:, 1] == 1, 0], cases[cases[:, 1] == 0, 0]
    above = (right[:, None] > wrong).mean() + 0.5 * (right[:, None] == wrong).mean()
    print(f"a right answer has more confidence than a wrong one in {100 * above:.0f} % of pairs")
    print(f"mean confidence: shown {np.mean([c for c, _ in shown]):.2f}, ", end="")
    print(f"not shown {np.mean([c for c, _ in absent]):.2f}")
    video = VideoIndex(localizer, other, other.edges[:-1])
    for query in NONSENSE:
        print(f"{query!r}: {video.find([query], 1)[0][0].confidence}; {localizer.warning(query)}")


if __name__ == "__main__":
    main()
