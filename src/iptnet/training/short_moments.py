"""Short moments to learn from: pieces of clips within longer videos, and trimmed annotations.

Clips joined whole last ten to thirty seconds, annotated windows a minute and more; what people look
for in their own videos often lasts a few seconds. So clips are cut to pieces of 2 to 15 seconds and
joined by the dozen, clips of one kind among themselves so that their neighbours distract; and each
piece is asked for by a caption or by one or two words of its captions.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from iptnet.data.joined import Clip
from iptnet.model.localization.video import GridVideo, on_grid
from iptnet.model.vocabulary import COMMON, words_of
from iptnet.training.moment_examples import Example, Timed, misaligned, part_of, tokens_of

PIECES = (10, 24)
"""Least and greatest number of pieces of a video."""

SECONDS = (2.0, 15.0)
"""Least and greatest length of a piece; drawn so that half of them are below the geometric mean."""

WHOLE = 0.2
"""Share of the clips that stay whole."""

SAID, UNSAID = 0.3, 0.0
"""A word asks for a clip when at least this share of its captions say it, and no caption of any
other clip of the video does."""

WORDS = 0.5
"""Share of the queries that are one or two words."""


def piece_examples(
    clips: Sequence[Clip],
    features: Mapping[str, Timed],
    parts: int,
    *,
    videos: int,
    seed: int,
    misalign: float = 0.0,
    residuals: NDArray[np.float32] | None = None,
) -> list[Example]:
    """Join pieces of clips, clips of one part with one another.

    Args:
        clips: with their features by name.
        features: times and unit vectors of each.
        parts: how many parts there are.
        videos: joined videos in all.
        seed: of the joinings.
        misalign: how far clips are moved along one another's residuals, in each video anew.
        residuals: (N, D); needed with ``misalign``.

    Returns:
        one example a piece's clip, on the grid of the samples.
    """
    rng = random.Random(f"pieces {seed}")  # noqa: S311
    found, draw = [], np.random.default_rng([seed, 4])
    for part in range(parts):
        own = sorted((c for c in clips if part_of(c.name, parts) == part), key=lambda c: c.name)
        if len(own) < PIECES[0]:
            continue
        spoken = {c.name: _words_by_share(c) for c in own}
        for _ in range(videos // parts):
            chosen = _company(own, spoken, rng)
            seen = {c.name: features[c.name] for c in chosen}
            seen = misaligned(seen, misalign, residuals, draw)
            found += _joined(chosen, seen, spoken, part, rng)
    return found


def trimmed_examples(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    """Take most of the inside out of some examples' windows, so that a short moment is left.

    Args:
        examples: annotated; those with several windows or without grades are taken alike.
        share: of the examples.
        seed: which ones, and what is left of them.
    """
    rng = random.Random(f"trimmed {seed}")  # noqa: S311
    found = []
    for example in examples:
        video = example.video
        T = len(video.vectors)
        if not len(example.windows) or rng.random() >= share:
            continue
        kept = np.ones(T, bool)
        for start, end in example.windows:
            first, after = np.searchsorted(video.edges, [start + 1e-6, end - 1e-6]) - [1, 0]
            least = max(round(SECONDS[0] / video.step), 1)
            length = rng.randint(least, max(round(SECONDS[1] / video.step), least))
            if after - first > length:
                at = rng.randint(int(first), int(after) - length)
                kept[first:after] = False
                kept[at : at + length] = True
        inside = np.zeros(T, bool)
        for start, end in example.windows:
            first, after = np.searchsorted(video.edges, [start + 1e-6, end - 1e-6]) - [1, 0]
            inside[first:after] = True
        if kept.all() or kept.sum() < 2:
            continue
        edges = np.linspace(0.0, video.step * float(kept.sum()), int(kept.sum()) + 1)
        place = np.concatenate([[0], np.cumsum(kept)])
        cuts = np.unique(place[np.clip(np.rint(video.cuts / video.step).astype(int), 0, T)])
        shown = np.flatnonzero(np.diff(np.r_[0, inside[kept].astype(int), 0]))
        found.append(
            replace(
                example,
                video=GridVideo(edges, video.vectors[kept], edges[cuts][cuts > 0]),
                windows=edges[shown.reshape(-1, 2)],
                saliency=None,
                source=None,
            )
        )
    return found


def _words_by_share(clip: Clip) -> dict[str, float]:
    """Words and pairs of words of a clip's captions, with the share of the captions that say it."""
    count = Counter[str]()
    for caption in clip.captions:
        words = words_of(caption)
        pairs = [f"{a} {b}" for a, b in pairwise(words)]
        telling = [p for p in pairs if not COMMON & set(p.split())]
        count.update({w for w in words if w not in COMMON} | set(telling))
    return {word: n / len(clip.captions) for word, n in count.items()}


def _company(
    own: Sequence[Clip], spoken: Mapping[str, Mapping[str, float]], rng: random.Random
) -> list[Clip]:
    """Clips of one video: in every other one those that share most words with the first."""
    count = rng.randint(*PIECES)
    if rng.random() < 0.5:
        return [rng.choice(own) for _ in range(count)]
    first = rng.choice(own)
    words = set(spoken[first.name])
    near = sorted(own, key=lambda c: -len(words & set(spoken[c.name])))[:count]
    return [rng.choice(near) for _ in range(count)]


def _joined(
    chosen: Sequence[Clip],
    features: Mapping[str, Timed],
    spoken: Mapping[str, Mapping[str, float]],
    part: int,
    rng: random.Random,
) -> list[Example]:
    """One video of pieces and its examples; a clip that comes twice has two windows."""
    times, vectors, windows, at = [], [], dict[str, list[tuple[float, float]]](), 0.0
    for clip in chosen:
        seconds = clip.duration
        if rng.random() >= WHOLE:
            low, high = np.log(SECONDS)
            seconds = min(seconds, float(np.exp(rng.uniform(low, high))))
        start = rng.uniform(0, clip.duration - seconds)
        sampled, rows = features[clip.name]
        inside = (sampled >= start) & (sampled < start + seconds)
        if not inside.any():
            continue
        times.append(sampled[inside] - start + at)
        vectors.append(rows[inside])
        windows.setdefault(clip.name, []).append((at, at + seconds))
        at += seconds
    video = on_grid(np.concatenate(vectors), np.concatenate(times), at)
    asked = []
    for clip in {c.name: c for c in chosen if c.name in windows}.values():
        others = [spoken[name] for name in windows if name != clip.name]
        telling = [
            word
            for word, share in sorted(spoken[clip.name].items())
            if share >= SAID and not any(o.get(word, 0.0) > UNSAID for o in others)
        ]
        query = rng.choice(clip.captions)
        if telling and rng.random() < WORDS:
            query = rng.choice(telling)
        asked.append((query, np.array(_merged(windows[clip.name]))))
    spelled = tokens_of([query for query, _ in asked])
    return [
        Example("pixels", video, query, tokens, truth, None, part)
        for (query, truth), tokens in zip(asked, spelled, strict=True)
    ]


def _merged(windows: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Windows that touch become one."""
    found: list[tuple[float, float]] = []
    for start, end in windows:
        if found and start - found[-1][1] < 1e-6:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
