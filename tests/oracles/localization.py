"""Brute-force twins of the LM: loops over steps, words and pairs, one number at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

Vector = Sequence[float]


def best_pair(start: Vector, end: Vector) -> tuple[int, int]:
    best, found = -1.0, (0, 0)
    for last in range(len(end)):
        for first in range(last + 1):
            if start[first] * end[last] > best:
                best, found = start[first] * end[last], (first, last)
    return found


def overlap(a: Vector, b: Vector) -> float:
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - shared
    return shared / union if union > 0 else 0.0


def suppress(
    windows: Sequence[Vector], scores: Vector, threshold: float, top: int, share_of: str = "union"
) -> list[int]:
    def shared(i: int, k: int) -> float:
        if share_of == "union":
            return overlap(windows[i], windows[k])
        (a, b), (c, d) = windows[i], windows[k]
        return max(min(b, d) - max(a, c), 0.0) / min(b - a, d - c)

    kept: list[int] = []
    for i in sorted(range(len(windows)), key=lambda i: (-scores[i], i)):
        if len(kept) == top:
            break
        if all(shared(i, k) <= threshold for k in kept):
            kept.append(i)
    return kept


def softmax(values: Vector) -> list[float]:
    top = max(values)
    powers = [math.exp(v - top) for v in values]
    return [p / sum(powers) for p in powers]


def dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def context_query(
    video: Sequence[Vector],
    words: Sequence[Vector],
    for_video: Vector,
    for_words: Vector,
    for_both: Vector,
) -> list[list[float]]:
    """[V, A, V⊙A, V⊙B] of one unpadded video and query, before the linear layer."""
    T, L, H = len(video), len(words), len(for_video)
    S = [
        [
            dot(for_video, v)
            + dot(for_words, q)
            + sum(w * x * y for w, x, y in zip(for_both, v, q, strict=True))
            for q in words
        ]
        for v in video
    ]
    by_row = [softmax(row) for row in S]
    columns = [softmax([S[t][j] for t in range(T)]) for j in range(L)]  # [word][step]
    result = []
    for i in range(T):
        a = [sum(by_row[i][j] * words[j][h] for j in range(L)) for h in range(H)]
        b = [0.0] * H
        for k in range(T):
            weight = sum(by_row[i][j] * columns[j][k] for j in range(L))
            for h in range(H):
                b[h] += weight * video[k][h]
        v = list(video[i])
        result.append(
            v
            + a
            + [x * y for x, y in zip(v, a, strict=True)]
            + [x * y for x, y in zip(v, b, strict=True)]
        )
    return result


def highlight_loss(
    logits: Sequence[Vector], foreground: Sequence[Sequence[int]], lengths: Sequence[int]
) -> float:
    total, steps = 0.0, 0
    for row, truth, length in zip(logits, foreground, lengths, strict=True):
        for t in range(length):
            p = 1 / (1 + math.exp(-row[t]))
            total += -2 * math.log(p) if truth[t] else -math.log(1 - p)
            steps += 1
    return total / steps


def extended(first: int, last: int, steps: int) -> list[bool]:
    extra = round((last - first + 1) * 0.1)
    return [first - extra <= t <= last + extra for t in range(steps)]


def pool(times: Vector, rows: Sequence[Vector], edges: Vector) -> list[list[float] | None]:
    """Mean row of the samples of each bin; None where no sample falls."""
    result: list[list[float] | None] = []
    for low, high in pairwise(edges):
        inside = [r for t, r in zip(times, rows, strict=True) if low <= t < high]
        result.append(
            [sum(column) / len(inside) for column in zip(*inside, strict=True)] if inside else None
        )
    return result


def best_bins(edges: Vector, window: Vector) -> float:
    """The best IoU that any pair of bins reaches with a window."""
    T = len(edges) - 1
    return max(overlap((edges[a], edges[b + 1]), window) for a in range(T) for b in range(a, T))


def runs(above: Sequence[bool]) -> list[tuple[int, int]]:
    """Stretches [first, after) of True."""
    found, first = [], None
    for t, high in enumerate([*above, False]):
        if high and first is None:
            first = t
        if not high and first is not None:
            found.append((first, t))
            first = None
    return found


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def ranking_loss(logits: Sequence[Vector], overlap: Sequence[Vector], weight: float) -> float:
    """BCE over all candidates, plus the weighted top-one cross-entropy of the queries."""
    terms, orders = [], []
    for p, y in zip(logits, overlap, strict=True):
        for x, t in zip(p, y, strict=True):
            share = 1 / (1 + math.exp(-x))
            terms.append(-t * math.log(share) - (1 - t) * math.log(1 - share))
        if max(y) > 0.3:
            wanted, given = softmax([t / 0.1 for t in y]), softmax(p)
            orders.append(-sum(w * math.log(g) for w, g in zip(wanted, given, strict=True)))
    return mean(terms) + (weight * mean(orders) if orders else 0.0)


def contrast(
    steps: Sequence[Vector], sentence: Vector, span: tuple[int, int], around: tuple[int, int]
) -> float:
    """Cosine of a sentence and the mean step of a span less that of its surroundings."""
    inside = [v for t, v in enumerate(steps) if span[0] <= t < span[1]]
    rest = [v for t, v in enumerate(steps) if around[0] <= t < around[1] and v not in inside]
    if not rest:
        return 0.0
    apart = [
        sum(v[d] for v in inside) / len(inside) - sum(v[d] for v in rest) / len(rest)
        for d in range(len(sentence))
    ]
    return dot(apart, sentence) / max(math.sqrt(dot(apart, apart)), 1e-2)
