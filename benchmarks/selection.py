"""How people would rate our way of choosing keyshots, beside the benchmark's own conversion.

Importance is the mean of all the *other* people's summaries (smoothed, with noise added), so both
rules get the same good but imperfect curve; F is against the person left out. Ours knows what the
captions of the frames say, but no cues of the picture, which the file does not hold.

    python -m benchmarks.selection SUMME.h5
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.data.benchmark import load_benchmark
from iptnet.data.record import BenchmarkVideo
from iptnet.protocol.keyshots import keyshot_summary
from iptnet.protocol.scores import f_score
from iptnet.selection.candidates import DEFAULT, Weights, candidates
from iptnet.selection.content import Content
from iptnet.selection.keyshots import budget_of, choose

FLICKER = 4
"""Samples to either side over which captions are averaged: two seconds."""
NOISES = (0.0, 0.3, 1.0)


def content(video: BenchmarkVideo, centre: NDArray[np.float64]) -> Content:
    """What a benchmark video shows: its features around those of all, and shots for scenes."""
    rows = np.asarray(video.features, np.float64) - centre
    # Captions flicker from frame to frame, as pictures do not.
    sums = np.cumsum(np.pad(rows, ((FLICKER + 1, FLICKER), (0, 0)), mode="edge"), axis=0)
    rows = (sums[2 * FLICKER + 1 :] - sums[: -2 * FLICKER - 1]) / (2 * FLICKER + 1)
    count = len(rows)
    scene = np.searchsorted(video.change_points[:, 0], video.picks, side="right")
    ones = np.ones(count)
    return Content(rows, scene, np.zeros(count), ones, ones, ones)


def ours(
    video: BenchmarkVideo,
    importance: NDArray[np.float64],
    fps: float,
    weights: Weights = DEFAULT,
    centre: NDArray[np.float64] | None = None,
) -> NDArray[np.uint8]:
    """The summary that a viewer would get, as 0/1 frames."""
    points = video.change_points
    bounds = np.stack([points[:, 0], points[:, 1] + 1], axis=1) / fps
    duration = video.n_frames / fps
    found = candidates(
        video.picks / fps, importance, bounds, duration, frame_interval=1 / fps,
        content=content(video, centre) if centre is not None else None, weights=weights,
    )  # fmt: skip
    frames = np.zeros(video.n_frames, np.uint8)
    for keyshot in choose(found, budget_of(duration, 0.15)).keyshots:
        frames[round(keyshot.start * fps) : round(keyshot.end * fps)] = 1
    return frames


def centre_of(videos: list[BenchmarkVideo]) -> NDArray[np.float64]:
    """Mean of the features of all frames."""
    return np.concatenate([v.features for v in videos]).mean(axis=0, dtype=np.float64)


def agreement(
    videos: list[BenchmarkVideo],
    noise: float,
    centre: NDArray[np.float64],
    weights: Weights = DEFAULT,
    every: int = 1,
) -> NDArray[np.float64]:
    """(2,) mean F of the protocol's rule and of ours against users left out.

    Args:
        videos: with people's summaries.
        noise: deviation of what is added to the importance, as a share of its own.
        centre: mean of the features, see :func:`centre_of`.
        weights: of the choice.
        every: so many users are left out in turn, for a quicker look.
    """
    rng, scores = np.random.default_rng(0), []
    for video in videos:
        users = video.users
        assert users is not None, f"{video.key} has no summaries to compare with"
        for user in range(0, len(users), every):
            others = np.delete(users, user, 0).mean(axis=0)[video.picks]
            curve = np.convolve(others, np.full(5, 0.2), "same")
            curve = curve + noise * curve.std() * rng.standard_normal(len(curve))
            curve = (curve - curve.min()) / max(float(np.ptp(curve)), 1e-9)
            theirs = keyshot_summary(curve, video.picks, video.change_points, video.n_frames)
            mine = ours(video, curve, video.fps or 25.0, weights, centre)
            one = users[user : user + 1]
            scores.append([f_score(s, one, "max").f for s in (theirs, mine)])
    means: NDArray[np.float64] = np.mean(scores, axis=0)
    return means


def measure(path: Path) -> None:
    """Print mean F of both rules at each level of noise."""
    videos = list(load_benchmark(path))
    centre = centre_of(videos)
    print(f"{'noise':>6}  {'protocol':>8}  {'ours':>8}")
    for noise in NOISES:
        means = agreement(videos, noise, centre)
        print(f"{noise:6.1f}  {means[0]:8.3f}  {means[1]:8.3f}")


if __name__ == "__main__":
    measure(Path(sys.argv[1]))
