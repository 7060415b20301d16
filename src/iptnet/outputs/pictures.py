"""Pictures of keyshots and moments, asked from a provider so that writers never decode video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iptnet.timeline import Keyshot, Moment, Span, Timeline

Picture = NDArray[np.uint8]
Thumbnails = Callable[[Sequence[float]], Sequence[Picture | None]]
"""Times in seconds → one (H, W, 3) RGB picture a time, ``None`` where there is none to be had."""

EDGE = 0.3
"""Seconds at both ends of a stretch where fades and compression make poor pictures."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A keyshot with its picture.

    Attributes:
        number: 1 for the first keyshot of the summary.
        keyshot: the stretch.
        plays_at: when it starts within the summary, in seconds.
        picture: (H, W, 3) RGB, or ``None``.
    """

    number: int
    keyshot: Keyshot
    plays_at: float
    picture: Picture | None


@dataclass(frozen=True, slots=True, eq=False)
class MomentTile:
    """A moment with its picture.

    Attributes:
        sentence: the number of its sentence, from 1.
        rank: among the moments of its sentence, 1 for the first of them.
        moment: the stretch.
        picture: (H, W, 3) RGB, or ``None``.
    """

    sentence: int
    rank: int
    moment: Moment
    picture: Picture | None


def once(thumbnails: Thumbnails) -> Thumbnails:
    """The same provider, remembering: several writers ask for the same times."""
    known: dict[float, Picture | None] = {}

    def remembered(times: Sequence[float]) -> Sequence[Picture | None]:
        new = [t for t in dict.fromkeys(times) if t not in known]
        if new:
            known.update(zip(new, thumbnails(new), strict=True))
        return [known[t] for t in times]

    return remembered


def picture_time(timeline: Timeline, span: Span) -> float:
    """The instant that pictures a span best: as a keyshot says itself, else the sampled time of the
    curve's highest value away from its ends, else its middle."""
    picture = getattr(span, "picture", None)
    if picture is not None:
        return float(min(max(picture, span.start), span.end))
    edge = min(EDGE, span.duration / 4)
    curve = zip(timeline.importance.times, timeline.importance.values, strict=True)
    inside = [(v, t) for t, v in curve if span.start + edge <= t < span.end - edge]
    middle = (span.start + span.end) / 2
    if not inside:
        return middle
    return max(inside, key=lambda vt: (vt[0], -abs(vt[1] - middle)))[1]


def record_times(timeline: Timeline) -> list[float]:
    """When each keyshot starts within the summary: record time accumulates, source time not."""
    starts, at = [], 0.0
    for keyshot in timeline.keyshots:
        starts.append(at)
        at += keyshot.duration
    return starts


def tiles(timeline: Timeline, thumbnails: Thumbnails, limit: int) -> tuple[Tile, ...]:
    """The keyshots with their pictures, in order; of more than ``limit``, the best."""
    starts = record_times(timeline)
    ranked = sorted(range(len(starts)), key=lambda i: (-timeline.keyshots[i].score, i))
    kept = sorted(ranked[:limit])
    keyshots = [timeline.keyshots[i] for i in kept]
    pictures = thumbnails([picture_time(timeline, k) for k in keyshots]) if keyshots else []
    return tuple(
        Tile(i + 1, k, starts[i], picture)
        for i, k, picture in zip(kept, keyshots, pictures, strict=True)
    )


def moment_tiles(timeline: Timeline, thumbnails: Thumbnails, limit: int) -> tuple[MomentTile, ...]:
    """The moments with their pictures, sentence by sentence, each from the first rank on.

    Of more than ``limit``, those of the first ranks have their places, whatever their sentence.
    """
    queries = {query: number for number, query in enumerate(timeline.queries, 1)}
    ranks = dict.fromkeys(queries, 0)
    places: list[tuple[int, int, Moment]] = []
    for moment in timeline.moments:
        ranks[moment.query] += 1
        places.append((queries[moment.query], ranks[moment.query], moment))
    kept = sorted(sorted(places, key=lambda p: (p[1], p[0]))[:limit], key=lambda p: p[:2])
    # Without a summary the curve is how well the first sentence fits, and says nothing of others.
    times = [
        picture_time(timeline, moment)
        if number == 1 and timeline.of_moments
        else (moment.start + moment.end) / 2
        for number, _, moment in kept
    ]
    pictures = thumbnails(times) if kept else []
    return tuple(
        MomentTile(number, rank, moment, picture)
        for (number, rank, moment), picture in zip(kept, pictures, strict=True)
    )
