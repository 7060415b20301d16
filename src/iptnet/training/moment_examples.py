"""Moments to learn from: QVHighlights on captions, clips joined on pixels, clips joined on text.

Every example belongs to a *group* (a source video, a clip) and so to one part of the data, whatever
else is there: members of an ensemble are trained without one part and judged on it, and no clip,
source video or joined neighbour of it is ever on both sides.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from iptnet.data.joined import Clip, join_captions, join_clips, joined_features, joined_queries
from iptnet.data.moments import MomentQuery, clip_saliency
from iptnet.data.qvhighlights import fold_of
from iptnet.features.text import TextEncoder
from iptnet.model.grid import at_times
from iptnet.model.localization.video import GridVideo, on_grid

CAPTION_SECONDS = 2.0
PART_SEED = 7
"""Parts are drawn by another hash than the folds that evaluate."""

NEIGHBOURS = 8
"""Residuals that make one direction; frames of a clip stand together."""

Timed = tuple[NDArray[np.float64], NDArray[np.float32]]


@dataclass(frozen=True)
class Example:
    """A sentence asked of a video.

    Attributes:
        kind: ``captions``, ``pixels`` or ``text``.
        video: on its grid; queries of one video share it.
        query: the sentence.
        tokens: (L, E) its token vectors.
        windows: (G, 2) seconds; G = 0 where the video does not show it.
        saliency: (T,) mean grade / 4, or None where nobody graded.
        part: which part of the data it belongs to.
        source: the annotated query, if it is one.
        unknown: (L,) words without a vector; for word vectors only.
        characters: (L, C) their letters; for word vectors only.
    """

    kind: str
    video: GridVideo
    query: str
    tokens: NDArray[np.float32]
    windows: NDArray[np.float64]
    saliency: NDArray[np.float32] | None
    part: int
    source: MomentQuery | None = None
    unknown: NDArray[np.bool_] | None = None
    characters: NDArray[np.int64] | None = None


def part_of(group: str, parts: int) -> int:
    """The part of a source video or clip, by a hash of its name."""
    return fold_of(group, parts, PART_SEED)


def caption_examples(
    queries: Sequence[MomentQuery],
    captions: Mapping[str, Sequence[str]],
    steps: int,
    parts: int,
) -> list[Example]:
    """QVHighlights with a caption's vector standing for each two-second clip."""
    encoder = TextEncoder()
    videos: dict[str, GridVideo] = {}
    found = []
    tokens = tokens_of([q.query for q in queries])
    for query, rows in zip(queries, tokens, strict=True):
        texts = captions[query.video]
        if query.video not in videos:
            # A caption speaks of its whole clip: the middle stands for it.
            times = (np.arange(len(texts)) + 0.5) * CAPTION_SECONDS
            duration = max(query.duration or 0.0, len(texts) * CAPTION_SECONDS)
            videos[query.video] = on_grid(encoder.encode(texts), times, duration, steps)
        video = videos[query.video]
        saliency = None
        if query.saliency:
            grades = clip_saliency(query).mean(axis=1) / 4
            edges = np.arange(len(grades) + 1) * CAPTION_SECONDS
            middles = (video.edges[1:] + video.edges[:-1]) / 2
            saliency = at_times(edges, grades, middles).astype(np.float32)
        part = part_of(query.video, parts)
        found.append(
            Example("captions", video, query.query, rows, query.window_array, saliency, part, query)
        )
    return found


def clip_examples(
    clips: Sequence[Clip],
    features: Mapping[str, Timed],
    steps: int | None,
    parts: int,
    *,
    rounds: int,
    seed: int,
    per_video: int = 8,
    misalign: float = 0.0,
    residuals: NDArray[np.float32] | None = None,
) -> list[Example]:
    """Clips of one part joined with one another on pixels, several times over.

    Args:
        clips: with their features by name.
        features: times and unit vectors of each.
        steps: reach of the module's grid; None for the grid of the samples.
        parts: how many parts there are.
        rounds: joinings of every clip.
        seed: of the joinings.
        per_video: clips of a joined video.
        misalign: how far each clip is moved, as a whole and in each round anew, along a residual of
            another one. The projection was trained on these clips: it sees in them what it will
            not see in a user's, and a localizer trained on that would trust it too much.
        residuals: (N, D) frame minus caption; needed with ``misalign``.
    """
    found = []
    draw = np.random.default_rng([seed, 3])
    for part in range(parts):
        own = [c for c in clips if part_of(c.name, parts) == part]
        if len(own) < per_video:
            continue
        for k in range(rounds):
            seen = misaligned({c.name: features[c.name] for c in own}, misalign, residuals, draw)
            for joined in join_clips(own, per_video=per_video, seed=seed + 1000 * part + k):
                times, vectors = joined_features(joined, seen)
                video = on_grid(vectors, times, joined.duration, steps)
                found += _asked("pixels", video, joined_queries(joined, seed=seed + k), part)
    return found


def text_examples(
    captions: Mapping[str, Sequence[str]],
    steps: int | None,
    parts: int,
    *,
    videos: int,
    noise: float,
    residuals: NDArray[np.float32] | None,
    seed: int,
) -> list[Example]:
    """Captions joined as if they were frames, moved by what real frames differ from captions."""
    encoder, draw = TextEncoder(), np.random.default_rng([seed, 2])
    found = []
    for part in range(parts):
        own = {n: c for n, c in captions.items() if part_of(n, parts) == part}
        for joined in join_captions(own, videos=videos // parts, seed=seed + part):
            rows = encoder.encode(joined.frames)
            if residuals is not None and noise:
                # Neighbouring frames with one caption share their look, and so their residual.
                held = np.cumsum([0, *(a != b for a, b in zip(joined.frames, joined.frames[1:]))])  # noqa: B905
                picked = draw.integers(len(residuals), size=int(held[-1]) + 1)
                rows = rows + noise * residuals[picked[held]]
                rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            times = np.asarray(joined.times)
            duration = joined.queries[0].duration if joined.queries else None
            video = on_grid(rows, times, duration or float(times[-1]), steps)
            found += _asked("text", video, joined.queries, part)
    return found


def negatives(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    """Some of the sentences asked of another video of their kind and part, which shows no such."""
    rng = random.Random(f"negatives {seed}")  # noqa: S311
    pools: dict[tuple[str, int], list[Example]] = {}
    for example in examples:
        pools.setdefault((example.kind, example.part), []).append(example)
    found = []
    for example in examples:
        if rng.random() >= share:
            continue
        other = rng.choice(pools[example.kind, example.part])
        if other.video is not example.video:
            graded = other.saliency is not None
            nothing = np.zeros(len(other.video.vectors), np.float32) if graded else None
            found.append(
                replace(
                    other,
                    query=example.query,
                    tokens=example.tokens,
                    unknown=example.unknown,
                    characters=example.characters,
                    windows=np.zeros((0, 2)),
                    saliency=nothing,
                    source=None,
                )
            )
    return found


def residuals_of(clips: Sequence[Clip], features: Mapping[str, Timed]) -> NDArray[np.float32]:
    """(N, D) frame minus the mean caption of its clip, both of length one."""
    encoder = TextEncoder()
    rows = []
    for clip in clips:
        mean = encoder.encode(list(clip.captions)).mean(axis=0)
        rows.append(features[clip.name][1] - mean / max(float(np.linalg.norm(mean)), 1e-6))
    return np.concatenate(rows).astype(np.float32)


def tokens_of(queries: Sequence[str]) -> list[NDArray[np.float32]]:
    """Token vectors of each query, one zero vector where there is no token."""
    rows = TextEncoder().token_vectors(list(queries))
    return [r if len(r) else np.zeros((1, TextEncoder.width), np.float32) for r in rows]


def moved_along(
    rows: NDArray[np.float32],
    distance: float,
    residuals: NDArray[np.float32],
    draw: np.random.Generator,
) -> NDArray[np.float32]:
    """Unit rows moved together along the mean of a few neighbouring residuals, unit again."""
    at = int(draw.integers(max(len(residuals) - NEIGHBOURS, 1)))
    moved = rows + distance * residuals[at : at + NEIGHBOURS].mean(axis=0)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def misaligned(
    features: Mapping[str, Timed],
    distance: float,
    residuals: NDArray[np.float32] | None,
    draw: np.random.Generator,
) -> dict[str, Timed]:
    """Clips moved along one another's residuals, or as they are without distance or residuals."""
    if not distance or residuals is None:
        return dict(features)
    return {n: (t, moved_along(v, distance, residuals, draw)) for n, (t, v) in features.items()}


def _asked(kind: str, video: GridVideo, queries: Sequence[MomentQuery], part: int) -> list[Example]:
    tokens = tokens_of([q.query for q in queries])
    return [
        Example(kind, video, q.query, rows, q.window_array, None, part, q)
        for q, rows in zip(queries, tokens, strict=True)
    ]
