"""Pictures and clips with their sentences, as the projection is trained on.

Pictures come from a tar of image files, clips from a folder of short videos; the captions beside
them are JSON, ``{stem: [sentence, …]}`` or ``{stem: {"captions": [sentence, …]}}``, gzipped or not.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import InputError

AGAIN = "check the path in the configuration"


def read_captions(path: Path) -> dict[str, list[str]]:
    """Sentences of each stem.

    Raises:
        InputError: missing, unreadable, or of another shape.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        raw = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"no captions in {path}: {error}", AGAIN) from error
    found: dict[str, list[str]] = {}
    for stem, value in raw.items() if isinstance(raw, dict) else ():
        sentences = value.get("captions") if isinstance(value, dict) else value
        if not isinstance(sentences, list) or not all(isinstance(s, str) for s in sentences):
            raise InputError(f"{path}: {stem} has no list of sentences", AGAIN)
        found[str(stem)] = sentences
    if not found:
        raise InputError(f"{path} holds no captions", AGAIN)
    return found


def read_class_names(path: Path) -> list[list[str]]:
    """Synonyms of each ImageNet class, from ``n01440764 tench, Tinca tinca`` lines.

    Raises:
        InputError: missing, or not a thousand lines of that form.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"no class names in {path}: {error}", AGAIN) from error
    names = [re.sub(r"^n\d{8}\s+", "", line) for line in lines if line.strip()]
    if len(names) != 1000:
        raise InputError(f"{path} names {len(names)} classes, not 1000", AGAIN)
    return [[part.strip() for part in line.split(",") if part.strip()] for line in names]


def picture_names(tar: Path) -> list[str]:
    """Stems of the pictures in a tar, sorted.

    Raises:
        InputError: missing or not a tar.
    """
    with _open_tar(tar) as archive:
        return sorted(Path(m.name).stem for m in archive if m.isfile())


def read_pictures(
    tar: Path, size: tuple[int, int], only: set[str]
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Pictures of a tar in sorted order, squashed to ``size``, as (height, width, 3) RGB."""
    from PIL import Image

    with _open_tar(tar) as archive:
        members = sorted((m for m in archive if m.isfile()), key=lambda m: Path(m.name).stem)
        for member in members:
            stem = Path(member.name).stem
            stored = archive.extractfile(member) if stem in only else None
            if stored is None:
                continue
            with Image.open(io.BytesIO(stored.read())) as picture:
                rgb = picture.convert("RGB").resize((size[1], size[0]), Image.Resampling.BICUBIC)
            yield stem, np.asarray(rgb)


def read_clip(path: Path, size: tuple[int, int], frames: int) -> NDArray[np.uint8]:
    """Evenly spaced frames of a short video, (frames, height, width, 3) RGB; repeats where short.

    Raises:
        InputError: no video can be decoded.
    """
    import av

    try:
        with av.open(str(path)) as container:
            decoded = [
                frame.reformat(size[1], size[0], "rgb24", interpolation="AREA").to_ndarray()
                for frame in container.decode(video=0)
            ]
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise InputError(f"cannot decode {path}: {error}", AGAIN) from error
    if not decoded:
        raise InputError(f"{path} holds no frame", AGAIN)
    chosen = np.linspace(0, len(decoded) - 1, frames).round().astype(int)
    return np.stack([decoded[i] for i in chosen])


def _open_tar(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path)
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"no pictures in {path}: {error}", AGAIN) from error
