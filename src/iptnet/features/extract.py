"""From a video file to its features: sampled, encoded, and described beside the vectors.

One pass over the pictures; decoding runs in its child while the encoder works here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import InputError
from iptnet.features.cache import Features
from iptnet.features.cues import MOVING, NAMES, CueMeter, started
from iptnet.forking import native
from iptnet.timeline import Source

if TYPE_CHECKING:
    from iptnet.features.encoders import Encoder
    from iptnet.video.limits import Limits

OnProgress = Callable[[str, int, int | None], None]

RATE = 2.0
"""Samples a second; the benchmarks' own rate (every 15th frame at 30 per second)."""

BATCH = 8
"""Pictures taken from the decoder at a time: it works on while few are encoded here."""

METADATA = 3
"""Version of how pictures are read and of what is kept beside cached features; an entry of another
one is made again. 3: high dynamic range is mapped, the source has its timecode, and cues of the
picture are measured."""


def extract(
    path: Path,
    digest: str,
    encoder: Encoder,
    *,
    limits: Limits | None = None,
    on_progress: OnProgress | None = None,
    preview: bool = False,
) -> Features:
    """Decode, sample and embed a video.

    Args:
        path: the video.
        digest: sha256 of its bytes, to be recorded.
        encoder: how pictures become vectors.
        limits: bounds on the file and on the decoding child.
        on_progress: called as ``("frames", done, total)``, in seconds of video.
        preview: decode key frames only. Each sample then has the vector of the key frame before
            it, frame numbers follow from the frame rate, and a warning says so.

    Returns:
        Vectors at ``k / RATE`` seconds. The metadata holds the ``source`` (a timeline's, without
        names), ``n_frames``, and of each sample the frame's number (``indices``), the time of the
        largest change since the sample before (``cuts``), how much there is to see
        (``contrast``, see :func:`contrasts`) and the ``cues`` of the picture by name
        (:mod:`iptnet.features.cues`; of what is on show in a preview); and the decoder's
        ``warnings``.

    Raises:
        InputError: nothing in the file can be decoded.
        LimitError: beyond ``limits``.
    """
    with native():
        from iptnet.video.frames import sample_frames

    times: list[NDArray[np.float64]] = []
    indices: list[NDArray[np.int64]] = []
    shown: list[NDArray[np.float64]] = []
    vectors: list[NDArray[np.float32]] = []
    contrast: list[NDArray[np.float64]] = []
    cuts: list[NDArray[np.float64]] = []
    seen: list[NDArray[np.float32]] = []
    meter = CueMeter()
    pictures = 0
    shot: NDArray[np.uint8] | None = None
    with sample_frames(
        path, RATE, encoder.size, batch=BATCH, limits=limits, preview=preview
    ) as stream:
        info = stream.info
        for batch in stream:
            times.append(batch.times)
            # A picture that is on show at several samples is looked at once, as is a still one.
            fresh = np.array([not np.array_equal(a, b) for a, b in pairwise([shot, *batch.images])])
            shot = batch.images[-1]
            known = vectors[-1][-1:] if vectors else np.empty((0, encoder.recipe.width), np.float32)
            rows = np.concatenate([known, encoder.encode(batch.images[fresh])])
            vectors.append(rows[np.cumsum(fresh) - (len(known) == 0)])
            last = indices[-1][-1] if indices else -1
            pictures += int((np.diff(batch.indices, prepend=last) != 0).sum())
            indices.append(batch.indices)
            shown.append(batch.shown)
            contrast.append(contrasts(batch.images))
            measured = meter.measure(batch.images[fresh])
            seen.append(repeated(measured, fresh, seen[-1][-1:] if seen else measured[:1]))
            cuts.append(np.where(batch.changes > 0, batch.cut_times, np.nan))
            if on_progress:
                total = max(round(info.duration), 1)
                on_progress("frames", min(round(stream.position), total), total)
        duration, n_frames = float(stream.duration), int(stream.n_frames)
        warnings = list(stream.warnings)
    if not times:
        raise InputError(f"{path} shows no picture", "check that it plays")
    fps = info.fps if info.fps > 0 else n_frames / max(duration, 1e-3)
    numbers = np.concatenate(indices)
    if preview:
        n_frames = max(round(duration * fps), 1)
        numbers = np.minimum(np.rint(np.concatenate(shown) * fps).astype(np.int64), n_frames - 1)
        warnings.append(f"a preview from {pictures} key frames: times are as coarse as those")
    source = Source(
        *("", "", digest, duration, fps, info.width, info.height),
        start=info.start,
        audio=info.has_audio,
        timecode=info.timecode,
    )
    metadata: dict[str, Any] = {
        "version": METADATA,
        "source": asdict(source),
        "n_frames": n_frames,
        "indices": numbers.tolist(),
        "cuts": [None if np.isnan(c) else float(c) for c in np.concatenate(cuts)],
        "contrast": np.concatenate(contrast).round(2).tolist(),
        "cues": {
            name: column.astype(np.float64).round(4).tolist()
            for name, column in zip(NAMES, started(np.concatenate(seen)).T, strict=True)
        },
        "warnings": warnings,
    }
    return Features(np.concatenate(times), np.concatenate(vectors), encoder.recipe, metadata)


def repeated(
    measured: NDArray[np.float32], fresh: NDArray[np.bool_], before: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Cues of all samples from those of the fresh ones: a picture still on show does not move.

    Args:
        measured: (m, len(NAMES)) of the fresh samples.
        fresh: (n,) which samples show another picture than the one before them.
        before: (1, len(NAMES)) of the sample before, which the first may show again.
    """
    rows = np.concatenate([before, measured])[np.cumsum(fresh)]
    rows[~fresh, :MOVING] = 0
    return rows


def contrasts(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How much there is to see: mean absolute deviation from the median grey, in 8-bit levels.

    Args:
        images: (n, H, W, 3); every fourth row and column suffices.
    """
    grey = images[:, ::4, ::4, 1].reshape(len(images), -1).astype(np.float64)
    spread: NDArray[np.float64] = np.abs(grey - np.median(grey, axis=1, keepdims=True)).mean(axis=1)
    return spread
