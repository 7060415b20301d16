"""A folder of short captioned videos with their features, cached like everybody's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from iptnet.data.joined import Clip
from iptnet.errors import InputError
from iptnet.features.cache import FeatureCache, Features, content_sha256
from iptnet.features.encoders import Encoder
from iptnet.training.moment_examples import Timed
from iptnet.training.pairs import read_captions
from iptnet.video.frames import sample_frames

OnProgress = Callable[[str, int, int | None], None]
RATE = 2.0
SUFFIXES = (".mp4", ".mkv", ".webm", ".avi", ".mov")


def read_clips(
    folder: Path,
    captions: Path,
    encoder: Encoder,
    wanted: Callable[[str], bool],
    *,
    cache: FeatureCache | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[list[Clip], dict[str, Timed]]:
    """Captioned clips and their features, two samples a second, remembered between runs.

    Args:
        folder: of the clips, ``<name>.mp4`` or the like.
        captions: JSON of sentences by name.
        encoder: of the frames.
        wanted: which names to read.
        cache: where features are kept; everybody's if None.
        on_progress: told ("clips", done, in all).

    Returns:
        the clips by name, and by name ``(times (T,), vectors (T, D))``.

    Raises:
        InputError: no such folder, none of its videos is wanted and captioned, or one is broken.
    """
    known = read_captions(captions)
    if not folder.is_dir():
        raise InputError(f"no folder at {folder}", "check the path in the configuration")
    paths = sorted(
        p for p in folder.iterdir() if p.suffix in SUFFIXES and p.stem in known and wanted(p.stem)
    )
    if not paths:
        raise InputError(f"no captioned video in {folder}", "check the captions file")
    store = cache or FeatureCache()
    clips, found = [], dict[str, Timed]()
    for done, path in enumerate(paths):
        features = _features(path, encoder, store)
        times = features.times
        # A probe costs a child process; the entry knows how long its clip lasts.
        lasts = float(features.metadata.get("duration", times[-1] + 1 / RATE))
        clips.append(Clip(path.stem, lasts, tuple(known[path.stem]), path))
        found[path.stem] = (times, features.vectors.astype(np.float32))
        if on_progress:
            on_progress("clips", done + 1, len(paths))
    return clips, found


def _features(path: Path, encoder: Encoder, store: FeatureCache) -> Features:
    # A key of its own: the entries of whole videos carry more than training needs.
    digest = hashlib.sha256(f"clip {content_sha256(path)}".encode()).hexdigest()
    features = store.get(digest, encoder.recipe)
    if features is None:
        with sample_frames(path, RATE, encoder.size) as stream:
            parts = [(b.times, encoder.encode(b.images)) for b in stream]
            duration = stream.duration
        if not parts:
            raise InputError(f"{path} shows no picture", "leave it out")
        features = Features(
            np.concatenate([t for t, _ in parts]),
            np.concatenate([v for _, v in parts]),
            encoder.recipe,
            {"duration": duration},
        )
        store.put(digest, features)
    return features
