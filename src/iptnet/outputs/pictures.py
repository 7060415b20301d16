"""One picture for each keyshot, asked from a provider so that writers never decode video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iptnet.timeline import Keyshot, Timeline

Picture = NDArray[np.uint8]
Thumbnails = Callable[[Sequence[float]], Sequence[Picture | None]]
"""Times in seconds → one (H, W, 3) RGB picture a time, ``None`` where there is none to be had."""

EDGE = 0.3
"""Seconds at both ends of a keyshot where fades and compression make poor pictures."""


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


def once(thumbnails: Thumbnails) -> Thumbnails:
    """The same provider, remembering: several writers ask for the same times."""
    known: dict[float, Picture | None] = {}

    def remembered(times: Sequence[float]) -> Sequence[Picture | None]:
        new = [t for t in dict.fromkeys(times) if t not in known]
        if new:
            known.update(zip(new, thumbnails(new), strict=True))
        return [known[t] for t in times]

    return remembered


def picture_time(timeline: Timeline, keyshot: Keyshot) -> float:
    """The instant that pictures a keyshot best: as it says itself, else the most important sampled
    time away from its ends, else its middle."""
    if keyshot.picture is not None:
        return min(max(keyshot.picture, keyshot.start), keyshot.end)
    edge = min(EDGE, keyshot.duration / 4)
    curve = zip(timeline.importance.times, timeline.importance.values, strict=True)
    inside = [(v, t) for t, v in curve if keyshot.start + edge <= t < keyshot.end - edge]
    middle = (keyshot.start + keyshot.end) / 2
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
