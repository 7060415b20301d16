"""Features on disk, keyed by what the video holds and how they were made.

An entry is one safetensors file named by the video's sha256 and the recipe's fingerprint; it is
written atomically, so processes can share a folder and the last writer wins. An entry that is
truncated, altered or of another recipe is dropped and made again, never trusted. A folder that
cannot be written only costs the caching.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.atomic import PARTIAL, atomic_path, sweep
from iptnet.errors import InputError, IptnetError, MachineError, is_shortage
from iptnet.features.recipe import Recipe

SCHEMA = "iptnet/features/1"
SUFFIX = ".safetensors"
MAX_BYTES = 4 * 2**30
STALE_SECONDS = 24 * 3600
CHUNK = 2**20


@dataclass(frozen=True, eq=False)
class Features:
    """Vectors of one video.

    Attributes:
        times: (T,) float64, seconds, strictly increasing.
        vectors: (T, D) float16 or float32, D the recipe's width.
        recipe: how they were made.
        metadata: a few plain JSON values to keep with them.
    """

    times: NDArray[np.float64]
    vectors: NDArray[np.float32] | NDArray[np.float16]
    recipe: Recipe
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.times), self.recipe.width)
        if self.vectors.shape != shape or self.times.ndim != 1:
            raise ValueError(f"vectors of shape {self.vectors.shape} where {shape} is due")
        if self.vectors.dtype not in (np.float16, np.float32) or self.times.dtype != np.float64:
            raise ValueError(f"vectors are {self.vectors.dtype} and times {self.times.dtype}")
        if not (np.isfinite(self.vectors).all() and np.isfinite(self.times).all()):
            raise ValueError("features hold NaN or infinity")
        if (np.diff(self.times) <= 0).any():
            raise ValueError("times must increase strictly")


def default_folder() -> Path:
    """``$IPTNET_CACHE``, else ``$XDG_CACHE_HOME/iptnet``, else ``~/.cache/iptnet``."""
    if own := os.environ.get("IPTNET_CACHE"):
        return Path(own)
    # The XDG specification has relative paths ignored.
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path("~/.cache").expanduser()) / "iptnet"


def content_sha256(path: Path, on_progress: Callable[[str, int, int], None] | None = None) -> str:
    """sha256 of a file's bytes, read in pieces.

    Args:
        path: a regular file.
        on_progress: called with ("hash", bytes done, bytes in all).

    Raises:
        InputError: it cannot be read.
    """
    total, done = hashlib.sha256(), 0
    try:
        if not path.is_file():
            raise InputError(f"no file at {path}", "check the path")
        size = path.stat().st_size
        with path.open("rb") as file:
            while piece := file.read(CHUNK):
                total.update(piece)
                done += len(piece)
                if on_progress:
                    on_progress("hash", done, size)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", "check the path") from error
    return total.hexdigest()


class FeatureCache:
    """A folder of feature files with a size limit; the longest unused go first.

    Args:
        folder: where; :func:`default_folder` if None.
        max_bytes: what all entries together may take.
    """

    def __init__(self, folder: Path | None = None, max_bytes: int = MAX_BYTES) -> None:
        self.folder = (default_folder() if folder is None else Path(folder)) / "features"
        self.max_bytes = max_bytes

    def path(self, content_sha256: str, recipe: Recipe) -> Path:
        """Where an entry stands or would stand.

        Raises:
            ValueError: not a sha256 in lower-case hex, which would be a path of its own.
        """
        if not re.fullmatch(r"[0-9a-f]{64}", content_sha256):
            raise ValueError(f"{content_sha256!r} is not a sha256")
        return self.folder / f"{content_sha256}-{recipe.fingerprint}{SUFFIX}"

    def get(self, content_sha256: str, recipe: Recipe) -> Features | None:
        """A video's features, or None: not there, unreadable, or not whole (then dropped)."""
        path = self.path(content_sha256, recipe)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        try:
            features = _decoded(data, content_sha256, recipe)
        except MemoryError:  # says nothing about the entry
            return None
        with contextlib.suppress(OSError):  # a read-only folder still serves what it holds
            if features is None:
                path.unlink()
            else:
                os.utime(path)
        return features

    def put(self, content_sha256: str, features: Features) -> bool:
        """Keep features; True when they are kept, False when the folder does not take them."""
        path = self.path(content_sha256, features.recipe)
        data = _encoded(features, content_sha256)
        if len(data) > self.max_bytes:
            return False
        try:
            with atomic_path(path) as temporary:
                temporary.write_bytes(data)
        except MachineError:
            return False
        self.tidy(keep=path)
        return True

    def tidy(self, keep: Path | None = None) -> None:
        """Remove what killed writers left, then the longest unused entries beyond the size limit.

        Args:
            keep: an entry to remove last.
        """
        sweep(self.folder)
        entries = []
        for path in self._files():
            # Another process may tidy at the same time: whatever has gone is gone.
            with contextlib.suppress(OSError):
                stat = path.stat()
                # Where there are no locks nothing is swept, and age has to tell.
                if path.name.startswith(".") and PARTIAL in path.name:
                    if time.time() - stat.st_mtime > STALE_SECONDS:
                        path.unlink()
                elif path.suffix == SUFFIX:
                    entries.append((path == keep, stat.st_mtime_ns, path.name, path, stat.st_size))
        excess = sum(e[-1] for e in entries) - self.max_bytes
        for *_, path, size in sorted(entries):
            if excess <= 0:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            excess -= size

    def _files(self) -> list[Path]:
        try:
            return list(self.folder.iterdir())
        except OSError:
            return []


def _encoded(features: Features, content: str) -> bytes:
    from safetensors.numpy import save

    tensors = {
        "times": np.ascontiguousarray(features.times),
        "vectors": np.ascontiguousarray(features.vectors),
    }
    head = {
        "schema": SCHEMA,
        "content": content,
        "recipe": features.recipe.to_dict(),
        "metadata": dict(features.metadata),
    }
    text = json.dumps(head, sort_keys=True, allow_nan=False)
    return bytes(save(tensors, {"iptnet": text, "sha256": _digest(text, tensors)}))


def _decoded(data: bytes, content: str, recipe: Recipe) -> Features | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(data)
        # safetensors.numpy.load checked the header; only the file form of the API returns metadata.
        size = int.from_bytes(data[:8], "little")
        head = json.loads(data[8 : 8 + size])["__metadata__"]
        text, digest = head["iptnet"], head["sha256"]
        if digest != _digest(text, tensors):
            return None
        raw = json.loads(text)
        if raw["schema"] != SCHEMA or raw["content"] != content:
            return None
        if Recipe.from_dict(raw["recipe"]) != recipe:
            return None
        return Features(tensors["times"], tensors["vectors"], recipe, raw["metadata"])
    except (SafetensorError, IptnetError, ValueError, KeyError, TypeError, AttributeError) as error:
        if is_shortage(error):  # says nothing about the entry
            raise MemoryError from error
        return None
    except (RecursionError, OverflowError):
        return None


def _digest(text: str, tensors: Mapping[str, NDArray[Any]]) -> str:
    total = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        array = tensors[name]
        total.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        total.update(array.tobytes())
    return total.hexdigest()
