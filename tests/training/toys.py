"""Small data that can be learnt: a TVSum of 25 videos under real keys, and annotated moments."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from iptnet.data.benchmark import BenchmarkVideo, write_benchmark
from iptnet.features.recipe import Recipe

THINGS = ("dog", "boat", "cake", "guitar", "snow", "car", "horse", "tennis")
RECIPE = Recipe("toy", "none", "unknown", "every 15th frame", "none", "none", "l2", 16, "toy")


def toy_video(k: int, users: int = 3, width: int = 16) -> BenchmarkVideo:
    """Scenes of random content; a scene is as important as its first number."""
    rng = np.random.default_rng(k)
    shots, steps = 8, 6 + k % 3
    scenes = rng.normal(size=(shots, width))
    features = np.repeat(scenes, steps, axis=0) + 0.1 * rng.normal(size=(shots * steps, width))
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
    write_benchmark(path, [toy_video(k, width=recipe.width) for k in range(1, 26)], recipe, "tvsum")
    return path


def toy_moments(folder: Path) -> Path:
    """Twenty made-up videos in the shape of QVHighlights, and sentences to join."""
    draw = np.random.default_rng(0)
    captions, rows = {}, []
    for k in range(20):
        video = f"video{k:06d}_0.0_60.0"
        order = draw.permutation(len(THINGS))[:3]
        texts = [f"a picture of a {THINGS[order[t // 10]]}" for t in range(30)]
        captions[video] = texts
        at = int(draw.integers(3))
        clips = list(range(10 * at, 10 * at + 10))
        rows.append(
            {
                "qid": k,
                "query": f"there is a {THINGS[order[at]]}",
                "vid": video,
                "duration": 60,
                "relevant_windows": [[20 * at, 20 * at + 20]],
                "relevant_clip_ids": clips,
                "saliency_scores": [[4, 3, 4]] * 10,
            }
        )
    (folder / "queries.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    (folder / "captions.json").write_text(json.dumps(captions))
    with gzip.open(folder / "sentences.json.gz", "wt") as out:
        json.dump(
            {
                f"clip{k}": [f"{w} {THINGS[k % 8]} {k}" for w in ("a", "one", "some", "this")]
                for k in range(40)
            },
            out,
        )
    return folder
