"""What a head reads of each frame, pooled once from the maps by a frozen network."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.atomic import atomic_path
from iptnet.features.backbone import EfficientNetLite0, late_stages
from iptnet.features.projection import POOLED, pool
from iptnet.training.captioned import Captioned, OnProgress

MAPS_AT_ONCE = 32


def pooled_views(
    network: EfficientNetLite0, source: Captioned, cache: Path, on_progress: OnProgress
) -> list[NDArray[np.float16]]:
    """Pool every view of a source, or map what an earlier run left in ``cache``.

    Args:
        network: whose late stages are used.
        source: maps (R, 112, 14, 14) of each view.
        cache: folder; files are told apart by source, view, rows and the weights of the network.
        on_progress: called with a stage, frames done and frames in all.

    Returns:
        (R, 1504) half precision of each view.
    """
    mark = _mark(network)
    found = []
    for view, maps in enumerate(source.views):
        path = cache / f"{source.name}-{view}-{len(maps)}-{mark}.npy"
        if not path.is_file():
            rows = np.empty((len(maps), POOLED), np.float16)
            for at in range(0, len(maps), MAPS_AT_ONCE):
                with torch.inference_mode():
                    middle = torch.from_numpy(np.array(maps[at : at + MAPS_AT_ONCE])).float()
                    rows[at : at + len(middle)] = pool(middle, network.top_map(middle)).numpy()
                on_progress(f"pooling {source.name}, view {view}", at + len(middle), len(maps))
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                np.save(file, rows)
        found.append(np.load(path, mmap_mode="r"))
    return found


def _mark(network: EfficientNetLite0) -> str:
    """Eight digits that tell one network's late stages from another's."""
    digest = hashlib.sha256()
    for layer in late_stages(network):
        for tensor in layer.state_dict().values():
            digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]
