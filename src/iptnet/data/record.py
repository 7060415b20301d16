"""One video of a benchmark with its labels, and what follows from them.

What a file leaves out — TVSum's user summaries, the ground-truth keyshots — is derived on first use
by the rules of ``protocol``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import UsageError
from iptnet.features.recipe import Recipe
from iptnet.protocol.keyshots import ground_truth_summary, user_summaries_from_scores


@dataclass(frozen=True, eq=False)
class BenchmarkVideo:
    """One video: T sampled steps, F frames, S shots, U users, features D wide.

    Attributes:
        key: its group in the file, ``video_1``.
        name: its own name, or the key where the file has none.
        features: (T, D) float32.
        picks: (T,) int64, frame of each step, strictly ascending.
        n_frames: F.
        fps: frames a second, where known.
        change_points: (S, 2) int64, first and last frame of each shot, covering all F frames.
        n_frame_per_seg: (S,) int64, frames of each shot.
        user_summary: (U, F) uint8, each user's 0/1 summary.
        user_scores: (U, F) float32, each user's importance 1 … 5 (TVSum's ``user_anno``).
        gtscore: (T,) float32, the users' mean importance as published, on the file's own scale.
        gtsummary: (T,) float32 0/1 as published; :attr:`keyshots` derives one for any video.
        times: (T,) float64, seconds of each step, where the frame rate varies.
        title: its title.
        category: its category.
    """

    key: str
    name: str
    features: NDArray[np.float32]
    picks: NDArray[np.int64]
    n_frames: int
    fps: float | None
    change_points: NDArray[np.int64]
    n_frame_per_seg: NDArray[np.int64]
    user_summary: NDArray[np.uint8] | None = None
    user_scores: NDArray[np.float32] | None = None
    gtscore: NDArray[np.float32] | None = None
    gtsummary: NDArray[np.float32] | None = None
    times: NDArray[np.float64] | None = None
    title: str | None = None
    category: str | None = None

    @cached_property
    def users(self) -> NDArray[np.uint8] | None:
        """(U, F) 0/1 summaries to score against: as given, else from each user's scores."""
        if self.user_summary is not None or self.user_scores is None:
            return self.user_summary
        return user_summaries_from_scores(self.user_scores, self.change_points)

    @cached_property
    def importance(self) -> NDArray[np.float32] | None:
        """(T,) the users' mean importance, min-max scaled to [0, 1]; constant importance gives 0.

        ``gtscore`` where the file has it, else the mean of the users' scores or summaries at the
        picks; None without any label.
        """
        row = self.gtscore
        if row is None:
            labels = self.user_summary if self.user_scores is None else self.user_scores
            if labels is None:
                return None
            row = labels[:, self.picks].mean(axis=0, dtype=np.float64).astype(np.float32)
        low, span = float(row.min()), float(np.ptp(row.astype(np.float64)))
        if span <= 0:
            return np.zeros_like(row)
        return ((row.astype(np.float64) - low) / span).astype(np.float32)

    @cached_property
    def keyshots(self) -> NDArray[np.uint8] | None:
        """(F,) the ground-truth 0/1 keyshot summary of :attr:`importance` at 15 % of the frames."""
        if self.importance is None:
            return None
        return ground_truth_summary(self.importance, self.picks, self.change_points, self.n_frames)


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A loaded file.

    Attributes:
        dataset: ``summe``, ``tvsum``, ``ovp``, ``youtube``, or the name of another set.
        path: where it was read.
        recipe: how its features were made; named ``undeclared`` when nobody says.
        videos: in natural order of their keys.
    """

    dataset: str
    path: Path
    recipe: Recipe
    videos: tuple[BenchmarkVideo, ...]

    def __len__(self) -> int:
        return len(self.videos)

    def __iter__(self) -> Iterator[BenchmarkVideo]:
        return iter(self.videos)

    def __getitem__(self, key: str) -> BenchmarkVideo:
        """A video by its key, else by its name.

        Raises:
            KeyError: none has it.
        """
        for video in self.videos:
            if video.key == key:
                return video
        for video in self.videos:
            if video.name == key:
                return video
        raise KeyError(f"{self.path} has no video {key}")


def natural_order(key: str) -> list[tuple[int, str]]:
    """Sort key that puts video_2 before video_10."""
    parts = re.split(r"(\d+)", key)
    return [(int(p), p) if p.isdecimal() and len(p) < 19 else (-1, p) for p in parts]


def check_dataset(dataset: str) -> str:
    """A name for a set: short, printable, without slashes, since split files say ``set/video``.

    Raises:
        UsageError: another one.
    """
    if not re.fullmatch(r"[\w.+-]{1,64}", dataset):
        raise UsageError(f"{dataset!r} cannot name a set", "use letters, digits, . _ + -")
    return dataset
