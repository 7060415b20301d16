"""Are the keyshots what a person would have shown? Joined clips, rated videos, and rivals beside.

    python -m benchmarks.judgement --data ../shared/data [--tune] [--really]

Joined clips: N clips of different categories one after the other, 15 % of them to show. *Scenes* is
how many clips are shown for a second or more, of those that the budget could hold at 2.5 s each;
*again* the share of keyshots of a clip that another keyshot, not next to it, shows before; *still*
of keyshots in which nothing moves or nothing is there; *bad* of those damaged or blurred.

Rated videos: F of what is played against the best 15 % of the two-second segments of each rater
(of equal marks the first), mean of the two; importance was fitted on the other nine videos. Rivals
choose from the same pieces.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import iptnet
from benchmarks.joinings import Joining, draws, join, really_join
from benchmarks.rated_importance import left_out, samples_of
from benchmarks.selection import agreement, centre_of
from iptnet.data.benchmark import load_benchmark
from iptnet.encoded import Encoded
from iptnet.selection.candidates import DEFAULT, Candidates, Weights, candidates
from iptnet.selection.keyshots import budget_of, choose

RATIO = 0.15
AT = 2.5
"""Seconds at which a budget could show a scene."""
SEEN = 1.0
"""Seconds of a clip that show it."""
SEGMENT = 2.0
DEV = ("agent327_animation", "dogs_tv", "drone_beach", "screenrec_go", "surveillance_person")
GRID: dict[str, tuple[float, ...]] = {
    "coverage": (0.5, 0.75, 1.5, 2.0),
    "plain": (0.0, 0.1),
    "power": (2.0, 4.0, 5.0),
    "subject": (0.5, 0.7),
    "alive": (0.3,),
    "other": (2.0, 3.0),
    "near": (0.5, 0.9),
    "seconds": (15.0,),
}
"""Values of each weight that :func:`tune` tries, beside the one that ships."""
Spans = list[tuple[float, float]]


@dataclass(frozen=True)
class Asked:
    """A video whose summary is judged, with what rivals need."""

    encoded: Encoded

    @property
    def seconds(self) -> float:
        """Budget of the summary."""
        return budget_of(self.encoded.source.duration, RATIO)

    @cached_property
    def found(self) -> Candidates:
        """The pieces to choose from."""
        return self.candidates(DEFAULT)

    def candidates(self, weights: Weights) -> Candidates:
        """The same with other weights."""
        it = self.encoded
        return candidates(
            it.features.times, it.importance, it._shots, it.source.duration,
            frame_interval=it._frame_interval, content=it._content, weights=weights,
        )  # fmt: skip

    def mean(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """(P,) of each piece."""
        times, rate = self.encoded.features.times, self.found.rate
        ends = [np.searchsorted(times, [a / rate, b / rate]) for a, b in self.found.pieces]
        return np.array(
            [row[a : max(b, a + 1)].mean() if a < len(row) else row[-1] for a, b in ends]
        )

    def play(self, order: Sequence[int]) -> Spans:
        """The pieces that fit, in this order."""
        rate, left, played = self.found.rate, self.seconds, []
        for i in order:
            start, end = (t / rate for t in self.found.pieces[i])
            if end - start <= left + 1e-9:
                played.append((start, end))
                left -= end - start
        return sorted(played)


def ours(video: Asked, weights: Weights = DEFAULT) -> Spans:
    found = video.found if weights == DEFAULT else video.candidates(weights)
    return [(k.start, k.end) for k in choose(found, video.seconds).keyshots]


def by_random(video: Asked, seed: int = 0) -> Spans:
    return video.play(np.random.default_rng(seed).permutation(len(video.found.pieces)).tolist())


def every_kth(video: Asked) -> Spans:
    """Pieces at equal distances in time."""
    lengths = video.found.objective.lengths / video.found.rate
    count = max(1, int(video.seconds / lengths.mean()))
    middles = np.array([(a + b) / 2 for a, b in video.found.pieces]) / video.found.rate
    wanted = (np.arange(count) + 0.5) * video.encoded.source.duration / count
    return video.play(list(dict.fromkeys(int(np.abs(middles - t).argmin()) for t in wanted)))


def by_motion(video: Asked) -> Spans:
    motion = np.asarray(video.encoded.features.metadata["cues"]["motion"], np.float64)
    return video.play(np.argsort(-video.mean(motion), kind="stable").tolist())


def by_importance(video: Asked) -> Spans:
    return video.play(np.argsort(-video.found.scores, kind="stable").tolist())


def representative(video: Asked) -> Spans:
    """Facility location over the pieces' vectors alone."""
    rows = np.stack([video.mean(column) for column in video.encoded._content.vectors.T], axis=1)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    alike, served = 1 + rows @ rows.T, np.zeros(len(rows))
    lengths, order = video.found.objective.lengths, []
    for _ in range(len(rows)):
        gain = (lengths[:, None] * np.maximum(alike - served[:, None], 0)).sum(0) / lengths
        gain[order] = -1
        order.append(int(gain.argmax()))
        served = np.maximum(served, alike[:, order[-1]])
    return video.play(order)


RIVALS: dict[str, Callable[[Asked], Spans]] = {
    "ours": ours,
    "importance alone": by_importance,
    "random": by_random,
    "every k-th": every_kth,
    "motion": by_motion,
    "representative": representative,
}


def coverage(spans: Spans, edges: NDArray[np.float64], seconds: float) -> tuple[float, float, int]:
    """Scenes shown of those possible, share of keyshots that show one again, scenes shown."""
    shown = [
        sum(max(0.0, min(b, f) - max(a, e)) for a, b in spans) for e, f in itertools.pairwise(edges)
    ]
    scenes = int((np.array(shown) >= SEEN).sum())
    possible = min(len(edges) - 1, max(1, int(seconds / AT)))
    apart = [k for k, (a, _) in enumerate(spans) if not k or a > spans[k - 1][1] + 1e-6]
    home = [int(np.searchsorted(edges, sum(spans[k]) / 2)) for k in apart]
    again = sum(h in home[:k] for k, h in enumerate(home)) / max(len(spans), 1)
    return scenes / possible, again, scenes


def looks(video: Encoded, spans: Spans) -> tuple[float, float]:
    """Shares of keyshots in which nothing moves or is there, and that are damaged or blurred."""
    cues = {k: np.asarray(v, np.float64) for k, v in video.features.metadata["cues"].items()}
    contrast = np.asarray(video.features.metadata["contrast"], np.float64)
    usual = float(np.median(cues["focus"]))
    still = bad = 0
    for a, b in spans:
        first, last = np.searchsorted(video.features.times, [a, b])
        inside = slice(first, max(last, first + 1))
        within = slice(min(first + 1, len(contrast) - 1), max(last, first + 2))
        still += bool(
            cues["moving"][within].max() < 0.005
            or cues["flat"][inside].mean() > 0.97
            or contrast[inside].mean() < 4
        )
        bad += bool(
            cues["damage"][inside].max() > 0.1 or cues["focus"][inside].mean() < 0.5 * usual
        )
    return still / max(len(spans), 1), bad / max(len(spans), 1)


def best_segments(marks: Sequence[int]) -> NDArray[np.bool_]:
    """The best 15 % of a rater's segments, of equal marks the first."""
    chosen = np.zeros(len(marks), bool)
    chosen[np.argsort(-np.asarray(marks), kind="stable")[: max(1, int(RATIO * len(marks)))]] = True
    return chosen


def f_of(spans: Spans, marks: Sequence[Sequence[int]]) -> float:
    """Mean F, by seconds, of what is played against the best segments of each rater."""
    scores = []
    for rater in marks:
        wanted = best_segments(rater)
        both = sum(
            max(0.0, min(b, SEGMENT * (i + 1)) - max(a, SEGMENT * i))
            for a, b in spans
            for i in np.flatnonzero(wanted)
        )
        scores.append(2 * both / (sum(b - a for a, b in spans) + SEGMENT * wanted.sum()))
    return float(np.mean(scores))


def rated(model: iptnet.Model, data: Path) -> dict[str, tuple[Asked, list[list[int]]]]:
    """Rated videos by name, with both raters' marks; importance is fitted on the other videos."""
    found = {}
    for one, encoded in left_out(samples_of(data / "rated", model), model):
        # Kept in the video from here on, before the weights become those of the next.
        encoded.importance  # noqa: B018
        found[one.video.name] = (Asked(encoded), one.video.marks.astype(int).tolist())
    return found


def joined_table(joinings: list[Joining]) -> None:
    """Print what each way shows of the joined clips."""
    sizes = sorted({len(j.clips) for j in joinings})
    print(f"\n{len(joinings)} joinings of {sizes} clips, {RATIO:.0%}")
    print(f"{'':18}{'scenes':>8}{'again':>8}{'still':>8}{'bad':>8}{'used':>8}{'keyshots':>10}")
    for name, way in RIVALS.items():
        rows = []
        for joining in joinings:
            video = Asked(joining.encoded)
            spans = way(video)
            scenes, again, _ = coverage(spans, joining.edges, video.seconds)
            used = sum(b - a for a, b in spans) / video.seconds
            rows.append([scenes, again, *looks(joining.encoded, spans), used, len(spans)])
        mean = np.mean(rows, axis=0)
        print(f"{name:18}" + "".join(f"{100 * x:7.1f}%" for x in mean[:5]) + f"{mean[5]:10.1f}")


def rated_table(videos: dict[str, tuple[Asked, list[list[int]]]]) -> None:
    """Print F of each way on the videos for choosing and for reporting."""
    print(f"\nF against the raters{'':6}{'chosen on':>10}{'reported':>10}{'still':>8}{'bad':>8}")
    for name, way in RIVALS.items():
        scores: dict[bool, list[float]] = {True: [], False: []}
        seen = []
        for key, (video, marks) in videos.items():
            spans = (
                [way(video)] if way is not by_random else [by_random(video, s) for s in range(20)]
            )
            scores[key in DEV].append(float(np.mean([f_of(s, marks) for s in spans])))
            seen.append(looks(video.encoded, spans[0]))
        still, bad = np.mean(seen, axis=0)
        both = f"{np.mean(scores[True]):10.3f}{np.mean(scores[False]):10.3f}"
        print(f"{name:26}{both}{100 * still:7.1f}%{100 * bad:7.1f}%")


def really(model: iptnet.Model, joinings: list[Joining]) -> None:
    """Join two with ffmpeg and show that their features serve as well."""
    for joining in joinings:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "joined.mp4"
            really_join(joining.clips, path)
            made = Asked(model.encode(path))
        # Frames at the joints are rounded to the rate; the edges move by so little.
        edges = joining.edges * made.encoded.source.duration / joining.edges[-1]
        for kind, video, at in (
            ("features", Asked(joining.encoded), joining.edges),
            ("file", made, edges),
        ):
            share, again, scenes = coverage(ours(video), at, video.seconds)
            print(f"{kind:10}{scenes:3} of {len(at) - 1} scenes ({share:.0%}), again {again:.0%}")


def tune(
    joinings: list[Joining], videos: dict[str, tuple[Asked, list[list[int]]]], summe: Path
) -> None:
    """Print what each value of each weight gives, one changed at a time.

    Each figure twice: on what may choose (every second joining and SumMe video, the five rated
    videos for choosing), and on the rest, which reports. Of SumMe's users every fifth is left out.
    """
    people = list(load_benchmark(summe))
    centre = centre_of(people)
    joined = [(Asked(j.encoded), j.edges) for j in joinings]

    def show(name: str, weights: Weights) -> None:
        shown = np.array([coverage(ours(v, weights), e, v.seconds)[:2] for v, e in joined])
        f = {k: f_of(ours(v, weights), marks) for k, (v, marks) in videos.items()}
        halves = [agreement(people[k::2], 0.3, centre, weights, every=5)[1] for k in (0, 1)]
        cells = []
        for k, dev in enumerate((True, False)):
            raters = np.mean([x for key, x in f.items() if (key in DEV) is dev])
            scenes, again = shown[k::2].mean(axis=0)
            cells.append(f"{scenes:9.2f}{again:7.3f}{raters:8.3f}{halves[k]:8.3f}")
        print(f"{name:18}" + "  |".join(cells), flush=True)

    head = f"{'scenes':>9}{'again':>7}{'raters':>8}{'SumMe':>8}"
    print(f"{'':18}{head}  |{head}\n{'':18}{'chosen on':>32}  |{'reported':>32}")
    show("as shipped", DEFAULT)
    for name, options in GRID.items():
        for option in options:
            if hasattr(DEFAULT, name):
                show(f"{name} {option}", replace(DEFAULT, **{name: option}))
            else:
                scales = replace(DEFAULT.scales, **{name: option})
                show(f"{name} {option}", replace(DEFAULT, scales=scales))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--joinings", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tune", action="store_true", help="what other weights give")
    parser.add_argument("--really", action="store_true", help="join two with ffmpeg as well")
    asked = parser.parse_args()
    model = iptnet.load()
    counts = [12] * asked.joinings + [8, 17, 20]
    joinings = [join(model, clips) for clips in draws(asked.data / "clips", counts, asked.seed)]
    videos = rated(model, asked.data)
    if asked.tune:
        tune(joinings, videos, asked.data / "summarization/summe_blip_wordllama256.h5")
        return
    joined_table(joinings[: asked.joinings])
    joined_table(joinings[asked.joinings :])
    rated_table(videos)
    if asked.really:
        really(model, joinings[:2])


if __name__ == "__main__":
    main()
