"""Whether the localizer's confidence means something: reliability on clips nobody trained on.

python -m benchmarks.confidence --data DATA [--checkpoint C] [--selection validation]

Every caption of the held-out clips' joined videos is asked of its own video and, as often, of
another one, which does not show it; then sentences of unknown words. An answer is right when its
IoU with the truth is at least 0.5; what is not there has no right answer. ``validation`` asks each
member about training clips of the part that it never saw: for choosing, before anything held out.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from iptnet.evaluation.localization import JOININGS, VALIDATED, member_of, sources_of
from iptnet.model.localizer import Localizer, VideoIndex, load_localizer
from iptnet.protocol.moments import iou
from iptnet.training.moment_examples import Example
from iptnet.training.moment_sources import held_out_examples, validation_examples

NONSENSE = ("blorpt xyzzy fnord", "qwrtz plmk vbnm", "🦄🦄🦄", "собака бежит по берегу")


def asked_of(
    localizer: Localizer, data: Path, selection: str
) -> Iterator[tuple[Localizer, list[Example]]]:
    """Who is asked what."""
    sources = sources_of(localizer.checkpoint, data)
    if selection == "last":
        for examples in held_out_examples(sources, JOININGS):
            yield localizer, examples
        return
    parts = len(localizer.modules)
    moved = float(localizer.checkpoint.provenance["arguments"]["mixture"]["misalign"])
    found = validation_examples(sources, parts, VALIDATED, moved)
    for part in range(parts):
        yield member_of(localizer, part), [e for e in found if e.part == part]


def above(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    """Share of pairs in which the first is the greater; the area under the ROC curve."""
    return float((high[:, None] > low).mean() + 0.5 * (high[:, None] == low).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--selection", choices=("last", "validation"), default="last")
    asked = parser.parse_args()
    localizer = load_localizer(asked.checkpoint)
    shown, absent = [], []
    for answering, examples in asked_of(localizer, asked.data, asked.selection):
        videos = list({id(e.video): e.video for e in examples}.values())
        indices = {id(v): VideoIndex(answering, v, v.edges[:-1]) for v in videos}
        places = {id(v): k for k, v in enumerate(videos)}
        for example in examples:
            other = videos[(places[id(example.video)] + 1) % len(videos)]
            for video, cases in ((example.video, shown), (other, absent)):
                best = indices[id(video)].find([example.query], 1)[0][0]
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
    ranks = 100 * above(cases[cases[:, 1] == 1, 0], cases[cases[:, 1] == 0, 0])
    print(f"a right answer has more confidence than a wrong one in {ranks:.0f} % of pairs")
    there, nowhere = (np.array([c for c, _ in found]) for found in (shown, absent))
    print(f"mean confidence: shown {there.mean():.2f}, not shown {nowhere.mean():.2f}; ", end="")
    print(f"shown above not shown in {100 * above(there, nowhere):.0f} % of pairs")
    video = VideoIndex(localizer, videos[0], videos[0].edges[:-1])
    for query in NONSENSE:
        print(f"{query!r}: {video.find([query], 1)[0][0].confidence}; {localizer.warning(query)}")


if __name__ == "__main__":
    main()
