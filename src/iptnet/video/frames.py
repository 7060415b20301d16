"""Pictures at true presentation times, streamed from the guarded child.

Sample ``k`` is the picture on show at ``k / rate`` seconds after the first one: the last whose
time stamp is not later. Variable rates, gaps and late starts therefore need no special case.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import InputError, UsageError
from iptnet.video.child import Child, check_file, misbehaviour
from iptnet.video.limits import Limits
from iptnet.video.probe import VideoInfo, info_of
from iptnet.video.tone import picture_of

MAX_RATE = 1000.0
MAX_SIDE = 8192
THREADS = min(4, max(1, (os.cpu_count() or 1) // 2))  # the other half looks at the pictures


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Some consecutive samples.

    Shapes: ``times`` (n,) float64, seconds, strictly increasing, ``k / rate``; ``images``
    (n, H, W, 3) uint8, RGB, upright; ``shown`` (n,) float64, when each picture really begins;
    ``indices`` (n,) int64, its number among the decoded pictures, −1 where that is unknown;
    ``changes`` (n,) float32, the largest change from one picture to the next since the previous
    sample, as the mean absolute difference of brightness in 0..1 (0 for the first sample, where
    nothing was decoded in between, in a preview, and from ``frames_at``; 1 where the resolution
    changes); ``cut_times`` (n,) float64, seconds at which the picture after that change begins,
    the sample's own time where there is none.
    """

    times: NDArray[np.float64]
    images: NDArray[np.uint8]
    shown: NDArray[np.float64]
    indices: NDArray[np.int64]
    cut_times: NDArray[np.float64]
    changes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.times)


class FrameStream:
    """The samples of one video as batches; iterate once, and close it (or use ``with``).

    Attributes:
        info: the file, known at once.
        warnings: what went wrong without stopping us; complete after the last batch.
        position: seconds decoded so far.
        duration: seconds from the first picture to the end of the last; measured once the
            iteration is over, before that as declared.
        n_frames: pictures decoded; 0 until the iteration is over.
    """

    def __init__(
        self, child: Child, path: Path, size: tuple[int, int], batch: int, **request: Any
    ) -> None:
        self._child, self._own = child, True
        self._size, self._batch = size, batch
        self.position, self.n_frames = 0.0, 0
        try:
            self._records = child.ask("sample", path, size=list(size), **request)
            self.info: VideoInfo = info_of(path, next(self._records)[0])
        except BaseException:
            child.close()
            raise
        self.warnings: list[str] = list(self.info.warnings)
        self.duration = self.info.duration
        self._shape = (size[1], size[0], 3) if self.info.orientation[0] else (*size, 3)

    def __iter__(self) -> Iterator[FrameBatch]:
        pending: list[tuple[dict[str, Any], NDArray[np.uint8]]] = []
        got = 0
        while True:
            try:
                header, payload = next(self._records)
            except StopIteration:
                break
            except InputError as error:
                if not got:
                    raise
                # The child died of this file, but what it sent before is good.
                self._stop(error.cause)
                break
            if header["kind"] == "picture":
                self.position = float(header["time"])
                pending.append((header, self._picture(payload)))
                got += 1
            elif header["kind"] == "beat":
                self.position = float(header["position"])
            elif header["kind"] == "done":
                self._finish(header)
            if len(pending) == self._batch:
                yield stack(pending)
                pending = []
        if pending:
            yield stack(pending)
        self.close()

    def _picture(self, payload: bytes) -> NDArray[np.uint8]:
        return _pixels(payload, self._shape, self.info)

    def _finish(self, header: dict[str, Any]) -> None:
        declared, self.duration = self.info.duration, float(header["duration"])
        self.n_frames = int(header["n_frames"])
        self.position = self.duration
        self.warnings += counted(header["warnings"])
        if header["stopped"]:
            self._stop(str(header["stopped"]))
        elif declared - self.duration > max(0.5, 0.02 * declared):
            self.warnings.append(
                f"the pictures end at {self.duration:.1f} s of {declared:.1f} s declared"
            )

    def _stop(self, cause: str) -> None:
        if not self.n_frames:
            self.duration = max(self.position, 0.0) or self.duration
        self.warnings.append(
            f"decoding stopped at {self.duration:.1f} s of {self.info.duration:.1f} s: {cause}"
        )

    def close(self) -> None:
        """End the child; safe to call twice."""
        self._child.close()

    def __enter__(self) -> FrameStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def sample_frames(
    path: str | Path,
    rate: float = 2.0,
    size: tuple[int, int] = (224, 224),
    *,
    batch: int = 32,
    limits: Limits | None = None,
    preview: bool = False,
    whole: bool = False,
    threads: int = THREADS,
) -> FrameStream:
    """Sample a video evenly in time; at least one picture of any video that decodes at all.

    Args:
        path: the file.
        rate: samples a second.
        size: (H, W) of the samples; pictures are squashed to it, not cropped (bicubic).
        batch: samples a batch.
        limits: bounds on the file and on the child.
        preview: decode key frames only: far cheaper, and each sample shows the key frame before
            its time.
        whole: decode every picture, also where some can be left out without changing a sample. The
            largest change between two samples is then known to the picture even where nothing
            stands out as a cut does.
        threads: decoding threads of the child.

    Raises:
        InputError: the file cannot be used (already here), or no picture decodes.
        LimitError: beyond a limit, here or while iterating.
        UsageError: a rate or size that makes no sense.
    """
    if not 0 < rate <= MAX_RATE:
        raise UsageError(f"a rate of {rate} pictures a second", f"give one up to {MAX_RATE:g}")
    require_size(size)
    if batch < 1:
        raise UsageError(f"batches of {batch} pictures", "give 1 or more")
    child = Child(limits)
    try:
        file = check_file(path, child.limits)
    except BaseException:
        child.close()
        raise
    exact = str(Fraction(rate).limit_denominator(1_000_000))
    request = {"preview": preview, "whole": whole, "threads": threads}
    return FrameStream(child, file, size, batch, rate=exact, **request)


def frames_at(
    path: str | Path,
    times: Sequence[float],
    *,
    height: int = 180,
    size: tuple[int, int] | None = None,
    limits: Limits | None = None,
    threads: int = THREADS,
    on_progress: Callable[[str, int, int | None], None] | None = None,
) -> FrameBatch:
    """The pictures on show at given times, in the order given; the last one beyond the end.

    Args:
        path: the file.
        times: seconds from the first picture, in any order.
        height: height of the pictures, their width following the aspect as displayed.
        size: (H, W) to squash to instead.
        limits: bounds on the file and on the child.
        threads: decoding threads of the child.
        on_progress: told ``("pictures", pictures done, pictures in all)``.

    Raises:
        InputError, LimitError: as :func:`sample_frames`.
        UsageError: a time that is negative or not finite, or a size that makes no sense.
    """
    require_size(size or (height, height))
    wanted = np.asarray(times, np.float64)
    if wanted.ndim != 1 or not np.isfinite(wanted).all() or (wanted < 0).any():
        raise UsageError("picture times must be finite and not negative", "check the times")
    unique, back = np.unique(wanted, return_inverse=True)
    with Child(limits) as child:
        file = check_file(path, child.limits)
        request: dict[str, Any] = {"times": unique.tolist(), "height": height, "size": size}
        records = child.ask("at", file, threads=threads, **request)
        info = info_of(file, next(records)[0])
        if size is None:
            size = height, max(1, round(info.width * height / info.height))
        shape = (size[1], size[0], 3) if info.orientation[0] else (*size, 3)
        found: list[tuple[dict[str, Any], NDArray[np.uint8]]] = []
        for header, data in records:
            if header["kind"] == "picture":
                found.append((header, _pixels(data, shape, info)))
            if on_progress is not None:
                on_progress("pictures", len(found), len(unique))
    if not found:
        none, pictures = np.zeros(0), np.zeros((0, *size, 3), np.uint8)
        numbers, changes = np.zeros(0, np.int64), np.zeros(0, np.float32)
        return FrameBatch(none, pictures, none, numbers, none, changes)
    whole = stack(found)
    del found
    return replace(
        whole,
        times=wanted,
        # Usually they are in order already: hundreds of pictures need not be copied.
        images=whole.images if (np.diff(back) == 1).all() else whole.images[back],
        shown=whole.shown[back],
        indices=whole.indices[back],
        cut_times=wanted,
        changes=whole.changes[back],
    )


def _pixels(payload: bytes, shape: tuple[int, ...], info: VideoInfo) -> NDArray[np.uint8]:
    if len(payload) != math.prod(shape) * (2 if info.hdr else 1):
        raise misbehaviour(info.path)
    return upright(picture_of(payload, shape, info.light), info.orientation)


def upright(picture: NDArray[np.uint8], orientation: tuple[bool, bool, bool]) -> NDArray[np.uint8]:
    """Turn a stored picture (h, w, 3) the way it is meant to be seen."""
    swap, flip_x, flip_y = orientation
    if swap:
        picture = picture.transpose(1, 0, 2)
    return picture[:: -1 if flip_y else 1, :: -1 if flip_x else 1]


def stack(pending: list[tuple[dict[str, Any], NDArray[np.uint8]]]) -> FrameBatch:
    """Records and their pictures as one batch."""
    return FrameBatch(
        times=np.array([h["time"] for h, _ in pending], np.float64),
        images=np.stack([picture for _, picture in pending]),
        shown=np.array([h["shown"] for h, _ in pending], np.float64),
        indices=np.array([h["index"] for h, _ in pending], np.int64),
        cut_times=np.array([h.get("cut", h["time"]) for h, _ in pending], np.float64),
        changes=np.array([h.get("change", 0.0) for h, _ in pending], np.float32),
    )


def counted(warnings: dict[str, int]) -> list[str]:
    """Warnings with how often each occurred."""
    return [f"{text} ({n} times)" if n > 1 else text for text, n in warnings.items()]


def require_size(size: tuple[int, int]) -> None:
    """Refuse picture sizes that make no sense.

    Raises:
        UsageError: a side below 1 or beyond 8192.
    """
    if not all(1 <= side <= MAX_SIDE for side in size):
        raise UsageError(f"pictures of {size[0]}x{size[1]}", f"give sides of 1 to {MAX_SIDE}")
