"""The benchmark h5 layout: SumMe, TVSum, OVP, YouTube, and features of your own videos.

One group a video, as the public eccv16 files (Zhang et al., ECCV 2016) have it; docs/formats.md
describes every key. Nothing is used before it is checked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from iptnet.data import digest
from iptnet.data.guarded import AGAIN, Guarded, Limits, open_guarded
from iptnet.data.record import Benchmark, BenchmarkVideo, natural_order
from iptnet.data.validate import OPTIONAL, REQUIRED, validated
from iptnet.data.write import write_benchmark
from iptnet.errors import IntegrityError
from iptnet.features.known import recipe_of_file
from iptnet.features.recipe import Recipe

DATASETS = ("summe", "tvsum", "ovp", "youtube")
TEXTS = ("video_name", "title", "category")

__all__ = ["Benchmark", "BenchmarkVideo", "Limits", "load_benchmark", "write_benchmark"]


def load_benchmark(
    path: Path | str,
    dataset: str | None = None,
    recipe: Recipe | None = None,
    limits: Limits | None = None,
) -> Benchmark:
    """Read and check a file in the benchmark layout.

    Args:
        path: the h5 file.
        dataset: which set it is; else as it declares, as its name says (``…tvsum…``), ``tvsum``
            when it holds ``user_anno``, or its file name.
        recipe: how its features were made, where the file does not say
            (rule in :mod:`iptnet.features.known`).
        limits: sizes to accept.

    Raises:
        InputError: missing, or not HDF5.
        IntegrityError: broken, altered, pointing outside itself, or contradicting itself; names
            the file, video and key.
        LimitError: declares sizes beyond the limits.
    """
    path, limits = Path(path), limits or Limits()
    videos: list[BenchmarkVideo] = []
    total = digest.Digest()
    with open_guarded(path, limits) as file:
        declared = {name: file.attribute(name) for name in digest.ATTRIBUTES}
        total.header(declared)
        for key in sorted(file.groups(), key=natural_order):
            numbers, texts = _read(file, key)
            if declared["sha256"] is not None:
                total.video(key, {**numbers, **texts})
            fields = validated(numbers, f"{path}: {key}", limits.frames)
            fields["name"] = texts.get("video_name") or key
            fields["title"] = texts.get("title") or None
            fields["category"] = texts.get("category") or None
            videos.append(BenchmarkVideo(key=key, **fields))
    total.compare(declared, path)
    if not videos:
        raise IntegrityError(f"{path} holds no video", AGAIN)
    widths = {v.features.shape[1]: v.key for v in videos}
    if len(widths) > 1:
        raise IntegrityError(f"{path} mixes feature widths: {widths}", "keep one recipe a file")
    found = recipe_of_file(path, next(iter(widths)), declared["recipe"], recipe)
    name = dataset or declared["dataset"] or _guess_dataset(path, videos)
    return Benchmark(name, path, found, tuple(videos))


def _read(file: Guarded, key: str) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    there = file.names(key)
    numbers = {name: file.numbers(key, name) for name in (*REQUIRED, *OPTIONAL) if name in there}
    return numbers, {name: file.text(key, name) for name in TEXTS if name in there}


def _guess_dataset(path: Path, videos: list[BenchmarkVideo]) -> str:
    stem = path.stem.lower()
    named = [d for d in DATASETS if d in stem]
    if len(named) == 1:
        return named[0]
    return "tvsum" if any(v.user_scores is not None for v in videos) else stem
