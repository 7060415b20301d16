"""Whether the localizer's confidence means something: reliability on clips nobody trained on.

python -m benchmarks.confidence --data DATA [--checkpoint C]

Every caption of the held-out clips' joined videos is asked of its own video and, as often, of
another one, which does not show it; so is each clip's most telling word; then sentences of unknown
words. An answer is right when its IoU with the truth is at least 0.5; what is not there has no
right answer.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from iptnet.evaluation.localization import JOININGS, sources_of
from iptnet.model.localizer import Localizer, VideoIndex, load_localizer
from iptnet.model.vocabulary import COMMON, words_of
from iptnet.protocol.moments import iou
from iptnet.training.moment_examples import Example
from iptnet.training.moment_sources import held_out_examples

NONSENSE = ("blorpt xyzzy fnord", "qwrtz plmk vbnm", "🦄🦄🦄", "собака бежит по берегу")


def above(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    """Share of pairs in which the first is the greater; the area under the ROC curve."""
    return float((high[:, None] > low).mean() + 0.5 * (high[:, None] == low).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    asked = parser.parse_args()
    localizer = load_localizer(asked.checkpoint)
    rounds = held_out_examples(sources_of(localizer.checkpoint, asked.data), JOININGS)
    for title, ask in (("sentences", list[Example]), ("single words", one_word)):
        print(f"{title}:")
        report(localizer, [ask(examples) for examples in rounds])
        print()
    video = rounds[0][0].video
    index = VideoIndex(localizer, video, video.edges[:-1])
    for query in NONSENSE:
        (best,) = index.find([query], 1)[0]
        print(f"{query!r}: {best.confidence}, {best.present}; {localizer.warning(query)}")


def one_word(examples: Sequence[Example]) -> list[Example]:
    """Ask each caption's longest word that no other caption of its video has."""
    found = []
    for example in examples:
        words = set(words_of(example.query)) - COMMON
        for other in examples:
            if other.video is example.video and other is not example:
                words -= set(words_of(other.query))
        if words:
            found.append(replace(example, query=max(sorted(words), key=len)))
    return found


def report(localizer: Localizer, rounds: Sequence[Sequence[Example]]) -> None:
    """Print how reliable the confidence is, and how well presence tells."""
    shown, absent, presence = [], [], {True: list[float](), False: list[float]()}
    for examples in rounds:
        videos = list({id(e.video): e.video for e in examples}.values())
        indices = {id(v): VideoIndex(localizer, v, v.edges[:-1]) for v in videos}
        places = {id(v): k for k, v in enumerate(videos)}
        for example in examples:
            other = videos[(places[id(example.video)] + 1) % len(videos)]
            for video, cases in ((example.video, shown), (other, absent)):
                index, own = indices[id(video)], video is example.video
                best = index.find([example.query], 1)[0][0]
                right = own and bool(iou([[best.start, best.end]], example.windows).max() >= 0.5)
                cases.append((best.confidence or 0.0, right))
                presence[own].append(index.presence(example.query) or 0.0)
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
    there, nowhere = np.array(presence[True]), np.array(presence[False])
    print(
        f"presence: shown above not shown in {100 * above(there, nowhere):.0f} % of pairs; ", end=""
    )
    threshold = localizer.confidence.threshold
    print(
        f"said to be shown: {100 * (there >= threshold).mean():.0f} % of what is, "
        f"{100 * (nowhere >= threshold).mean():.0f} % of what is not"
    )


if __name__ == "__main__":
    main()
