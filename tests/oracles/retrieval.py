"""Retrieval and its loss by plain loops."""

from __future__ import annotations

import math
from collections.abc import Sequence


def rank(scores: Sequence[float], own: int) -> int:
    """Place of one item in the sorted list, behind everything that scores as much."""
    ahead = 1
    for i, score in enumerate(scores):
        if i != own and score >= scores[own]:
            ahead += 1
    return ahead


def average_precision(scores: Sequence[float], relevant: Sequence[bool]) -> float:
    """Walk down the list; at each relevant item, note the share of relevant ones so far."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    seen, precisions = 0, []
    for place, i in enumerate(order, start=1):
        if relevant[i]:
            seen += 1
            precisions.append(seen / place)
    return sum(precisions) / len(precisions)


def softmax(values: Sequence[float]) -> list[float]:
    top = max(values)
    powers = [math.exp(v - top) for v in values]
    return [p / sum(powers) for p in powers]


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def contrast(
    pictures: Sequence[Sequence[float]],
    sentences: Sequence[Sequence[Sequence[float]]],
    temperature: float,
    softness: float,
) -> float:
    """The picture–sentence loss, term by term."""
    n, k = len(sentences), len(sentences[0])
    flat = [(i, s) for i in range(n) for s in sentences[i]]
    to_picture = to_sentence = soft = 0.0
    for i, s in flat:
        found = softmax([dot(p, s) / temperature for p in pictures])
        to_picture -= math.log(found[i]) / (n * k)
        likeness = []
        for j in range(n):
            total = [sum(values) for values in zip(*sentences[j], strict=True)]
            length = math.sqrt(dot(total, total))
            likeness.append(1.0 if j == i else dot(s, [t / length for t in total]))
        wanted = softmax([x / temperature for x in likeness])
        soft -= sum(w * math.log(f) for w, f in zip(wanted, found, strict=True)) / (n * k)
    for i, p in enumerate(pictures):
        found = softmax([dot(p, s) / temperature for _, s in flat])
        to_sentence -= sum(math.log(found[i * k + c]) for c in range(k)) / (n * k)
    return (1 - softness) * (to_picture + 0.5 * to_sentence) + softness * 1.5 * soft
