"""The frozen backbone, run once: numbers on disk that the projection trains from.

EfficientNet-Lite0 never changes, so each view of each frame passes through it a single time. Kept
is all that the projection reads: 1504 pooled activations and 1000 class logits a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.atomic import atomic_path
from iptnet.features.backbone import CLASSES, EfficientNetLite0
from iptnet.features.lite_recipe import SIZE
from iptnet.features.projection import POOLED, activations

FRAMES_AT_ONCE = 4
CROP_AREA = (0.45, 1.0)
CROP_ASPECT = 0.25
COLOUR = 0.25
STORED = POOLED + CLASSES


def compute(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    count: int,
    backbone: EfficientNetLite0,
    on_frame: Callable[[int], None],
) -> torch.Tensor:
    """Run frames through the backbone, or read what an earlier run left at ``path``.

    Args:
        path: npy file, written whole or not at all.
        frames: ``count`` frames (224, 224, 3), RGB; not touched when the file is there.
        count: how many frames there are.
        backbone: the published network.
        on_frame: called with the number of frames done.

    Returns:
        (count, 2504) float32: pooled activations, then logits; see :func:`split`.
    """
    if not path.is_file():
        found = np.empty((count, STORED), np.float16)
        done = 0
        for batch in _in_batches(frames):
            with torch.inference_mode():
                pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
                both = torch.cat(activations(backbone, pixels), dim=1)
            found[done : done + len(batch)] = both.numpy()
            done += len(batch)
            on_frame(done)
        assert done == count, f"{done} frames, not {count}"
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, found)
    return torch.from_numpy(np.load(path).astype(np.float32))


def split(stored: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Pooled activations (N, 1504) and logits (N, 1000) of stored rows."""
    return stored[:, :POOLED], stored[:, POOLED:]


def augment(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random crop, squashed back to full size, perhaps mirrored, with other colours."""
    from PIL import Image, ImageEnhance

    area, aspect = rng.uniform(*CROP_AREA), np.exp(rng.uniform(-CROP_ASPECT, CROP_ASPECT))
    width = min(SIZE, SIZE * np.sqrt(area * aspect))
    height = min(SIZE, SIZE * np.sqrt(area / aspect))
    left, top = rng.uniform(0, SIZE - width), rng.uniform(0, SIZE - height)
    picture = Image.fromarray(image).resize(
        (SIZE, SIZE), Image.Resampling.BICUBIC, box=(left, top, left + width, top + height)
    )
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = change(picture).enhance(rng.uniform(1 - COLOUR, 1 + COLOUR))
    return np.asarray(picture)


def _in_batches(frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    batch: list[NDArray[np.uint8]] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == FRAMES_AT_ONCE:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)
