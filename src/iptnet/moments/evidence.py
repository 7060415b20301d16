"""Evidence for a candidate: a row of figures from the maps and the pictures, for the ranker.

Of each map: its mean inside, on both sides and elsewhere, its extremes inside and outside, and how
much of what is high lies inside. Of the words: how much they stand out inside. Of the pictures: how
alike the inside is to its surroundings and the rest, how much the picture changes at the bounds. Of
the sentence: how alike it is to the mean picture inside, and to what sets that apart. Of the shape:
length, share, place, and how fine the steps are. Running sums make every figure a few look-ups, so
an hour costs no more than its candidates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.model.smoothing import gaussian
from iptnet.moments.similarity import Similarity, VideoVectors

SMOOTHING = 1.5
"""Deviation in seconds of the Gaussian before extremes are looked at."""

HIGH = 0.6
"""Share of a smoothed map's range above which a step counts as high."""

SHAPE, PICTURES, SENTENCE, WORDS, PER_MAP = 6, 6, 3, 3, 11
WIDTH = SHAPE + PICTURES + SENTENCE + WORDS + 3 * PER_MAP
"""Figures of a candidate, without those of LM's maps."""

LOG_SECONDS, COSINE_INSIDE = 0, SHAPE + PICTURES + SENTENCE + WORDS
"""Columns that the ranker reads on their own: the length, and the first map's mean inside."""

LEARNED = 2
"""LM's maps that a ranker may read besides: I_Loc and saliency."""

Floats = NDArray[np.float64]
Steps = NDArray[np.int64]


def evidence(
    video: VideoVectors,
    asked: Similarity,
    sentence: ArrayLike,
    found: Steps,
    learned: Floats | None = None,
) -> NDArray[np.float32]:
    """Describe candidates.

    Args:
        video: T steps.
        asked: what the sentence and its words say of them.
        sentence: (D,) unit.
        found: (P, 2) steps [first, after).
        learned: (LEARNED, T) logits of LM's maps, where the ranker reads them.

    Returns:
        (P, WIDTH) float32, finite; with learned maps (P, WIDTH + LEARNED · PER_MAP).
    """
    T = asked.maps.shape[1]
    a, b = found.T
    n = b - a
    where = Where(a, b, *surroundings(a, b, T))
    columns = [
        np.log(n * video.seconds),
        n / T,
        a / T,
        b / T,
        np.full(len(a), np.log(video.seconds)),
        np.full(len(a), np.log(T * video.seconds)),
        *_of_pictures(video, np.asarray(sentence, np.float64), where),
        *_of_words(asked.words, a, b),
    ]
    for row in (*asked.maps, *(() if learned is None else learned)):
        columns += _of_map(row, SMOOTHING / video.seconds, where)
    return np.stack(columns, axis=1).astype(np.float32)


class Where(NamedTuple):
    """Candidates [first, after) and their surroundings [low, high), (P,) steps each."""

    first: Steps
    after: Steps
    low: Steps
    high: Steps


def surroundings(a: Steps, b: Steps, steps: int) -> tuple[Steps, Steps]:
    """Where the surroundings of [a, b) begin and end: about half its length to either side."""
    margin = (b - a + 1) // 2 + 1
    return np.maximum(a - margin, 0), np.minimum(b + margin, steps)


def _of_pictures(video: VideoVectors, sentence: Floats, where: Where) -> list[Floats]:
    """Nine figures (P,) from the mean pictures of the inside, the surroundings and the rest."""
    (a, b, low, high), total, T = where, video.running, len(video.steps)
    n = (b - a)[:, None]

    def mean(summed: Floats, count: Steps) -> Floats:
        return summed / np.maximum(count, 1)[:, None]

    summed = total[b] - total[a]
    inside = summed / n
    left, right = mean(total[a] - total[low], a - low), mean(total[high] - total[b], high - b)
    beside = mean(total[high] - total[low] - summed, high - low - (b - a))
    rest = mean(total[-1] - summed, T - (b - a))
    near = np.where(((high - low) > (b - a))[:, None], inside - beside, 0.0)
    far = np.where(((b - a) < T)[:, None], inside - rest, 0.0)
    return [
        _cosine(inside, left),
        _cosine(inside, right),
        _cosine(inside, rest),
        np.linalg.norm(inside, axis=1),
        video.jumps[a],
        video.jumps[b],
        _along(inside, sentence),
        _along(near, sentence),
        _along(far, sentence),
    ]


def _of_words(words: Floats, a: Steps, b: Steps) -> list[Floats]:
    """Three figures (P,): how much the best word, the best three and all stand out inside."""
    total = np.concatenate([np.zeros((len(words), 1)), np.cumsum(words, axis=1)], axis=1)
    inside = np.sort((total[:, b] - total[:, a]) / (b - a), axis=0)
    return [inside[-1], inside[-3:].mean(axis=0), inside.mean(axis=0)]


def _cosine(x: Floats, y: Floats) -> Floats:
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    return np.asarray((x * y).sum(axis=1) / np.maximum(lengths, 1e-6))


def _along(x: Floats, sentence: Floats) -> Floats:
    return np.asarray(x @ sentence / np.maximum(np.linalg.norm(x, axis=1), 1e-2))


def _of_map(values: Floats, deviation: float, where: Where) -> list[Floats]:
    """Eleven figures (P,) of one map (T,)."""
    a, b, low, high = where
    T = len(values)
    z = (values - values.mean()) / (values.std() + 1e-6)
    smooth = gaussian(z, deviation, "edge") if deviation > 0.25 else z
    top, bottom = float(smooth.max()), float(smooth.min())
    total, raw = _running(z), _running(values)
    tall = _running((smooth > bottom + HIGH * (top - bottom)).astype(np.float64))
    best, worst = extremes(smooth, a, b), -extremes(-smooth, a, b)
    so_far = np.maximum.accumulate(smooth)
    from_here = np.maximum.accumulate(smooth[::-1])[::-1]
    before = np.where(a > 0, so_far[np.maximum(a - 1, 0)], -3.0)
    after = np.where(b < T, from_here[np.minimum(b, T - 1)], -3.0)
    n = b - a
    inside = total[b] - total[a]
    return [
        inside / n,
        (total[a] - total[low]) / np.maximum(a - low, 1),
        (total[high] - total[b]) / np.maximum(high - b, 1),
        (total[-1] - inside) / np.maximum(T - n, 1),
        (raw[b] - raw[a]) / n,
        best,
        worst,
        top - best,
        np.maximum(before, after),
        (tall[b] - tall[a]) / n,
        (tall[b] - tall[a]) / max(float(tall[-1]), 1.0),
    ]


def extremes(values: Floats, a: Steps, b: Steps) -> Floats:
    """Find the greatest value of (T,) in each [a, b), from maxima over powers of two."""
    tables = [values]
    while 2 ** len(tables) <= len(values):
        half, last = 2 ** (len(tables) - 1), tables[-1]
        longer = last.copy()
        longer[:-half] = np.maximum(last[:-half], last[half:])
        tables.append(longer)
    power = np.log2(b - a + 0.5).astype(np.int64)
    table = np.stack(tables)
    return np.asarray(np.maximum(table[power, a], table[power, b - 2**power]))


def _running(x: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(x)])
