"""A folder of features that somebody else extracted, with the recipe that it declares.

Charades-STA is published as I3D or C3D features, one file a video, that say nothing about how they
were made. Here a folder must declare it, in ``recipe.json`` or in the call, since features of
another recipe fit a model silently when their widths agree (METHOD.md, ambiguity 12).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.data.annotation_file import number, read_json, short
from iptnet.errors import InputError, IntegrityError, LimitError
from iptnet.features.recipe import Recipe

LARGEST = 1 << 30
"""Bytes of one video's features; an hour of 4096-d float32 at 4 steps a second takes a quarter."""


class FeatureFolder:
    """Features by video name: a folder of ``<video>.npy`` or ``<video>.h5``, or one h5 file.

    Args:
        path: the folder, or an h5 file with one dataset ``<video>`` (T, D) or one group
            ``<video>/features`` per video.
        recipe: how the features were made; ``None`` reads ``recipe.json`` in the folder: the
            recipe's fields and, optionally, ``step_seconds``.
        step_seconds: seconds from one step to the next. ``None`` spreads the steps evenly over the
            video, as most published code does.

    Raises:
        InputError: no such folder or file, or nothing in it.
        IntegrityError: no recipe is declared, or an ill-formed one.
    """

    def __init__(
        self, path: Path, recipe: Recipe | None = None, *, step_seconds: float | None = None
    ) -> None:
        self.path = Path(path)
        declared = self.path / "recipe.json"
        if recipe is None and not declared.is_file():
            raise IntegrityError(
                f"{self.path} does not say how its features were made",
                "put a recipe.json into it (docs/your-data.md), or pass recipe=",
            )
        if recipe is None:
            raw = read_json(declared)
            if not isinstance(raw, dict):
                raise IntegrityError(f"{declared} is not an object", "see docs/your-data.md")
            declared_step = raw.pop("step_seconds", None)
            recipe = Recipe.from_dict(raw)
            if step_seconds is None and declared_step is not None:
                step_seconds = _step(declared_step, declared)
        self.recipe = recipe
        self.step_seconds = step_seconds
        # Names are looked up in this listing and never joined to the path: a video called
        # "../../etc/x" in an annotation file finds nothing.
        self._files = self._list()
        if not self._files:
            raise InputError(f"{self.path} holds no .npy or .h5 features", "check the path")

    @property
    def videos(self) -> frozenset[str]:
        """Names of the videos with features."""
        return frozenset(self._files)

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
        if video not in self._files:
            raise InputError(f"{self.path} has no features of {short(video)}", "extract them")
        vectors = self._vectors(video)
        where = f"{self.path}: {video}"
        if vectors.ndim != 2 or vectors.shape[1] != self.recipe.width or len(vectors) == 0:
            raise IntegrityError(
                f"{where}: shape {vectors.shape}, but the recipe {self.recipe.name} says "
                f"(steps, {self.recipe.width})",
                "declare the right recipe, or extract the features again",
            )
        if not np.isfinite(vectors).all():
            raise IntegrityError(f"{where}: not finite", "extract the features again")
        step = self.step_seconds
        if step is None:
            if duration is None:
                raise InputError(
                    f"{where}: neither the step nor the video's duration is known",
                    "declare step_seconds in recipe.json, or give the durations",
                )
            step = duration / len(vectors)
        return np.arange(len(vectors), dtype=np.float64) * np.float64(step), vectors

    def _list(self) -> dict[str, Path]:
        if self.path.is_dir():
            files = sorted(p for p in self.path.iterdir() if p.suffix in {".npy", ".h5", ".hdf5"})
            return {p.stem: p for p in files if p.is_file()}
        if not self.path.is_file():
            raise InputError(f"{self.path} does not exist", "check the path")
        import h5py

        try:
            with h5py.File(self.path, "r") as file:
                return dict.fromkeys(map(str, file), self.path)
        except OSError as error:
            raise IntegrityError(
                f"{self.path} is not an h5 file: {error}", "fetch it again"
            ) from error

    def _vectors(self, video: str) -> NDArray[np.float32]:
        file = self._files[video]
        try:
            if file.suffix == ".npy":
                # Mapped first: a header may declare terabytes that the file does not have.
                mapped = np.load(file, mmap_mode="r", allow_pickle=False)
                _require_size(mapped, file)
                return np.array(mapped, dtype=np.float32)
            return self._from_h5(file, video)
        except (OSError, ValueError, TypeError, EOFError) as error:
            raise IntegrityError(f"{file} cannot be read: {error}", "extract it again") from error

    def _from_h5(self, file: Path, video: str) -> NDArray[np.float32]:
        import h5py

        with h5py.File(file, "r") as opened:
            keys = ["features"] if self.path.is_dir() else [video]
            if isinstance(opened.get(keys[0], getlink=True), h5py.HardLink) and isinstance(
                opened[keys[0]], h5py.Group
            ):
                keys.append("features")
            node: Any = opened
            for key in keys:
                if not isinstance(node.get(key, getlink=True), h5py.HardLink):
                    raise IntegrityError(
                        f"{file}: {'/'.join(keys)} is missing or a link to elsewhere",
                        "store the features in the file itself, as a dataset 'features'",
                    )
                node = node[key]
            if not isinstance(node, h5py.Dataset) or node.is_virtual or node.external:
                raise IntegrityError(f"{file}: {'/'.join(keys)} is no plain dataset", "copy it in")
            _require_size(node, file)
            return np.asarray(node[...], dtype=np.float32)


def _require_size(array: Any, file: Path) -> None:
    if math.prod(array.shape) * max(array.dtype.itemsize, 4) > LARGEST:
        raise LimitError(f"{file}: {array.shape} exceeds {LARGEST >> 30} GiB", "split the video")
    if array.dtype.kind not in "fiu":
        raise IntegrityError(f"{file}: {array.dtype} are no features", "extract it again")


def _step(value: Any, declared: Path) -> float:
    try:
        step = number(value)
    except ValueError as error:
        raise IntegrityError(f"{declared}: step_seconds: {error}", "correct it") from error
    if step <= 0:
        raise IntegrityError(f"{declared}: step_seconds is {step:g}", "correct it")
    return step
