"""Writing the benchmark layout, with the recipe and a digest, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.atomic import write_bytes
from iptnet.data.digest import SCHEMA, Digest
from iptnet.data.guarded import Limits
from iptnet.data.record import BenchmarkVideo, check_dataset, natural_order
from iptnet.data.validate import validated
from iptnet.errors import IntegrityError, UsageError
from iptnet.features.recipe import Recipe


def write_benchmark(
    path: Path | str,
    videos: Iterable[BenchmarkVideo],
    recipe: Recipe,
    dataset: str | None = None,
) -> None:
    """Write videos as one h5 file; the same videos give the same bytes.

    The file is built in memory, because HDF5 does not survive a full disk, and renamed into place.

    Args:
        path: final name.
        videos: with distinct keys; checked like a file that is read.
        recipe: how all their features were made.
        dataset: name of the set to record; left open without one.

    Raises:
        UsageError: no video, or a key that is taken or cannot name a group.
        IntegrityError: a video contradicts itself or the recipe's width.
        MachineError: the folder cannot be written; the old file stays.
    """
    import h5py

    path, videos = Path(path), list(videos)
    keys = [v.key for v in videos]
    bad = [k for k in keys if not k or "/" in k or k == "." or "\0" in k]
    if not videos or bad or len(set(keys)) < len(keys):
        raise UsageError(f"keys {keys[:5]} do not name videos", "give distinct keys like video_1")
    attributes: dict[str, str | None] = {
        "schema": SCHEMA,
        "recipe": json.dumps(recipe.to_dict(), sort_keys=True),
        "dataset": check_dataset(dataset) if dataset is not None else None,
    }
    total = Digest()
    total.header(attributes)
    # Format 1.10 guards its own structures with checksums; our digest guards the data.
    with h5py.File(
        path.name, "w", driver="core", backing_store=False, libver=("v110", "v110")
    ) as file:
        for video in sorted(videos, key=lambda v: natural_order(v.key)):
            arrays, texts = _stored(video)
            validated(arrays, f"{path}: {video.key}", Limits().frames)
            if video.features.shape[1] != recipe.width:
                raise IntegrityError(
                    f"{path}: {video.key}/features is {video.features.shape[1]} wide, "
                    f"but {recipe.name} has {recipe.width}",
                    "give the recipe that made them",
                )
            group = file.create_group(video.key)
            for name, array in arrays.items():
                packed = {"compression": "gzip", "shuffle": True} if array.size > 64 else {}
                group.create_dataset(name, data=array, **packed)
            for name, text in texts.items():
                group[name] = text
            total.video(video.key, {**arrays, **texts})
        for name, value in {**attributes, "sha256": total.hexdigest()}.items():
            if value is not None:
                file.attrs[name] = value
        file.flush()
        image = file.id.get_file_image()
    write_bytes(path, image)


def _stored(video: BenchmarkVideo) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Arrays and texts under their h5 names, in the public files' types where those have them."""
    arrays: dict[str, Any] = {
        "features": np.asarray(video.features, np.float32),
        "picks": np.asarray(video.picks, np.int32),
        "n_frames": np.asarray(video.n_frames, np.int64),
        "n_steps": np.asarray(len(video.features), np.int64),
        "change_points": np.asarray(video.change_points, np.int32),
        "n_frame_per_seg": np.asarray(video.n_frame_per_seg, np.int32),
        "user_summary": video.user_summary,
        "user_anno": video.user_scores,
        "gtscore": video.gtscore,
        "gtsummary": video.gtsummary,
        "fps": None if video.fps is None else np.asarray(video.fps, np.float64),
        "times": video.times,
    }
    texts = {"video_name": video.name, "title": video.title, "category": video.category}
    return (
        {k: np.asarray(v) for k, v in arrays.items() if v is not None},
        {k: v for k, v in texts.items() if v},
    )
