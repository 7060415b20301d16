"""Features of a folder of short captioned videos, by way of the same cache as everybody's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
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


def read_clips(folder: Path, captions: Path) -> list[Clip]:
    """The clips of a folder that have captions, by name; their durations are probed.

    Raises:
        InputError: no such folder, or none of its videos has captions.
    """
    from iptnet.video.probe import probe

    known = read_captions(captions)
    if not folder.is_dir():
        raise InputError(f"no folder at {folder}", "check the path in the configuration")
    paths = sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES and p.stem in known)
    if not paths:
        raise InputError(f"no captioned video in {folder}", "check the captions file")
    return [Clip(p.stem, probe(p).duration, tuple(known[p.stem]), p) for p in paths]


def clip_features(
    clips: Sequence[Clip],
    encoder: Encoder,
    *,
    cache: FeatureCache | None = None,
    on_progress: OnProgress | None = None,
) -> dict[str, Timed]:
    """Times and vectors of each clip, two samples a second, remembered between runs."""
    store = cache or FeatureCache()
    found: dict[str, Timed] = {}
    for done, clip in enumerate(clips):
        assert clip.path is not None
        # A key of its own: the entries of whole videos carry more than training needs.
        digest = hashlib.sha256(f"clip {content_sha256(clip.path)}".encode()).hexdigest()
        features = store.get(digest, encoder.recipe)
        if features is None:
            with sample_frames(clip.path, RATE, encoder.size) as stream:
                parts = [(b.times, encoder.encode(b.images)) for b in stream]
            times = np.concatenate([t for t, _ in parts])
            vectors = np.concatenate([v for _, v in parts])
            features = Features(times, vectors, encoder.recipe, {})
            store.put(digest, features)
        found[clip.name] = (features.times, features.vectors.astype(np.float32))
        if on_progress:
            on_progress("clips", done + 1, len(clips))
    return found
