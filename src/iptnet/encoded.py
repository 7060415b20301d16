"""A video that the model has seen: summarize it, query it, as often as you like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from iptnet.features.cache import Features
from iptnet.features.extract import RATE
from iptnet.selection.keyshots import select
from iptnet.shots.kts import change_points, frame_bounds
from iptnet.timeline import Curve, Moment, Source, Timeline

if TYPE_CHECKING:
    from iptnet.api import Model
    from iptnet.data.record import BenchmarkVideo
    from iptnet.model.localizer import VideoIndex

MAX_SHOT = 10.0
"""Seconds. A one-take video has no change points; the summary still needs parts to choose from."""

MAX_STEPS = int(MAX_SHOT * RATE)

BLANK, VISIBLE = 1.0, 4.0
"""Grey levels of contrast: a black screen, also with a line of text, is below the first; a dim
night scene is above the second."""


@dataclass(frozen=True)
class Encoded:
    """A video that the model has seen.

    Attributes:
        model: what encoded it.
        path: the file.
        source: what a timeline records of it.
        features: ``times`` (T,) in seconds, ``vectors`` (T, D), with their recipe.
    """

    model: Model
    path: Path
    source: Source
    features: Features

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong on the way without making the result useless."""
        return tuple(self.features.metadata["warnings"])

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """Shots as ``(S, 2)`` seconds, without gaps, from 0 to the duration."""
        times = self.features.times
        starts = change_points(self.features.vectors, max_steps=MAX_STEPS)
        # The shot begins somewhere between the last sample before it and its first: where the
        # picture changes most, so that no flash of a neighbour is left at either end.
        before, after = times[starts - 1], times[starts]
        seen = np.array([self.features.metadata["cuts"][i] for i in starts], dtype=np.float64)
        cuts = np.where(np.isnan(seen), (before + after) / 2, np.clip(seen, before + 1e-6, after))
        edges = np.concatenate([[0.0], cuts, [max(self.source.duration, float(times[-1]) + 1e-3)]])
        return np.stack([edges[:-1], edges[1:]], axis=1)

    @cached_property
    def importance(self) -> NDArray[np.float32]:
        """One value in [0, 1] per sampled frame, ``(T,)``; a blank picture has none."""
        judged = self.model.summarizer.importance(
            self.features.vectors,
            self.features.recipe,
            self.features.times,
            self.features.metadata["cues"],
        )
        # The model learned from captions, and no caption says that there is nothing to see.
        contrast = np.asarray(self.features.metadata["contrast"], np.float32)
        visible = np.clip((contrast - BLANK) / (VISIBLE - BLANK), 0, 1)
        worth: NDArray[np.float32] = (judged * visible).astype(np.float32)
        return worth

    @cached_property
    def _index(self) -> VideoIndex:
        """The localizer's view of this video, so that a second query costs milliseconds."""
        features = self.features
        return self.model.localizer.encode(
            features.vectors, features.times, features.recipe, self.source.duration, self.bounds
        )

    def find(self, query: str, top: int = 5) -> tuple[Moment, ...]:
        """Where in the video a sentence happens, best first.

        Raises:
            UsageError: an empty sentence.
            IntegrityError: the localizer was made for other features.
        """
        (moments,) = self._index.find([query], top)
        return tuple(moments)

    def ask(self, queries: Sequence[str], top: int = 5) -> Timeline:
        """The moments of several sentences as a timeline without keyshots; see :meth:`find`."""
        found = [m for query in queries for m in self.find(query, top)]
        doubts = [self.model.localizer.warning(query) for query in queries]
        return Timeline(
            source=self.source,
            importance=self._curve(self._index.importance(queries[0])),
            moments=tuple(found),
            recipe=self.features.recipe.to_dict(),
            checkpoint=self.model.localizer.checkpoint.describe(),
            warnings=(*self.warnings, *(doubt for doubt in doubts if doubt)),
        )

    def summarize(self, ratio: float = 0.15, query: str | None = None) -> Timeline:
        """Choose the keyshots of a summary of at most ``ratio`` of the video.

        Args:
            ratio: share of the duration to keep.
            query: a sentence to focus on: what it describes counts first, and among that, what
                matters anyway. Its moments come along.

        Raises:
            UsageError: ``ratio`` is not in (0, 1], or an empty query.
            IntegrityError: a model was made for other features.
        """
        times, values = self.features.times, self.importance
        moments: tuple[Moment, ...] = ()
        doubts: tuple[str, ...] = ()
        if query is not None:
            moments = self.find(query)
            doubt = self.model.localizer.warning(query)
            doubts = (doubt,) if doubt else ()
            # Squared, so that what the sentence fits half is no rival to what it fits.
            located = self._index.importance(query) ** 2
            values = (located * (3 + values) / 4).astype(np.float32)
        selection = select(
            times,
            values,
            self.bounds,
            self.source.duration,
            ratio=ratio,
            frame_interval=self._frame_interval,
            # Who asks for one thing wants all of it, repeats included.
            vectors=self._shown if query is None else None,
        )
        return Timeline(
            source=self.source,
            importance=self._curve(values),
            shots=selection.shots,
            keyshots=selection.keyshots,
            moments=moments,
            recipe=self.features.recipe.to_dict(),
            checkpoint=self.model.summarizer.checkpoint.describe(),
            warnings=(*self.warnings, *doubts),
        )

    def _curve(self, values: NDArray[np.float32]) -> Curve:
        # Six digits are microseconds and far below what a value means; they keep the JSON readable.
        return Curve(
            tuple(round(float(t), 6) for t in self.features.times),
            tuple(round(float(v), 6) for v in values),
        )

    @property
    def _shown(self) -> NDArray[np.float32]:
        """What each sample shows relative to pictures in general, ``(T, D)``."""
        centres = getattr(self.model.encoder, "centres", None)
        shown: NDArray[np.float32] = self.features.vectors.astype(np.float32)
        return shown if centres is None else shown - centres[0]

    @property
    def _frame_interval(self) -> float | None:
        """Seconds between frames; None at a variable rate, where the mean is no grid."""
        fps, count = self.source.fps, int(self.features.metadata["n_frames"])
        return 1 / fps if fps > 0 and abs(count - self.source.duration * fps) <= 1 else None

    def to_benchmark(self, key: str) -> BenchmarkVideo:
        """This video in the layout of the benchmark files, without labels.

        Where the sampling asked for one frame twice (a file with few frames a second), the picture
        stands once: picks are frames, and a frame has one feature.
        """
        from iptnet.data.record import BenchmarkVideo

        indices = np.asarray(self.features.metadata["indices"], dtype=np.int64)
        picks, kept = np.unique(indices, return_index=True)
        n_frames = max(int(self.features.metadata["n_frames"]), int(picks[-1]) + 1)
        vectors = self.features.vectors[kept].astype(np.float32)
        shots = frame_bounds(change_points(vectors, max_steps=MAX_STEPS), picks, n_frames)
        return BenchmarkVideo(
            key=key,
            name=self.source.name,
            features=vectors,
            picks=picks,
            n_frames=n_frames,
            fps=self.source.fps,
            change_points=shots,
            n_frame_per_seg=shots[:, 1] - shots[:, 0] + 1,
            times=self.features.times[kept],
        )
