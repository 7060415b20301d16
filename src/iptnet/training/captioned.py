"""Captioned pictures, stills and clips as projection training reads them: maps and sentences.

Three sources: pictures of a tar with one picture an item, stills of a tar with several pictures an
item (``video7_0``, ``video7_1`` share the sentences of ``video7``), and clips as video files. An
item is what its sentences describe; a row is one frame of it, a view one appearance of a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.features.backbone import load_backbone
from iptnet.features.lite_recipe import SIZE
from iptnet.features.text import TextEncoder
from iptnet.training.activations import compute, damage
from iptnet.training.pairs import picture_names, read_captions, read_clip, read_pictures
from iptnet.training.partition import CLIPS_HELD_OUT, by_position, held_out

OnProgress = Callable[[str, int, int | None], None]
Part = str
"""``train``, ``validation`` or ``test``."""

PER_PICTURE = 5
STILLS_HELD_OUT = 0.08
"""Share of the items of stills that choices are made on; nothing of them is trained on."""
SIDES = frozenset({"left", "right"})
FRAME = (SIZE, SIZE)


@dataclass(frozen=True)
class Captioned:
    """One source of frames with sentences.

    Attributes:
        name: ``pictures``, ``stills`` or ``clips``.
        items: I names.
        rows: for each item the rows that show it.
        sentences: for each item (K, 256), rows of length one.
        views: the maps (R, 112, 14, 14) of the plain frames, then of the damaged ones.
        parts: for each item ``train``, ``validation`` or ``test``.
    """

    name: str
    items: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    sentences: tuple[torch.Tensor, ...]
    views: tuple[NDArray[np.float16], ...]
    parts: tuple[Part, ...]

    def of(self, part: Part) -> list[int]:
        """Items of a part, in order."""
        return [i for i, own in enumerate(self.parts) if own == part]


def load_pictures(
    tar: Path,
    captions: Path,
    cache: Path,
    *,
    sizes: tuple[int, int],
    views: int,
    on_progress: OnProgress,
) -> Captioned:
    """Read pictures with five sentences each; the first by hash are test, the next validation.

    Args:
        tar, captions: see :mod:`iptnet.training.pairs`.
        cache: folder for the maps.
        sizes: how many pictures are test and validation.
        views: damaged views of each picture.
        on_progress: called with a stage, frames done and frames in all.
    """
    said = read_captions(captions)
    names = by_position(n for n in picture_names(tar) if len(said.get(n, ())) >= PER_PICTURE)
    test, validation = sizes
    order = sorted(names)  # as the tar is read
    row = {name: i for i, name in enumerate(order)}
    sentences = {n: said[n][:PER_PICTURE] for n in names}
    return Captioned(
        name="pictures",
        items=tuple(names),
        rows=tuple((row[n],) for n in names),
        sentences=_vectors(sentences[n] for n in names),
        views=_stills(tar, order, sentences, _Kept("pictures", cache, views, on_progress)),
        parts=tuple(
            "test" if i < test else "validation" if i < test + validation else "train"
            for i in range(len(names))
        ),
    )


def load_stills(
    tar: Path, captions: Path, cache: Path, *, views: int, on_progress: OnProgress
) -> Captioned:
    """Read stills of clips; a share of the clips by name is for validation."""
    said = read_captions(captions)
    order = [n for n in picture_names(tar) if _item_of(n) in said]
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(order):
        rows.setdefault(_item_of(name), []).append(i)
    items = sorted(rows)
    sentences = {n: said[_item_of(n)] for n in order}
    return Captioned(
        name="stills",
        items=tuple(items),
        rows=tuple(tuple(rows[n]) for n in items),
        sentences=_vectors(list(dict.fromkeys(said[n])) for n in items),
        views=_stills(tar, order, sentences, _Kept("stills", cache, views, on_progress)),
        parts=tuple("validation" if held_out(n, STILLS_HELD_OUT) else "train" for n in items),
    )


def load_clips(
    folder: Path, captions: Path, cache: Path, *, frames: int, views: int, on_progress: OnProgress
) -> Captioned:
    """Read evenly spaced frames of each captioned clip; a share by name is for testing."""
    said = read_captions(captions)
    items = sorted(n for n in said if (folder / f"{n}.mp4").is_file())

    def decoded(view: int) -> Iterator[NDArray[np.uint8]]:
        for name in items:
            mirror = may_be_mirrored(said[name])
            rng = _rng(view, name)
            for frame in read_clip(folder / f"{name}.mp4", FRAME, frames):
                yield damage(frame, rng, mirror=mirror) if view else frame

    count = len(items) * frames
    return Captioned(
        name="clips",
        items=tuple(items),
        rows=tuple(tuple(range(i * frames, (i + 1) * frames)) for i in range(len(items))),
        sentences=_vectors(list(dict.fromkeys(said[n])) for n in items),
        views=_maps(items, decoded, count, _Kept("clips", cache, views, on_progress)),
        parts=tuple("test" if held_out(n, CLIPS_HELD_OUT) else "train" for n in items),
    )


def may_be_mirrored(sentences: Iterable[str]) -> bool:
    """Tell whether no sentence speaks of a side."""
    return all(SIDES.isdisjoint(s.lower().split()) for s in sentences)


@dataclass(frozen=True)
class _Kept:
    """Where the maps of a source are kept, how many damaged views, and who is told."""

    name: str
    folder: Path
    views: int
    on_progress: OnProgress


def _item_of(name: str) -> str:
    return name.rpartition("_")[0] or name


def _vectors(sentences: Iterable[list[str]]) -> tuple[torch.Tensor, ...]:
    encoder = TextEncoder()
    return tuple(torch.from_numpy(encoder.encode(each)) for each in sentences)


def _stills(
    tar: Path, order: list[str], sentences: dict[str, list[str]], kept: _Kept
) -> tuple[NDArray[np.float16], ...]:
    def read(view: int) -> Iterator[NDArray[np.uint8]]:
        for stem, picture in read_pictures(tar, FRAME, set(order)):
            if view:
                mirror = may_be_mirrored(sentences[stem])
                yield damage(picture, _rng(view, stem), mirror=mirror)
            else:
                yield picture

    return _maps(order, read, len(order), kept)


def _maps(
    order: list[str], read: Callable[[int], Iterator[NDArray[np.uint8]]], count: int, kept: _Kept
) -> tuple[NDArray[np.float16], ...]:
    """Maps of the plain frames and of each damaged view; a finished view is not made again."""
    backbone = load_backbone()
    # Eight digits tell one list of names from another, so that a cache never misleads.
    mark = hashlib.sha256("\n".join(order).encode()).hexdigest()[:8]

    def told(view: int, done: int) -> None:
        kept.on_progress(f"{kept.name}, view {view}", done, count)

    return tuple(
        compute(
            kept.folder / f"{kept.name}-{view}-{count}-{mark}.npy",
            read(view),
            count,
            backbone,
            partial(told, view),
        )
        for view in range(1 + kept.views)
    )


def _rng(view: int, name: str) -> np.random.Generator:
    """Damage that depends on the view and the name alone."""
    return np.random.default_rng([view, *hashlib.sha256(name.encode()).digest()[:8]])
