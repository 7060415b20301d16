"""A folder of features that somebody else extracted, with the recipe that it declares.

Charades-STA is published as I3D or C3D features, one file a video, that say nothing about how they
were made. Here a folder must declare it, in ``recipe.json`` or in the call, since features of
another recipe fit a model silently when their widths agree (METHOD.md, ambiguity 12).
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.data.annotation_file import number, parse_json, read_json, short
from iptnet.data.guarded import Guarded, Limits, open_guarded
from iptnet.errors import InputError, IntegrityError, LimitError
from iptnet.features.recipe import Recipe

BROKEN = (
    *(OSError, ValueError, TypeError, EOFError, RuntimeError, KeyError, OverflowError),
    *(SyntaxError, TokenError),  # numpy reads the header of an npy as Python
)
LARGEST = 1 << 30
"""Bytes of one video's features; an hour of 4096-d float32 at 4 steps a second takes a quarter."""


class FeatureFolder:
    """Features by video name: a folder of ``<video>.npy`` or ``<video>.h5``, or one h5 file.

    Args:
        path: the folder, its h5 files with a dataset ``features`` (T, D); or an h5 file with one
            dataset ``<video>`` or one group ``<video>/features`` per video. Beside ``features``
            there may be ``times`` (T,), seconds, and ``video_name``, which then names the video, as
            in what ``iptnet features`` writes.
        recipe: how the features were made; ``None`` reads ``recipe.json`` in the folder (the
            recipe's fields and, optionally, ``step_seconds``) or the h5 file's attribute
            ``recipe``, as ``iptnet features`` writes it.
        step_seconds: seconds from one step to the next, where there are no ``times``. ``None``
            spreads the steps evenly over the video, as most published code does.

    Raises:
        InputError: no such folder or file, or nothing in it.
        IntegrityError: no recipe is declared, or an ill-formed one.
    """

    def __init__(
        self, path: Path, recipe: Recipe | None = None, *, step_seconds: float | None = None
    ) -> None:
        self.path = Path(path)
        # Names are looked up in this listing and never joined to the path: a video called
        # "../../etc/x" in an annotation file finds nothing.
        self._keys: dict[str, str] = {}
        self._files, declared = self._list()
        if not self._files:
            raise InputError(f"{self.path} holds no features", "check the path")
        declared_step = declared.pop("step_seconds", None)
        if recipe is None and not declared:
            raise IntegrityError(
                f"{self.path} does not say how its features were made",
                "put a recipe.json into it (docs/your-data.md), or pass recipe=",
            )
        self.recipe = Recipe.from_dict(declared) if recipe is None else recipe
        self.step_seconds = (
            _step(declared_step, self.path) if step_seconds is None else step_seconds
        )

    @property
    def videos(self) -> frozenset[str]:
        """Names of the videos with features."""
        return frozenset(self._files)

    def read_middles(
        self, video: str, duration: float | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """As :meth:`read`, but with the time that stands for each step.

        That is the time of the file, where it has times (a frame's), else the step's middle.
        """
        times, vectors, step = self._read(video, duration)
        return times + step / 2, vectors

    def read(
        self, video: str, duration: float | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """One video's features.

        Args:
            video: its name.
            duration: its seconds; needed when the folder does not declare ``step_seconds``.

        Returns:
            ``(times, vectors)``: (T,) seconds at which each step begins, and (T, D).

        Raises:
            InputError: no such video, or its times cannot be known.
            IntegrityError: the file is damaged, of another width than the recipe, or not finite.
            LimitError: it declares more than 1 GiB.
        """
        times, vectors, _ = self._read(video, duration)
        return times, vectors

    def _read(
        self, video: str, duration: float | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float32], float]:
        """Times, vectors and the seconds of a step, 0 where the file has times."""
        if video not in self._files:
            raise InputError(f"{self.path} has no features of {short(video)}", "extract them")
        vectors, times = self._load(video)
        where = f"{self.path}: {video}"
        if vectors.ndim != 2 or vectors.shape[1] != self.recipe.width or len(vectors) == 0:
            raise IntegrityError(
                f"{where}: shape {vectors.shape}, but the recipe {self.recipe.name} says "
                f"(steps, {self.recipe.width})",
                "declare the right recipe, or extract the features again",
            )
        if not np.isfinite(vectors).all():
            raise IntegrityError(f"{where}: not finite", "extract the features again")
        if times is not None:
            rising = np.isfinite(times).all() and (np.diff(times) > 0).all()
            if times.shape != (len(vectors),) or not rising:
                raise IntegrityError(f"{where}: times do not rise with the steps", "correct them")
            return times, vectors, 0.0
        step = self.step_seconds
        if step is None:
            if duration is None:
                raise InputError(
                    f"{where}: neither the step nor the video's duration is known",
                    "declare step_seconds in recipe.json, or give the durations",
                )
            step = duration / len(vectors)
        return np.arange(len(vectors), dtype=np.float64) * np.float64(step), vectors, step

    def _list(self) -> tuple[dict[str, Path], dict[str, Any]]:
        """File of each video, and the declaration found beside or in them."""
        if self.path.is_dir():
            files = sorted(p for p in self.path.iterdir() if p.suffix in {".npy", ".h5", ".hdf5"})
            beside = self.path / "recipe.json"
            declared = read_json(beside) if beside.is_file() else {}
            listing = {p.stem: p for p in files if p.is_file()}
        else:
            with _opened(self.path) as file:
                text = file.attribute("recipe") or "{}"
                self._keys = _named(file)
                listing = dict.fromkeys(self._keys, self.path)
            try:
                declared = parse_json(text)
            except ValueError:
                declared = None
        if not isinstance(declared, dict):
            raise IntegrityError(f"{self.path}: its recipe is no object", "see docs/your-data.md")
        return listing, declared

    def _load(self, video: str) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
        """Features, and times where the file has them."""
        file = self._files[video]
        try:
            if file.suffix == ".npy":
                # Mapped first: a header may declare terabytes that the file does not have.
                mapped = np.load(file, mmap_mode="r", allow_pickle=False)
                _require_plain(mapped, file)
                return np.array(mapped, dtype=np.float32), None
            with _opened(file) as stored:
                if self.path.is_dir():
                    return _beside_times(stored, "")
                key = self._keys[video]
                if stored.is_group(key):
                    return _beside_times(stored, key)
                return stored.numbers("", key).astype(np.float32), None
        except BROKEN as error:
            raise IntegrityError(f"{file} cannot be read: {error}", "extract it again") from error


def _opened(path: Path) -> AbstractContextManager[Guarded]:
    """An h5 file for guarded reading."""
    if not path.is_file():
        raise InputError(f"{path} is not a file or folder of features", "check the path")
    return open_guarded(path, Limits(dataset_bytes=LARGEST))


def _named(stored: Guarded) -> dict[str, str]:
    """Key of each video by its name: what its group says it is, where that is said once."""
    keys = sorted(stored.names())
    said: dict[str, list[str]] = {}
    for key in keys:
        if stored.is_group(key) and "video_name" in stored.names(key):
            said.setdefault(stored.text(key, "video_name"), []).append(key)
    names = {own[0]: text for text, own in said.items() if len(own) == 1 and text not in keys}
    return {names.get(key, key): key for key in keys}


def _beside_times(
    stored: Guarded, group: str
) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
    vectors = stored.numbers(group, "features").astype(np.float32)
    if "times" not in stored.names(group):
        return vectors, None
    return vectors, stored.numbers(group, "times").astype(np.float64)


def _require_plain(array: Any, file: Path) -> None:
    """Numbers of sane size."""
    if getattr(array, "shape", None) is None or array.dtype.kind not in "fiu":
        raise IntegrityError(f"{file}: holds no numbers", "extract it again")
    if math.prod(array.shape) * max(array.dtype.itemsize, 4) > LARGEST:
        raise LimitError(f"{file}: {array.shape} exceeds {LARGEST >> 30} GiB", "split the video")


def _step(value: Any, declared: Path) -> float | None:
    if value is None:
        return None
    try:
        step = number(value)
    except ValueError as error:
        raise IntegrityError(f"{declared}: step_seconds: {error}", "correct it") from error
    if step <= 0:
        raise IntegrityError(f"{declared}: step_seconds is {step:g}", "correct it")
    return step
