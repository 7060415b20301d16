"""A video that the model has seen: summarize it, query it, as often as you like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iptnet.features.cache import Features
from iptnet.features.extract import RATE
from iptnet.forking import native, native_property, without_native
from iptnet.selection.candidates import Candidates, candidates
from iptnet.selection.content import BLANK, VISIBLE, Content, content_of
from iptnet.selection.keyshots import Selection, budget_of, choose
from iptnet.selection.pieces import jumps
from iptnet.shots.kts import change_points, frame_bounds
from iptnet.timeline import Curve, Moment, Source, Timeline

if TYPE_CHECKING:
    from iptnet.api import Model
    from iptnet.data.record import BenchmarkVideo
    from iptnet.model.localizer import VideoIndex

MAX_SHOT = 10.0
"""Seconds. A one-take video has no change points; the summary still needs parts to choose from."""

MAX_STEPS = int(MAX_SHOT * RATE)

RATIO = 0.15
"""Of the video, where neither a share nor a length is asked for."""

MANY, SHOWN = 20, 5
"""Answers to a sentence that a focused summary looks at, and that its timeline keeps."""

DISTRUST = 0.1
"""Of the best answer's confidence: what lies in no answer, or in a hopeless one, counts so much."""

FITS = 0.4
"""Of the best match of a sentence: below that, a piece does not show what it says."""


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

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: it computes the rest itself."""
        return without_native(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong on the way without making the result useless."""
        return tuple(self.features.metadata["warnings"])

    @native_property
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

    @native_property
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

    @native_property
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
        with native():
            (moments,) = self._index.find([query], top)
        return tuple(moments)

    def ask(self, queries: Sequence[str], top: int = 5) -> Timeline:
        """The moments of several sentences as a timeline without keyshots; see :meth:`find`."""
        found = [m for query in queries for m in self.find(query, top)]
        doubts = [self.model.localizer.warning(query) for query in queries]
        with native():
            located = self._index.importance(queries[0])
        return Timeline(
            source=self.source,
            importance=self._curve(located),
            moments=tuple(found),
            recipe=self.features.recipe.to_dict(),
            checkpoint=self.model.localizer.checkpoint.describe(),
            warnings=(*self.warnings, *(doubt for doubt in doubts if doubt)),
        )

    def summarize(
        self, ratio: float | None = None, query: str | None = None, *, length: float | None = None
    ) -> Timeline:
        """Choose the keyshots of a summary: at most a share of the video, or so many seconds.

        It is shorter where nothing new is left to show, and a warning says so.

        Args:
            ratio: share of the duration to keep; 0.15 if no length is given either. No less than
                five seconds come of it, or the video.
            query: a sentence to focus on: only what it describes is shown, and among that, what
                matters anyway. Its moments come along.
            length: seconds, instead of a ratio.

        Raises:
            UsageError: ``ratio`` is not in (0, 1], ``length`` not above 0, both, or an empty query.
            IntegrityError: a model was made for other features.
        """
        if ratio is None and length is None:
            ratio = RATIO
        seconds = budget_of(self.source.duration, ratio, length)
        if query is not None:
            return self._focused(query, seconds)
        selection = choose(self._candidates, seconds)
        notes = (
            (unused(selection, "all that looks different is in"),) if selection.exhausted else ()
        )
        return self._timeline(selection, self.importance, notes=notes)

    def _timeline(
        self,
        selection: Selection,
        values: NDArray[np.float32],
        *,
        moments: tuple[Moment, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> Timeline:
        return Timeline(
            source=self.source,
            importance=self._curve(values),
            shots=selection.shots,
            keyshots=selection.keyshots,
            moments=moments,
            recipe=self.features.recipe.to_dict(),
            checkpoint=self.model.summarizer.checkpoint.describe(),
            warnings=(*self.warnings, *notes),
        )

    def _focused(self, query: str, seconds: float) -> Timeline:
        """A summary of what a sentence describes."""
        answers = self.find(query, MANY)
        doubt = self.model.localizer.warning(query)
        with native():
            located = self._index.importance(query)
        # Squared, so that what the sentence fits half is no rival to what it fits.
        located = located**2 * trust(answers, self.features.times)
        values = (located * (3 + self.importance) / 4).astype(np.float32)
        content = self._content
        found = candidates(
            self.features.times, values, self._shots, self.source.duration,
            frame_interval=self._frame_interval, content=content, repeated=True,
        )  # fmt: skip
        selection = choose(found, seconds, at_least=FITS * float(values.max()))
        notes = (unused(selection, f"nothing else fits {query!r}"),) if selection.exhausted else ()
        return self._timeline(
            selection, values, moments=answers[:SHOWN], notes=(*notes, *((doubt,) if doubt else ()))
        )

    @native_property
    def _content(self) -> Content:
        metadata = self.features.metadata
        return content_of(self._shown, metadata["cues"], metadata["contrast"])

    @native_property
    def _shots(self) -> NDArray[np.float64]:
        """:attr:`bounds`, and between them where a picture that rests becomes another."""
        times, cuts = self.features.times, self.features.metadata["cuts"]
        sudden = [k for k in jumps(self._content.motion) if cuts[k] is not None]
        at = [min(max(cuts[k], times[k - 1] + 1e-6), times[k]) for k in sudden]
        known = self.bounds[:, 0]
        more = [t for t in at if np.abs(known - t).min() > 1 / RATE]
        edges = np.unique(np.concatenate([known, more, self.bounds[-1:, 1]]))
        return np.stack([edges[:-1], edges[1:]], axis=1)

    @native_property
    def _candidates(self) -> Candidates:
        return candidates(
            self.features.times, self.importance, self._shots, self.source.duration,
            frame_interval=self._frame_interval, content=self._content,
        )  # fmt: skip

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


def trust(answers: Sequence[Moment], times: NDArray[np.float64]) -> NDArray[np.float32]:
    """Confidence of the answers around each sample (T,), as a share of the best one's."""
    found = np.zeros(len(times), np.float32)
    sure = [m.score if m.confidence is None else m.confidence for m in answers]
    for moment, own in zip(answers, sure, strict=True):
        inside = (times >= moment.start) & (times < moment.end)
        found[inside] = np.maximum(found[inside], own / max([*sure, 1e-6]))
    return np.maximum(found, DISTRUST)


def unused(selection: Selection, why: str) -> str:
    """Say that a summary is shorter than it could be."""
    length = sum(k.duration for k in selection.keyshots)
    return f"{length:.0f} of {selection.budget:.0f} s used: {why}"
