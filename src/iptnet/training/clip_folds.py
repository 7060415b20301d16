"""Vectors of training clips from heads that never saw them.

A projection recognises the clips it was trained on far better than others, so nothing may learn
from its vectors of them how sure it can be. Each fold's head misses a part of the clips; every clip
is encoded by the head that missed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.atomic import atomic_path
from iptnet.features.cache import FeatureCache
from iptnet.features.lite import LiteEncoder
from iptnet.training.captioned import OnProgress
from iptnet.training.clip_features import read_clips
from iptnet.training.partition import CLIPS_HELD_OUT, held_out, position


def fold_of(name: str, folds: int) -> int:
    """Fold of a clip, by its name alone."""
    # By another hash than the one that holds clips out: those are its lowest share.
    return int(position(f"fold {name}") * folds)


def write_clip_vectors(
    path: Path, folder: Path, captions: Path, heads: Sequence[Path], on_progress: OnProgress
) -> None:
    """Encode every training clip by the head of its fold, two samples a second.

    Args:
        path: npz with ``NAME/times`` (T,) in seconds and ``NAME/vectors`` (T, 256) for each clip.
        folder, captions: see :func:`~iptnet.training.clip_features.read_clips`.
        heads: one projection checkpoint a fold.
        on_progress: called with a stage, clips done and clips of the fold.
    """
    found: dict[str, NDArray[np.floating]] = {}
    # Of no use to anybody else, so it stays in the run's folder.
    cache = FeatureCache(path.parent / "features")

    def is_own(name: str, fold: int) -> bool:
        return not held_out(name, CLIPS_HELD_OUT) and fold_of(name, len(heads)) == fold

    for fold, head in enumerate(heads):
        _, timed = read_clips(
            folder,
            captions,
            LiteEncoder(head),
            partial(is_own, fold=fold),
            cache=cache,
            on_progress=on_progress,
        )
        for name, (times, vectors) in timed.items():
            found[f"{name}/times"] = times
            found[f"{name}/vectors"] = vectors.astype(np.float16)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **found)
