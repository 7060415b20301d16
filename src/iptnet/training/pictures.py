"""What the projection sees in training: activations of every view, and the sentences to them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.features.backbone import load_backbone
from iptnet.features.lite_recipe import SIZE
from iptnet.features.text import TextEncoder
from iptnet.training.activations import augment, compute
from iptnet.training.pairs import picture_names, read_captions, read_clip, read_pictures
from iptnet.training.partition import CLIPS_HELD_OUT, by_position, held_out

OnProgress = Callable[[str, int, int | None], None]
FRAME = (SIZE, SIZE)
PER_PICTURE = 5


@dataclass(frozen=True)
class Pictures:
    """Captioned pictures, split by name: test first, then validation, then training.

    Attributes:
        names: N stems in the order of their hash.
        plain: (N, 2504) activations of the untouched pictures.
        views: further views of the training pictures alone, (N − held, 2504) each.
        sentences: (N, 5, 256) sentence vectors.
        test, validation, train: rows.
    """

    names: tuple[str, ...]
    plain: torch.Tensor
    views: tuple[torch.Tensor, ...]
    sentences: torch.Tensor
    test: range
    validation: range
    train: range


@dataclass(frozen=True)
class Clips:
    """Captioned clips.

    Attributes:
        names: C stems, sorted.
        frames: (C, F, 2504) activations of F frames each.
        sentences: one (K, 256) tensor per clip.
        held: (C,) bool, never trained on.
    """

    names: tuple[str, ...]
    frames: torch.Tensor
    sentences: tuple[torch.Tensor, ...]
    held: NDArray[np.bool_]


def load_pictures(
    tar: Path,
    captions: Path,
    cache: Path,
    *,
    sizes: tuple[int, int],
    views: int,
    on_progress: OnProgress,
) -> Pictures:
    """Activations of all views, from ``cache`` where an earlier run left them.

    Args:
        tar, captions: see :mod:`iptnet.training.pairs`.
        cache: folder for the activations.
        sizes: how many pictures are test and validation.
        views: further views a training picture gets: mirrored first, then random crops.
        on_progress: called with a stage, frames done and frames in all.
    """
    said = read_captions(captions)
    names = by_position(n for n in picture_names(tar) if len(said.get(n, ())) >= PER_PICTURE)
    held = sum(sizes)
    backbone = load_backbone()
    sets = [names, *[names[held:]] * views]
    stored = []
    for view, members in enumerate(sets):
        order = sorted(members)
        path = cache / f"pictures-{view}-{_mark(order)}.npy"
        rows = compute(
            path,
            _view(tar, set(members), view),
            len(members),
            backbone,
            partial(_report, on_progress, f"view {view}", len(members)),
        )
        # The tar is read in alphabetical order; rows are kept in the order of the hash.
        place = {name: i for i, name in enumerate(order)}
        stored.append(rows[[place[name] for name in members]])
    encoder = TextEncoder()
    vectors = encoder.encode([s for n in names for s in said[n][:PER_PICTURE]])
    return Pictures(
        names=tuple(names),
        plain=stored[0],
        views=tuple(stored[1:]),
        sentences=torch.from_numpy(vectors).reshape(len(names), PER_PICTURE, -1),
        test=range(sizes[0]),
        validation=range(sizes[0], held),
        train=range(held, len(names)),
    )


def load_clips(
    folder: Path, captions: Path, cache: Path, *, frames: int, on_progress: OnProgress
) -> Clips:
    """Activations of ``frames`` frames of each clip that has captions."""
    said = read_captions(captions)
    names = sorted(n for n in said if (folder / f"{n}.mp4").is_file())

    def decoded() -> Iterator[NDArray[np.uint8]]:
        for name in names:
            yield from read_clip(folder / f"{name}.mp4", FRAME, frames)

    count = len(names) * frames
    rows = compute(
        cache / f"clips-{frames}-{_mark(names)}.npy",
        decoded(),
        count,
        load_backbone(),
        partial(_report, on_progress, "clips", count),
    )
    encoder = TextEncoder()
    return Clips(
        names=tuple(names),
        frames=rows.reshape(len(names), frames, -1),
        sentences=tuple(
            torch.from_numpy(encoder.encode(list(dict.fromkeys(said[n])))) for n in names
        ),
        held=np.array([held_out(n, CLIPS_HELD_OUT) for n in names]),
    )


def _mark(names: list[str]) -> str:
    """Eight digits that tell one list of names from another, so that a cache never misleads."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]


def _report(on_progress: OnProgress, stage: str, total: int, done: int) -> None:
    on_progress(stage, done, total)


def _view(tar: Path, only: set[str], view: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(view)
    for _, picture in read_pictures(tar, FRAME, only):
        if view == 0:
            yield picture
        elif view == 1:
            yield picture[:, ::-1].copy()
        else:
            yield augment(picture, rng)
