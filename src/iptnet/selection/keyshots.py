"""From an importance curve to the keyshots of a watchable summary, within a budget.

Shots are cut into pieces of 1.5 to four seconds (:mod:`iptnet.selection.pieces`), and the set of
pieces that the objective of :mod:`iptnet.selection.objective` likes best is played, in order. The
benchmark protocol's own conversion is ``iptnet.protocol.keyshots`` and stays what papers use.

- Nothing new left: the choice stops, however much of the budget is unused.
- The piece for which the rest is too short is shortened to it, if that is watchable.
- Pieces that follow each other within a shot play as one keyshot.
- Keyshots of one scene keep :data:`APART` unless they follow each other or nothing else is left.

Everything is decided on an integer grid: frames of the source, milliseconds at variable rates. The
choice is pure and fast; a slider can call it at every move.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from iptnet.errors import UsageError
from iptnet.selection.candidates import Candidates, Ticks, candidates
from iptnet.selection.content import Content
from iptnet.selection.objective import SHOWN
from iptnet.selection.pieces import LEAST
from iptnet.selection.stretch import best_stretch, samples_inside
from iptnet.timeline import Keyshot, Shot

SHORTEST = 5.0
"""Seconds: no share of a video makes its summary shorter, unless the video is."""
APART = 8.0
"""Seconds between keyshots of one scene, unless they follow each other or nothing else is left."""
EDGE = 0.3
"""Seconds at both ends of a keyshot where fades and compression make poor pictures."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was decided.

    Attributes:
        shots: all shots on the grid, in order, with their mean importance.
        keyshots: what the summary plays, in order; each lies inside one selected shot.
        budget: seconds the summary could last, at least one frame.
        exhausted: the choice stopped because nothing new was left.
    """

    shots: tuple[Shot, ...]
    keyshots: tuple[Keyshot, ...]
    budget: float
    exhausted: bool = False


def select(
    times: ArrayLike,
    values: ArrayLike,
    bounds: ArrayLike,
    duration: float,
    *,
    ratio: float = 0.15,
    frame_interval: float | None = None,
    content: Content | None = None,
) -> Selection:
    """Choose keyshots in one go, from the samples of a video; see :func:`choose`.

    Raises:
        UsageError: the ratio is not in (0, 1].
        ValueError: the arrays are malformed.
    """
    seconds = budget_of(duration, ratio)
    return choose(
        candidates(times, values, bounds, duration, frame_interval=frame_interval, content=content),
        seconds,
    )


def budget_of(duration: float, ratio: float | None = None, length: float | None = None) -> float:
    """Seconds that a summary may last.

    Args:
        duration: of the video in seconds.
        ratio: share of it to keep, in (0, 1]; no less than :data:`SHORTEST` comes of it.
        length: seconds instead.

    Raises:
        UsageError: both or neither given, a ratio not in (0, 1], a length not above 0.
    """
    if (ratio is None) == (length is None):
        raise UsageError("a ratio and a length are two answers to one question", "give one of them")
    if length is not None:
        if not (math.isfinite(length) and length > 0):
            raise UsageError(f"a length of {length} s is not above 0", "give seconds such as 60")
        return min(length, duration)
    assert ratio is not None
    if not 0 < ratio <= 1:
        raise UsageError(f"a ratio of {ratio} is not in (0, 1]", "give a share such as 0.15")
    return min(max(ratio * duration, SHORTEST), duration)


def choose(
    found: Candidates, seconds: float, *, stop_at: float = SHOWN, at_least: float = 0.0
) -> Selection:
    """Choose the keyshots of a summary of at most ``seconds``, and at least a frame.

    Args:
        found: pieces of the video.
        seconds: budget; with the whole duration every shot is kept whole.
        stop_at: pieces whose picture is shown to this degree are left out; above 1, none is.
        at_least: pieces of less importance are left out, unless none has as much.
    """
    rate = found.rate
    budget = min(found.total, max(found.least, math.floor(seconds * rate + 1e-6)))
    if budget == found.total and not at_least:
        return _selection(found, found.shots, budget, exhausted=False)
    allowed = found.scores >= min(at_least, float(found.scores.max()))
    order, beyond = found.objective.choose(budget, stop_at, allowed, round(APART * rate))
    played = [found.pieces[i] for i in order]
    left = budget - sum(b - a for a, b in played)
    if beyond is not None and beyond not in order and (left >= LEAST * rate or not played):
        played.append(_shortened(found, beyond, left, played))
    # Of a video that shows one thing, that thing still lasts a while.
    floor = min(budget, math.floor(min(SHORTEST, found.duration) * rate))
    ticks = _played_on(found, sorted(played), floor)
    unused = budget - sum(b - a for a, b in ticks)
    exhausted = beyond is None and unused >= LEAST * rate
    return _selection(found, ticks, budget, exhausted=exhausted)


def _played_on(found: Candidates, played: Ticks, floor: int) -> Ticks:
    """Let what is played go on, first within its shots, until ``floor`` ticks are reached."""
    parts = [list(part) for part in played]
    for homes in (found.shots, [(0, found.total)]):
        for k, part in enumerate(parts):
            first, last = next((a, b) for a, b in homes if a <= part[0] < b)
            before = parts[k - 1][1] if k else 0
            after = parts[k + 1][0] if k + 1 < len(parts) else found.total
            left = max(0, floor - sum(b - a for a, b in parts))
            more = min(left, max(0, min(last, after) - part[1]))
            part[1] += more
            part[0] -= min(left - more, max(0, part[0] - max(first, before)))
    return [(a, b) for a, b in parts]


def _shortened(found: Candidates, i: int, length: int, played: Ticks) -> tuple[int, int]:
    """The best ``length`` ticks of a piece, or all of it; those next to what is played already."""
    first, last = found.pieces[i]
    if last - first <= length:
        return first, last
    if any(b == first for _, b in played):
        return first, first + length
    if any(a == last for a, _ in played):
        return last - length, last
    start, _ = best_stretch(found.times, found.values, (first, last), length, found.rate)
    return start, start + length


def _selection(found: Candidates, played: Ticks, budget: int, *, exhausted: bool) -> Selection:
    """Shots and keyshots in seconds; parts that follow each other within a shot become one."""
    firsts = np.array([a for a, _ in found.shots])
    runs: list[list[int]] = []
    for first, last in played:
        home = int(np.searchsorted(firsts, first, side="right")) - 1
        if runs and runs[-1][1] == first and runs[-1][2] == home:
            runs[-1][1] = last
        else:
            runs.append([first, last, home])

    def seconds(tick: int) -> float:
        # The last frame of a file may last longer than the others; what ends with it keeps that.
        return found.duration if tick == found.total else min(tick / found.rate, found.duration)

    def score(first: int, last: int) -> float:
        part = samples_inside(found.times, first / found.rate, last / found.rate)
        return float(found.values[part].mean())

    keyshots = tuple(
        Keyshot(seconds(a), seconds(b), score(a, b), _picture(found, a, b)) for a, b, _ in runs
    )
    homes = {home for _, _, home in runs}
    shots = tuple(
        Shot(seconds(a), seconds(b), score=score(a, b), selected=i in homes)
        for i, (a, b) in enumerate(found.shots)
    )
    return Selection(shots, keyshots, budget / found.rate, exhausted)


def _picture(found: Candidates, first: int, last: int) -> float:
    """Seconds of the frame that shows best what a keyshot is about."""
    start, end = first / found.rate, last / found.rate
    edge = min(EDGE, (end - start) / 4)
    part = samples_inside(found.times, start + edge, end - edge)
    times, values = found.times[part], found.values[part]
    middle = (start + end) / 2
    if times[0] < start or times[-1] >= end:
        return middle
    peak = float(values.max())
    near = values / peak if peak > 0 else np.ones(len(values))
    appeal = (near * found.telling[part]).round(6)
    best = np.lexsort((np.abs(times - middle), -appeal))[0]
    return float(times[best])
