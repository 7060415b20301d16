"""A folder of short captioned videos with their features, cached like everybody's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from iptnet.data.joined import Clip
from iptnet.errors import InputError, IntegrityError
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
    vectors: Path | None = None,
    cache: FeatureCache | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[list[Clip], dict[str, Timed]]:
    """Captioned clips and their features, two samples a second, remembered between runs.

    Args:
        folder: of the clips, ``<name>.mp4`` or the like.
        captions: JSON of sentences by name.
        encoder: of the frames.
        wanted: which names to read.
        vectors: file of the clips' times and vectors to take instead; see :func:`read_vectors`.
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
    given = read_vectors(vectors, [p.stem for p in paths], encoder.recipe.width) if vectors else {}
    clips, found = [], dict[str, Timed]()
    for done, path in enumerate(paths):
        if path.stem in given:
            times, rows = given[path.stem]
            lasts = float(times[-1]) + 1 / RATE
        else:
            features = _features(path, encoder, store)
            times, rows = features.times, features.vectors.astype(np.float32)
            # A probe costs a child process; the entry knows how long its clip lasts.
            lasts = float(features.metadata.get("duration", times[-1] + 1 / RATE))
        clips.append(Clip(path.stem, lasts, tuple(known[path.stem]), path))
        found[path.stem] = (times, rows)
        if on_progress:
            on_progress("clips", done + 1, len(paths))
    return clips, found


def read_vectors(path: Path, names: Sequence[str], width: int) -> dict[str, Timed]:
    """Read the clips' times (T,) and vectors (T, D) from a file, npz or h5.

    Args:
        path: holds NAME/times and NAME/vectors of every clip.
        names: of the clips.
        width: D.

    Raises:
        InputError: no such file, or a clip that it lacks.
        IntegrityError: not such a file, or rows that are not finite or of other shapes.
    """
    if not path.is_file():
        raise InputError(f"no clip vectors at {path}", "check sources.clip_vectors")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as stored:
                rows = {key: stored[key] for key in stored.files}
        else:
            import h5py

            with h5py.File(path, "r") as file:
                rows = {
                    f"{n}/{k}": file[n][k][()]
                    for n in names
                    if n in file
                    for k in ("times", "vectors")
                }
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise IntegrityError(f"{path} holds no clip vectors: {error}", "make it again") from error
    found = {}
    for name in names:
        try:
            times = np.asarray(rows[f"{name}/times"], np.float64)
            vectors = np.asarray(rows[f"{name}/vectors"], np.float32)
        except KeyError as error:
            raise InputError(f"{path} lacks {name}", "make it again for all clips") from error
        good = len(times) and vectors.shape == (len(times), width) and (np.diff(times) > 0).all()
        if not good or not np.isfinite(vectors).all():
            raise IntegrityError(f"{path}: the vectors of {name} do not fit", "make it again")
        found[name] = (times, vectors)
    return found


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
