"""The network's middle maps, computed once: what projection training starts each step from.

The early stages of EfficientNet-Lite0 stay as published, so each view of each frame passes through
them a single time. Kept is the 14×14 middle map; the later stages, which are trained, read it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.atomic import atomic_path
from iptnet.features.backbone import EfficientNetLite0
from iptnet.features.lite_recipe import SIZE

FRAMES_AT_ONCE = 4
MAP = (112, 14, 14)
CROP_AREA = (0.35, 1.0)
CROP_ASPECT = 0.3
COLOUR = 0.35
SMALL_SHARE, SMALL_SIZE = 0.3, (64, 160)
"""Share of damaged views that are seen through a low resolution, and its range in pixels."""
BLUR_SHARE, BLUR_RADIUS = 0.15, (0.6, 2.5)
COMPRESSED_SHARE, JPEG_QUALITY = 0.5, (8, 60)


def compute(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    count: int,
    backbone: EfficientNetLite0,
    on_frame: Callable[[int], None],
) -> NDArray[np.float16]:
    """Run frames through the early stages, or map what an earlier run left at ``path``.

    Args:
        path: npy file, written whole or not at all.
        frames: ``count`` frames (224, 224, 3), RGB; not touched when the file is there.
        count: how many frames there are.
        backbone: the published network.
        on_frame: called with the number of frames done.

    Returns:
        (count, 112, 14, 14) half precision, mapped from the file.
    """
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            # Written as it comes: the maps of all views do not fit in a small memory.
            maps = np.lib.format.open_memmap(
                temporary, mode="w+", dtype=np.float16, shape=(count, *MAP)
            )
            done = 0
            for batch in _in_batches(frames):
                with torch.inference_mode():
                    pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
                    maps[done : done + len(batch)] = backbone.middle_map(pixels).numpy()
                done += len(batch)
                on_frame(done)
            assert done == count, f"{done} frames, not {count}"
            maps.flush()
            del maps
    found: NDArray[np.float16] = np.load(path, mmap_mode="r")
    return found


def damage(
    image: NDArray[np.uint8], rng: np.random.Generator, *, mirror: bool
) -> NDArray[np.uint8]:
    """Show a picture as a poor video might: cropped, recoloured, small, blurred or compressed.

    Args:
        image: (224, 224, 3) RGB.
        rng: decides what is done.
        mirror: whether it may be mirrored; not where its sentences speak of left or right.
    """
    from PIL import Image, ImageEnhance, ImageFilter

    area, aspect = rng.uniform(*CROP_AREA), np.exp(rng.uniform(-CROP_ASPECT, CROP_ASPECT))
    width = min(SIZE, SIZE * np.sqrt(area * aspect))
    height = min(SIZE, SIZE * np.sqrt(area / aspect))
    left, top = rng.uniform(0, SIZE - width), rng.uniform(0, SIZE - height)
    picture = Image.fromarray(image).resize(
        (SIZE, SIZE), Image.Resampling.BICUBIC, box=(left, top, left + width, top + height)
    )
    if mirror and rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = change(picture).enhance(rng.uniform(1 - COLOUR, 1 + COLOUR))
    draw = rng.random()
    if draw < SMALL_SHARE:
        side = int(rng.uniform(*SMALL_SIZE))
        picture = picture.resize((side, side), Image.Resampling.BILINEAR)
        picture = picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    elif draw < SMALL_SHARE + BLUR_SHARE:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(*BLUR_RADIUS)))
    if rng.random() < COMPRESSED_SHARE:
        stored = io.BytesIO()
        picture.save(stored, "JPEG", quality=int(rng.uniform(*JPEG_QUALITY)))
        picture = Image.open(stored).convert("RGB")
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
