"""Captioned clips joined into long videos: the interval of each clip is the moment of its captions.

This makes localization data from any captioned clips. Two kinds: on pixels, where clips' features
are joined end to end (:func:`join_clips`, :func:`joined_features`), and on text alone, where one
caption of a clip asks and its other captions stand for the frames (:func:`join_captions`). Both are
a pure function of their arguments and the seed; another seed, such as the epoch, joins anew.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.data.moments import MomentQuery
from iptnet.timeline import Span


@dataclass(frozen=True, slots=True)
class Clip:
    """A short video that its captions describe as a whole; ``duration`` in seconds."""

    name: str
    duration: float
    captions: tuple[str, ...]
    path: Path | None = None

    def __post_init__(self) -> None:
        if not (0 < self.duration < float("inf")):
            raise ValueError(f"clip {self.name!r} lasts {self.duration} s")
        if not any(c.strip() for c in self.captions):
            raise ValueError(f"clip {self.name!r} has no caption")


@dataclass(frozen=True, slots=True)
class JoinedVideo:
    """Clips played one after the other."""

    name: str
    clips: tuple[Clip, ...]

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where each clip plays, seconds of the joined video."""
        bounds = [0.0, *accumulate(c.duration for c in self.clips)]
        return tuple(Span(a, b) for a, b in pairwise(bounds))

    @property
    def duration(self) -> float:
        """Seconds of the whole."""
        return self.spans[-1].end


@dataclass(frozen=True, slots=True)
class TextVideo:
    """A joined video made of sentences: what a captioner might have said of every step.

    Attributes:
        name: made from the seed.
        times: (T,) seconds at which each step begins.
        frames: T captions, one a step.
        queries: one per clip, whose caption stands for no frame.
    """

    name: str
    times: tuple[float, ...]
    frames: tuple[str, ...]
    queries: tuple[MomentQuery, ...]


def join_clips(
    clips: Sequence[Clip], *, per_video: int = 8, videos: int | None = None, seed: int = 0
) -> tuple[JoinedVideo, ...]:
    """Join clips at random; no clip twice in one video, none again before all were used.

    Args:
        clips: at least ``per_video`` of them, in any order (the result does not depend on it).
        per_video: clips of each joined video.
        videos: how many; ``None`` makes as many as whole videos fit into one use of every clip.
        seed: another seed, other videos.

    Raises:
        ValueError: too few clips, or two of one name.
    """
    by_name = {c.name: c for c in clips}
    if len(by_name) != len(clips):
        raise ValueError("two clips share a name")
    groups = _groups(sorted(by_name), per_video, videos, random.Random(f"join {seed}"))  # noqa: S311
    return tuple(
        JoinedVideo(f"joined-{seed}-{k:05d}", tuple(by_name[n] for n in names))
        for k, names in enumerate(groups)
    )


def joined_queries(video: JoinedVideo, *, seed: int = 0) -> tuple[MomentQuery, ...]:
    """One query per clip: a caption of it, drawn by the seed, that no other clip here shares.

    A clip all of whose captions are shared asks nothing, as its moment would be ambiguous.
    """
    rng = random.Random(f"ask {seed} {video.name}")  # noqa: S311
    captions = [_distinct(c.captions) for c in video.clips]
    return tuple(
        MomentQuery(
            qid=f"{video.name}/{clip.name}",
            video=video.name,
            query=rng.choice(asking),
            windows=(span,),
            duration=video.duration,
        )
        for clip, span, asking in zip(video.clips, video.spans, _unshared(captions), strict=True)
        if asking
    )


def joined_features(
    video: JoinedVideo, features: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """The joined video's features: those of its clips, end to end, with their times moved on.

    Args:
        video: the joined video.
        features: by clip name, ``(times (T,), vectors (T, D))``, times from the clip's start.

    Returns:
        ``(times, vectors)`` of all steps; steps at or after their clip's end are left out.

    Raises:
        KeyError: a clip without features.
        ValueError: times and vectors of a clip differ in length, or clips in width.
    """
    times, vectors = [], []
    for clip, span in zip(video.clips, video.spans, strict=True):
        at, vector = features[clip.name]
        moments, rows = np.asarray(at, np.float64), np.asarray(vector, np.float32)
        if rows.ndim != 2 or moments.shape != rows.shape[:1]:
            raise ValueError(f"{clip.name}: {moments.shape} times for features {rows.shape}")
        inside = moments < clip.duration
        times.append(moments[inside] + span.start)
        vectors.append(rows[inside])
    if len({v.shape[1] for v in vectors}) > 1:
        raise ValueError(f"{video.name}: its clips' features have several widths")
    return np.concatenate(times), np.concatenate(vectors)


def join_captions(
    captions: Mapping[str, Sequence[str]],
    *,
    per_video: int = 8,
    videos: int | None = None,
    seed: int = 0,
    step: float = 0.5,
    seconds: tuple[float, float] = (10.0, 30.0),
    hold: tuple[int, int] = (1, 8),
) -> tuple[TextVideo, ...]:
    """Join captioned clips of which only the captions are at hand.

    Each clip gets a random length; one of its captions asks, and the others stand for its frames,
    each held for a few steps as captions of neighbouring frames are alike.

    Args:
        captions: by clip name; clips with fewer than two different captions are left out.
        per_video: clips of each joined video.
        videos: how many; ``None`` makes as many as whole videos fit into one use of every clip.
        seed: another seed, other videos.
        step: seconds of one step.
        seconds: least and greatest length of a clip.
        hold: least and greatest number of steps that one caption stands for.

    Raises:
        ValueError: too few clips, or lengths that make no sense.
    """
    if not (0 < step <= seconds[0] <= seconds[1] < float("inf") and 1 <= hold[0] <= hold[1]):
        raise ValueError(f"step {step}, seconds {seconds} and hold {hold} make no sense")
    usable = {n: d for n in sorted(captions) if len(d := _distinct(captions[n])) > 1}
    rng = random.Random(f"join captions {seed}")  # noqa: S311
    least, most = round(seconds[0] / step), round(seconds[1] / step)
    made = []
    for k, names in enumerate(_groups(list(usable), per_video, videos, rng)):
        name = f"text-{seed}-{k:05d}"
        lengths = [rng.randint(least, most) for _ in names]
        asking = [rng.choice(own) if own else None for own in _unshared([usable[n] for n in names])]
        frames: list[str] = []
        queries = []
        total = sum(lengths) * step
        for clip, length, question in zip(names, lengths, asking, strict=True):
            others = [c for c in usable[clip] if c != question]
            first, after = len(frames), len(frames) + length
            while len(frames) < after:
                held = min(rng.randint(*hold), after - len(frames))
                frames += [rng.choice(others)] * held
            if question is not None:
                span = Span(first * step, after * step)
                queries.append(MomentQuery(f"{name}/{clip}", name, question, (span,), total))
        times = tuple(i * step for i in range(len(frames)))
        made.append(TextVideo(name, times, tuple(frames), tuple(queries)))
    return tuple(made)


def _groups(
    names: list[str], per_video: int, videos: int | None, rng: random.Random
) -> Iterator[list[str]]:
    """Groups of different names, each name used equally often but for the last round."""
    if not 1 <= per_video <= len(names):
        raise ValueError(f"{per_video} clips a video cannot be taken from {len(names)}")
    pool: list[str] = []
    for _ in range(len(names) // per_video if videos is None else videos):
        if len(pool) < per_video:
            # What is left of the last round comes first; the fresh round must not repeat it yet.
            fresh = rng.sample(names, len(names))
            pool += [n for n in fresh if n not in pool] + [n for n in fresh if n in pool]
        yield pool[:per_video]
        pool = pool[per_video:]


def _distinct(captions: Sequence[str]) -> list[str]:
    """Captions that differ by more than letters' case, the first of each, stripped."""
    return list(
        {c.strip().casefold(): c.strip() for c in reversed(captions) if c.strip()}.values()
    )[::-1]


def _unshared(captions: Sequence[Sequence[str]]) -> list[list[str]]:
    """Of each clip, the captions that no other clip has, letters' case aside."""
    owners: dict[str, set[int]] = {}
    for k, own in enumerate(captions):
        for caption in own:
            owners.setdefault(caption.casefold(), set()).add(k)
    return [[c for c in own if owners[c.casefold()] == {k}] for k, own in enumerate(captions)]
