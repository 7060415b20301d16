"""Benchmark videos as training samples, and samples as padded batches."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iptnet.data.benchmark import BenchmarkVideo, load_benchmark
from iptnet.errors import InputError, UsageError
from iptnet.features.recipe import Recipe
from iptnet.model.context import Context
from iptnet.model.summarization import SummarizationModule
from iptnet.training.arguments import AugmentationArguments
from iptnet.training.loop import seed_of
from iptnet.training.targets import segment_targets, user_ranks


@dataclass(frozen=True)
class Library:
    """Videos by id (``dataset/name``), the recipes they come in, and a digest of all of it."""

    videos: Mapping[str, BenchmarkVideo]
    recipes: tuple[Recipe, ...]
    digest: str


class Sample(NamedTuple):
    """A video ready to learn from: prepared features (the clean ones first) and all targets."""

    video: str
    prepared: tuple[Context, ...]
    importance: Tensor
    offsets: Tensor
    centrality: Tensor
    ranks: Tensor


class Batch(NamedTuple):
    """B samples padded to T steps: see :class:`SummarizationOutput` for the shapes."""

    prepared: Context
    mask: Tensor
    importance: Tensor
    offsets: Tensor
    centrality: Tensor
    ranks: Tensor


def load_library(paths: Sequence[Path | str]) -> Library:
    """Read benchmark files into one library.

    Raises:
        UsageError: no files, or widths that differ.
        InputError: a video is in two files.
        IntegrityError: a file is not what it claims to be.
    """
    if not paths:
        raise UsageError("no data files", "name them with --data or under data: in the config")
    videos: dict[str, BenchmarkVideo] = {}
    recipes: list[Recipe] = []
    total = hashlib.sha256()
    for path in paths:
        benchmark = load_benchmark(path)
        if benchmark.recipe not in recipes:
            recipes.append(benchmark.recipe)
        for video in benchmark.videos:
            name = f"{benchmark.dataset}/{video.name}"
            if name in videos:
                raise InputError(f"{name} is in two of the data files", "leave one of them out")
            videos[name] = video
            total.update(name.encode())
            rows = (video.user_scores, video.user_summary, video.importance)
            for row in (video.features, video.picks, video.change_points, *rows):
                if row is not None:
                    total.update(np.ascontiguousarray(row).tobytes())
    if len(widths := {r.width for r in recipes}) > 1:
        raise UsageError(f"features of widths {sorted(widths)}", "train on one recipe")
    return Library(videos, tuple(recipes), total.hexdigest())


def make_sample(
    name: str,
    video: BenchmarkVideo,
    module: SummarizationModule,
    how: AugmentationArguments,
    seed: int,
) -> Sample:
    """Prepare a video once for a whole run.

    Raises:
        InputError: the video has no labels.
    """
    users = video.user_scores if video.user_scores is not None else video.user_summary
    if users is None or video.keyshots is None:
        raise InputError(f"{name} has no human labels", "leave it out of training")
    digest = hashlib.sha256(name.encode()).digest()[:4]
    rng = np.random.default_rng([seed, int.from_bytes(digest, "little")])
    pool = np.load(how.residuals, allow_pickle=False) if how.residuals else None
    noisy = [with_noise(video.features, how.noise, pool, rng) for _ in range(how.copies)]
    mask = torch.ones(1, len(video.picks), dtype=torch.bool)
    prepared = []
    for rows in (video.features, *noisy):
        content, cues = module.prepare(torch.from_numpy(rows)[None], mask)
        prepared.append(Context(content[0], cues[0]))
    targets = segment_targets(video.keyshots[video.picks])
    tensors = [torch.from_numpy(t) for t in (*targets, user_ranks(users[:, video.picks]))]
    return Sample(name, tuple(prepared), *tensors)


def prepared_sample(
    kept: dict[tuple[str, int], Sample],
    library: Library,
    name: str,
    module: SummarizationModule,
    *,
    how: AugmentationArguments,
    seed: int,
) -> Sample:
    """A video as a sample, made once: splits share it, and seeds too where there is no noise."""
    key = (name, seed if how.copies else 0)
    if key not in kept:
        kept[key] = make_sample(name, library.videos[name], module, how, seed)
    return kept[key]


def with_noise(
    features: NDArray[np.float32],
    noise: float,
    pool: NDArray[np.float32] | None,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Features as another look at the same scenes might give them: noise held over stretches.

    Args:
        features: ``(T, D)`` unit rows.
        noise: norm of the noise; with a pool, its factor.
        pool: ``(N, D)`` real residuals to draw from, or Gaussian ones.
        rng: source of randomness.

    Returns:
        ``(T, D)`` unit rows.
    """
    T, D = features.shape
    cuts = rng.random(T) < 0.1  # a stretch lasts five seconds on average
    stretch = np.cumsum(cuts)

    def draw(n: int) -> NDArray[np.float32]:
        if pool is not None:
            rows: NDArray[np.float32] = pool[rng.integers(len(pool), size=n)].astype(np.float32)
            return rows
        return rng.standard_normal((n, D), np.float32) / np.float32(np.sqrt(D))

    jitter = draw(T) * np.float32(0.3)
    out = features + np.float32(noise) * (draw(int(stretch[-1]) + 1)[stretch] + jitter)
    norm = np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-6)
    noisy: NDArray[np.float32] = (out / norm).astype(np.float32)
    return noisy


def batches_of(samples: Sequence[Sample], size: int, seed: int, epoch: int) -> list[Batch]:
    """The batches of an epoch: shuffled, videos of like length together, noisy copies in turn."""
    return [
        collate([samples[i] for i in chunk], [epoch + i for i in chunk])
        for chunk in groups_of([len(s.ranks) for s in samples], size, seed, epoch)
    ]


def groups_of(lengths: Sequence[int], size: int, seed: int, epoch: int) -> list[list[int]]:
    """Indices of an epoch's batches: shuffled, with neighbours in length together."""
    rng = np.random.default_rng(seed_of(seed, epoch))
    order = rng.permutation(len(lengths))
    pool = 4 * size
    chunks: list[list[int]] = []
    for k in range(0, len(order), pool):
        near = sorted(order[k : k + pool].tolist(), key=lambda i: lengths[i])
        chunks += [near[j : j + size] for j in range(0, len(near), size)]
    return [chunks[k] for k in rng.permutation(len(chunks))]


def collate(samples: Sequence[Sample], turns: Sequence[int]) -> Batch:
    """Pad samples to the longest; ``turns`` choose among each one's prepared copies."""
    from torch.nn.utils.rnn import pad_sequence

    def pad(rows: list[Tensor]) -> Tensor:
        return pad_sequence(rows, batch_first=True)

    chosen = [s.prepared[t % len(s.prepared)] for s, t in zip(samples, turns, strict=True)]
    mask = pad([torch.ones(len(s.ranks), dtype=torch.bool) for s in samples])
    return Batch(
        Context(pad([c.content for c in chosen]), pad([c.cues for c in chosen])),
        mask,
        pad([s.importance for s in samples]),
        pad([s.offsets for s in samples]),
        pad([s.centrality for s in samples]),
        pad([s.ranks for s in samples]),
    )
