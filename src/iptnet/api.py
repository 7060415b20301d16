"""Encode a video once; summarize it as often as you like.

``iptnet.load().encode("talk.mp4").summarize(0.15)`` is the whole way: frames at true timestamps →
features → importance map → shots → keyshots, as a :class:`~iptnet.timeline.Timeline`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iptnet.errors import InputError
from iptnet.features.cache import FeatureCache, Features, content_sha256
from iptnet.selection.keyshots import select
from iptnet.shots.kts import change_points, frame_bounds
from iptnet.timeline import Curve, Source, Timeline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iptnet.data.record import BenchmarkVideo
    from iptnet.features.encoders import Encoder
    from iptnet.model.summarizer import Summarizer
    from iptnet.video.limits import Limits

OnProgress = Callable[[str, int, int | None], None]

RATE = 2.0
"""Samples a second; the benchmarks' own rate (every 15th frame at 30 per second)."""

MAX_SHOT = 10.0
"""Seconds. A one-take video has no change points; the summary still needs parts to choose from."""

METADATA = 1
"""Version of what is kept beside cached features; an entry of another one is made again."""

BLANK, VISIBLE = 1.0, 4.0
"""Grey levels of contrast: a black screen, also with a line of text, is below the first; a dim
night scene is above the second."""

MAX_STEPS = int(MAX_SHOT * RATE)


def load(
    *,
    encoder: str = "lite",
    weights: Path | None = None,
    summarizer: Path | None = None,
    cache: bool = True,
) -> Model:
    """The model that ships with the package, or parts of your own.

    Args:
        encoder: ``lite`` or ``googlenet-pool5``.
        weights: the encoder's weights, where the package carries none.
        summarizer: checkpoint of the summarization module; None for the one that ships.
        cache: keep features between runs.

    Raises:
        IntegrityError: weights that are not what they claim to be.
        InputError: no such file.
    """
    from iptnet.features.encoders import load_encoder

    return Model(
        encoder=load_encoder(encoder, weights),
        summarizer_path=summarizer,
        cache=FeatureCache() if cache else None,
    )


@dataclass(frozen=True)
class Model:
    """Named parts: frames → vectors (encoder), vectors → importance (summarizer)."""

    encoder: Encoder
    summarizer_path: Path | None = None
    cache: FeatureCache | None = None

    @cached_property
    def summarizer(self) -> Summarizer:
        """The summarization module, loaded and verified at first use."""
        from iptnet.model.summarizer import load_summarizer

        return load_summarizer(self.summarizer_path)

    def encode(
        self,
        path: str | Path,
        *,
        on_progress: OnProgress | None = None,
        limits: Limits | None = None,
    ) -> Encoded:
        """Decode, sample and embed a video; from the cache when it was seen before.

        Args:
            path: a video file.
            on_progress: called as ``(stage, done, total)``, in seconds of video.
            limits: sizes and times beyond which to refuse.

        Raises:
            InputError: missing, no video, or nothing in it can be decoded.
            LimitError: beyond ``limits``.
        """
        path = Path(path)
        from iptnet.video.child import check_file
        from iptnet.video.limits import Limits

        check_file(path, limits or Limits())
        digest = content_sha256(path)
        features = self.cache.get(digest, self.encoder.recipe) if self.cache else None
        if features is None or features.metadata.get("version") != METADATA:
            features = self._extract(path, digest, on_progress, limits or Limits())
            # A partial result is not worth remembering: the cause may be gone next time.
            if self.cache and not features.metadata["warnings"]:
                self.cache.put(digest, features)
        source = Source(
            **{**features.metadata["source"], "path": _text(path), "name": _text(path.name)}
        )
        return Encoded(self, path, source, features)

    def _extract(
        self, path: Path, digest: str, on_progress: OnProgress | None, limits: Limits
    ) -> Features:
        from iptnet.video.frames import sample_frames

        times: list[NDArray[np.float64]] = []
        indices: list[NDArray[np.int64]] = []
        vectors: list[NDArray[np.float32]] = []
        contrast: list[NDArray[np.float64]] = []
        cuts: list[NDArray[np.float64]] = []
        with sample_frames(path, RATE, self.encoder.size, limits=limits) as stream:
            info = stream.info
            for batch in stream:
                times.append(batch.times)
                indices.append(batch.indices)
                vectors.append(self.encoder.encode(batch.images))
                contrast.append(contrasts(batch.images))
                cuts.append(np.where(batch.changes > 0, batch.cut_times, np.nan))
                if on_progress:
                    total = max(round(info.duration), 1)
                    on_progress("frames", min(round(stream.position), total), total)
            duration, n_frames = float(stream.duration), int(stream.n_frames)
            warnings = list(stream.warnings)
        if not times:
            raise InputError(f"{path} shows no picture", "check that it plays")
        fps = info.fps if info.fps > 0 else n_frames / max(duration, 1e-3)
        source = Source("", "", digest, duration, fps, info.width, info.height, info.start)
        metadata: dict[str, Any] = {
            "version": METADATA,
            "source": asdict(source),
            "n_frames": n_frames,
            "indices": np.concatenate(indices).tolist(),
            "cuts": [None if np.isnan(c) else float(c) for c in np.concatenate(cuts)],
            "contrast": np.concatenate(contrast).round(2).tolist(),
            "warnings": warnings,
        }
        return Features(
            np.concatenate(times), np.concatenate(vectors), self.encoder.recipe, metadata
        )


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
            self.features.vectors, self.features.recipe, self.features.times
        )
        # The model learned from captions, and no caption says that there is nothing to see.
        contrast = np.asarray(self.features.metadata["contrast"], np.float32)
        visible = np.clip((contrast - BLANK) / (VISIBLE - BLANK), 0, 1)
        worth: NDArray[np.float32] = (judged * visible).astype(np.float32)
        return worth

    def summarize(self, ratio: float = 0.15) -> Timeline:
        """Choose the keyshots of a summary of at most ``ratio`` of the video.

        Raises:
            UsageError: ``ratio`` is not in (0, 1].
            IntegrityError: the summarizer was made for other features.
        """
        times, values = self.features.times, self.importance
        selection = select(
            times,
            values,
            self.bounds,
            self.source.duration,
            ratio=ratio,
            frame_interval=self._frame_interval,
            vectors=self._shown,
        )
        return Timeline(
            source=self.source,
            importance=Curve(
                tuple(round(float(t), 6) for t in times), tuple(round(float(v), 6) for v in values)
            ),
            shots=selection.shots,
            keyshots=selection.keyshots,
            recipe=self.features.recipe.to_dict(),
            checkpoint=self.model.summarizer.checkpoint.describe(),
            warnings=self.warnings,
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


def contrasts(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How much there is to see: mean absolute deviation from the median grey, in 8-bit levels.

    Args:
        images: (n, H, W, 3); every fourth row and column suffices.
    """
    grey = images[:, ::4, ::4, 1].reshape(len(images), -1).astype(np.float64)
    spread: NDArray[np.float64] = np.abs(grey - np.median(grey, axis=1, keepdims=True)).mean(axis=1)
    return spread


def _text(path: str | Path) -> str:
    """A name as text that any JSON or page can carry; undecodable bytes become U+FFFD."""
    return os.fsencode(str(path)).decode("utf-8", "replace")
