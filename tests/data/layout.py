"""Files in exactly the layout of the public eccv16 ones, and hostile variants of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ECCV16 = "eccv16_dataset_{}_google_pool5.h5"


def video(
    seed: int = 0, *, n_frames: int = 100, users: int = 3, shots: int = 4, width: int = 1024
) -> dict[str, Any]:
    """One group's datasets with the public files' types: float32 0/1 summaries, int32 indices."""
    rng = np.random.default_rng(seed)
    picks = np.arange(0, n_frames, 15, dtype=np.int32)
    inner = np.sort(rng.choice(np.arange(1, n_frames), shots - 1, replace=False))
    edges = np.concatenate([[0], inner, [n_frames]])
    change_points = np.stack([edges[:-1], edges[1:] - 1], axis=1).astype(np.int32)
    features = rng.normal(size=(len(picks), width)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    user_summary = (rng.random((users, n_frames)) < 0.15).astype(np.float32)
    return {
        "features": features,
        "gtscore": user_summary[:, picks].mean(axis=0).astype(np.float32),
        "gtsummary": user_summary[0, picks],
        "user_summary": user_summary,
        "change_points": change_points,
        "n_frame_per_seg": (change_points[:, 1] - change_points[:, 0] + 1).astype(np.int32),
        "n_frames": np.int64(n_frames),
        "picks": picks,
        "n_steps": np.int64(len(picks)),
    }


def eccv16(folder: Path, dataset: str = "tvsum", videos: int = 3, **options: Any) -> Path:
    """A whole file: only SumMe names its videos."""
    path = folder / ECCV16.format(dataset)
    with h5py.File(path, "w") as file:
        for i in range(1, videos + 1):
            group = file.create_group(f"video_{i}")
            for key, value in video(i, **options).items():
                group[key] = value
            if dataset == "summe":
                group["video_name"] = np.bytes_(f"Air Force {i}")
    return path


def with_changes(
    folder: Path, changes: Mapping[str, Any] | Callable[[h5py.Group], None], **options: Any
) -> Path:
    """One video, ``video_1``, with datasets replaced (None removes) or its group rearranged."""
    path = eccv16(folder, videos=1, **options)
    with h5py.File(path, "r+") as file:
        group = file["video_1"]
        if callable(changes):
            changes(group)
            return path
        for key, value in changes.items():
            if key in group:
                del group[key]
            if value is not None:
                group[key] = value
    return path
