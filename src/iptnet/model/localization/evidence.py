"""What speaks for a candidate: a row of figures from the maps and the pictures, for the ranker.

Of each map: its mean inside, around and elsewhere, its extremes inside and outside, its jumps at
both bounds, and how much of what is high lies inside. Of the pictures: how alike the inside is to
its surroundings, to the rest, and across both bounds. Of the sentence: how alike it is to the mean
picture inside, and to what sets that apart from the surroundings and from the rest; and how much
its words stand out inside. Of the shape: place and length. Running sums (of the maps, and of all
pairs of pictures' products) and maxima over powers of two make every figure a few look-ups, for all
windows of a video at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.model.smoothing import gaussian

PER_MAP = 13
SHAPE, PICTURES, SENTENCE = 5, 8, 6
ACROSS = 3
"""Steps on each side of a bound whose mean pictures are compared."""

Floats = NDArray[np.float64]
Steps = NDArray[np.int64]


def width(maps: int) -> int:
    """Columns of :func:`evidence` for so many maps."""
    return SHAPE + PICTURES + SENTENCE + PER_MAP * maps


@dataclass(frozen=True)
class Pictures:
    """What evidence needs of the pictures, whatever is asked, of W windows of T steps.

    Attributes:
        products: (W, T + 1, T + 1) running sums of the steps' products over both axes.
        jumps: (W, T + 1) how much the picture changes at each bound, against the window's mean.
    """

    products: Floats
    jumps: Floats

    @classmethod
    def of(cls, windows: ArrayLike) -> Pictures:
        """From pooled features (W, T, D)."""
        v = np.asarray(windows, np.float64)
        W, T, _ = v.shape
        products = np.zeros((W, T + 1, T + 1))
        products[:, 1:, 1:] = (v @ v.transpose(0, 2, 1)).cumsum(axis=1).cumsum(axis=2)
        jumps = np.zeros((W, T + 1))
        jumps[:, 1:-1] = np.linalg.norm(np.diff(v, axis=1), axis=2)
        usual = jumps[:, 1:-1].mean(axis=1, keepdims=True) + 1e-6 if T > 1 else 1.0
        return cls(products, jumps / usual)

    def block(self, at: Steps, a: Steps, b: Steps, c: Steps, d: Steps) -> Floats:
        """Product of the summed pictures of [a, b) and [c, d) in the windows ``at``."""
        P = self.products
        return np.asarray(P[at, b, d] - P[at, a, d] - P[at, b, c] + P[at, a, c])

    def dot(self, at: Steps, a: Steps, b: Steps, c: Steps, d: Steps) -> Floats:
        """Product of the mean pictures; 0 if one is empty."""
        return self.block(at, a, b, c, d) / np.maximum((b - a) * (d - c), 1)

    def alike(self, at: Steps, a: Steps, b: Steps, c: Steps, d: Steps) -> Floats:
        """Cosine of the mean pictures of [a, b) and [c, d); 0 where one is empty or zero."""
        lengths = self.length(at, a, b) * self.length(at, c, d)
        return np.asarray(self.dot(at, a, b, c, d) / np.maximum(lengths, 1e-6))

    def length(self, at: Steps, a: Steps, b: Steps) -> Floats:
        """Length of the mean picture of [a, b)."""
        return np.sqrt(np.maximum(self.dot(at, a, b, a, b), 0))


@dataclass(frozen=True)
class Asked:
    """What a sentence and its words say of the steps.

    Attributes:
        products: (W, T) of the sentence, of length one, and the steps' features.
        words: (W, L, T) cosine of each word and step, standardised within the window.
    """

    products: Floats
    words: Floats


def evidence(
    pictures: Pictures, maps: ArrayLike, asked: Asked, found: Steps
) -> NDArray[np.float32]:
    """Describe candidates.

    Args:
        pictures: of W windows of T steps.
        maps: (W, K, T) values of K maps, each on any scale.
        asked: of the same windows.
        found: (P, 3) window and [first, after).

    Returns:
        (P, 19 + 13·K) float32, finite.
    """
    values = np.asarray(maps, np.float64)
    T = values.shape[2]
    at, a, b = found.T
    n = b - a
    left, right = _around(a, b, T)
    columns = [n / T, np.log(n), a / T, b / T, np.full(len(a), np.log(T))]
    columns += [
        pictures.alike(at, a, b, left, a),
        pictures.alike(at, a, b, b, right),
        _against_rest(pictures, at, a, b),
        pictures.length(at, a, b),
        pictures.alike(at, np.maximum(a - ACROSS, 0), a, a, np.minimum(a + ACROSS, T)),
        pictures.alike(at, np.maximum(b - ACROSS, 0), b, b, np.minimum(b + ACROSS, T)),
        pictures.jumps[at, a],
        pictures.jumps[at, b],
        *_of_sentence(pictures, asked, at, a, b),
    ]
    of_maps = _of_maps(values, at, a, b)
    rows = np.concatenate([np.stack(columns, axis=1), of_maps.reshape(len(a), -1)], axis=1)
    return rows.astype(np.float32)


def _against_rest(pictures: Pictures, at: Steps, a: Steps, b: Steps) -> Floats:
    """Cosine of the mean picture of [a, b) and that of all other steps."""
    P = pictures.products
    T = P.shape[1] - 1
    n = b - a
    inside = pictures.block(at, a, b, a, b)
    both = pictures.block(at, a, b, np.zeros_like(a), np.full_like(a, T))
    rest = np.sqrt(np.maximum(P[at, T, T] - 2 * both + inside, 0))
    count = np.maximum(n * (T - n), 1)
    lengths = np.sqrt(np.maximum(inside, 0)) * rest / count
    return np.asarray((both - inside) / count / np.maximum(lengths, 1e-6))


def _of_sentence(pictures: Pictures, asked: Asked, at: Steps, a: Steps, b: Steps) -> list[Floats]:
    """Six figures (P,): the sentence and the inside, its contrasts, and the words."""
    T = asked.products.shape[1]
    total, block = _running(asked.products), pictures.block
    inside = total[at, b] - total[at, a]
    n = b - a

    def contrast(low: Steps, high: Steps) -> Floats:
        """Cosine of the sentence and the inside's mean picture less that of the rest around it."""
        others = high - low - n
        rest = np.where(others > 0, 1 / np.maximum(others, 1), 0.0)
        share = np.where(others > 0, 1 / n + rest, 0.0)
        square = share**2 * block(at, a, b, a, b) + rest**2 * block(at, low, high, low, high)
        square -= 2 * share * rest * block(at, a, b, low, high)
        along = share * inside - rest * (total[at, high] - total[at, low])
        return np.asarray(along / np.maximum(np.sqrt(np.maximum(square, 0)), 1e-2))

    standing_out = np.sort(_mean(_running(asked.words), at, a, b), axis=1)
    return [
        inside / n / np.maximum(pictures.length(at, a, b), 1e-2),
        contrast(*_around(a, b, T)),
        contrast(np.zeros_like(a), np.full_like(a, T)),
        standing_out[:, -1],
        standing_out[:, -3:].mean(axis=1),
        standing_out.mean(axis=1),
    ]


def _around(a: Steps, b: Steps, steps: int) -> tuple[Steps, Steps]:
    """Where the surroundings of [a, b) begin and end: about half its length to either side."""
    margin = (b - a + 1) // 2 + 1
    return np.maximum(a - margin, 0), np.minimum(b + margin, steps)


def _of_maps(values: Floats, at: Steps, a: Steps, b: Steps) -> Floats:
    """(P, K, 13)."""
    T = values.shape[2]
    n = (b - a)[:, None]
    left, right = _around(a, b, T)
    z = values - values.mean(axis=2, keepdims=True)
    z /= values.std(axis=2, keepdims=True) + 1e-6
    smooth = gaussian(z, 1.0)
    top, bottom = smooth.max(axis=2), smooth.min(axis=2)
    total = _running(z)
    best, worst = extremes(smooth, at, a, b), -extremes(-smooth, at, a, b)
    so_far = np.maximum.accumulate(smooth, axis=2)
    from_here = np.maximum.accumulate(smooth[..., ::-1], axis=2)[..., ::-1]
    before = np.where(a[:, None] > 0, so_far[at, :, np.maximum(a - 1, 0)], -3.0)
    after = np.where(b[:, None] < T, from_here[at, :, np.minimum(b, T - 1)], -3.0)
    high = _running((smooth > (bottom + 0.6 * (top - bottom))[..., None]).astype(np.float64))
    outside = total[at, :, T] - total[at, :, b] + total[at, :, a]
    figures = [
        _mean(total, at, a, b),
        _mean(total, at, left, a),
        _mean(total, at, b, right),
        outside / np.maximum(T - n, 1),
        _mean(_running(values), at, a, b),
        best,
        worst,
        top[at] - best,
        np.maximum(before, after),
        z[at, :, np.maximum(a - 1, 0)] - z[at, :, a],
        z[at, :, np.minimum(b, T - 1)] - z[at, :, b - 1],
        _mean(high, at, a, b),
        (high[at, :, b] - high[at, :, a]) / np.maximum(high[at, :, T], 1.0),
    ]
    return np.stack(figures, axis=2)


def extremes(values: Floats, at: Steps, a: Steps, b: Steps) -> Floats:
    """Greatest value of each map in [a, b), from maxima over powers of two.

    Args:
        values: (W, K, T).
        at: (P,) windows.
        a: (P,) first steps.
        b: (P,) steps after the last, above ``a``.

    Returns:
        (P, K).
    """
    tables = [values]
    while 2 ** len(tables) <= values.shape[2]:
        half, last = 2 ** (len(tables) - 1), tables[-1]
        longer = last.copy()
        longer[..., :-half] = np.maximum(last[..., :-half], last[..., half:])
        tables.append(longer)
    power = np.log2(b - a + 0.5).astype(np.int64)
    found = np.stack(tables)
    return np.maximum(found[power, at, :, a], found[power, at, :, b - 2**power])


def _running(x: Floats) -> Floats:
    return np.concatenate([np.zeros((*x.shape[:-1], 1)), np.cumsum(x, axis=-1)], axis=-1)


def _mean(total: Floats, at: Steps, start: Steps, end: Steps) -> Floats:
    """Mean of each map over [start, end), (P, K); zero where empty."""
    count = np.maximum(end - start, 1)[:, None]
    return np.asarray((total[at, :, end] - total[at, :, start]) / count)
