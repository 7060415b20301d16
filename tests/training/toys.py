"""A small TVSum: 25 videos under real keys, 16 numbers a step, labels that can be learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from iptnet.data.benchmark import BenchmarkVideo, write_benchmark
from iptnet.features.recipe import Recipe

RECIPE = Recipe("toy", "none", "unknown", "every 15th frame", "none", "none", "l2", 16, "toy")


def toy_video(k: int, users: int = 3) -> BenchmarkVideo:
    """Scenes of random content; a scene is as important as its first number."""
    rng = np.random.default_rng(k)
    shots, steps = 8, 6 + k % 3
    scenes = rng.normal(size=(shots, 16))
    features = np.repeat(scenes, steps, axis=0) + 0.1 * rng.normal(size=(shots * steps, 16))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    n_frames = shots * steps * 15
    edges = np.arange(0, n_frames + 1, steps * 15)
    worth = np.repeat(scenes[:, 0], steps * 15) + rng.normal(size=(users, n_frames)) * 0.05
    return BenchmarkVideo(
        key=f"video_{k}",
        name=f"video_{k}",
        features=features.astype(np.float32),
        picks=np.arange(0, n_frames, 15),
        n_frames=n_frames,
        fps=30.0,
        change_points=np.stack([edges[:-1], edges[1:] - 1], axis=1),
        n_frame_per_seg=np.diff(edges),
        user_scores=np.clip(np.rint(3 + 1.5 * worth), 1, 5).astype(np.float32),
    )


def toy_tvsum(folder: Path, recipe: Recipe = RECIPE) -> Path:
    path = folder / "toy.h5"
    write_benchmark(path, [toy_video(k) for k in range(1, 26)], recipe, "tvsum")
    return path
