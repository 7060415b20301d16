"""Small pictures along a video: for the storyboard, for hovering over the curve, for lists."""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.atomic import write_bytes, write_text
from iptnet.outputs.pictures import Thumbnails, picture_time
from iptnet.timeline import Keyshot, Timeline

STEP = 2.0
"""Seconds between pictures of a short video; a keyshot is rarely shorter."""
MOST = 240
WIDTH, HIGHEST = 320, 360
LISTING = "pictures.json"

OnProgress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a video.

    Attributes:
        folder: where ``<k>.jpg`` shows the instant ``times[k]``.
        times: in seconds, ascending.
        cover: number of the one that stands for the whole.
    """

    folder: Path
    times: tuple[float, ...]
    cover: int = 0

    def path(self, number: int) -> Path:
        """The file of a picture."""
        return self.folder / f"{number}.jpg"

    def provider(self) -> Thumbnails:
        """For the writers of outputs: the nearest picture that there is."""

        def nearest(times: Sequence[float]) -> list[NDArray[np.uint8] | None]:
            return [self._read(self.nearest(t)) if self.times else None for t in times]

        return nearest

    def nearest(self, at: float) -> int:
        """Number of the picture next to an instant."""
        right = min(bisect_left(self.times, at), len(self.times) - 1)
        left = max(right - 1, 0)
        return left if at - self.times[left] < self.times[right] - at else right

    def _read(self, number: int) -> NDArray[np.uint8] | None:
        from PIL import Image

        try:
            with Image.open(self.path(number)) as picture:
                return np.asarray(picture.convert("RGB"))
        except OSError:
            return None


def picture_times(timeline: Timeline) -> list[float]:
    """The most telling instant of every shot, several of long ones; at most ``MOST``."""
    duration = timeline.source.duration
    step = max(STEP, duration / (MOST / 2))
    pieces: list[Keyshot] = []
    for shot in timeline.shots:
        count = max(1, math.ceil(shot.duration / step - 1e-9))
        size = shot.duration / count
        pieces += [
            Keyshot(shot.start + k * size, shot.start + (k + 1) * size, shot.score)
            for k in range(count)
        ]
    if len(pieces) > MOST or not pieces:
        size = duration / MOST if pieces else max(duration, 1e-3)
        count = MOST if pieces else 1
        pieces = [Keyshot(k * size, (k + 1) * size, 0.0) for k in range(count)]
    chosen = {round(picture_time(timeline, k), 3) for k in timeline.keyshots[:MOST]}
    others = sorted({round(picture_time(timeline, piece), 3) for piece in pieces} - chosen)
    room = MOST - len(chosen)
    if len(others) > room:
        others = [others[k * len(others) // room] for k in range(room)]
    return sorted([*chosen, *others])


def make_pictures(
    timeline: Timeline, video: Path, folder: Path, on_progress: OnProgress | None = None
) -> Pictures:
    """Decode the pictures and write them; the listing comes last, so it is there when all are.

    Raises:
        InputError, LimitError: the video cannot be decoded (any more).
        MachineError: the folder cannot be written or the disk is full.
    """
    from PIL import Image

    from iptnet.video.frames import frames_at

    times = picture_times(timeline)
    source = timeline.source
    height = min(HIGHEST, max(24, round(WIDTH * source.height / max(source.width, 1))))
    batch = frames_at(video, times, height=height, on_progress=on_progress)
    for number, image in enumerate(batch.images):
        out = BytesIO()
        Image.fromarray(image).save(out, "JPEG", quality=80, optimize=True)
        write_bytes(folder / f"{number}.jpg", out.getvalue())
    made = Pictures(folder, tuple(times[: len(batch)]))
    best = max(timeline.keyshots, key=lambda k: k.score, default=None)
    cover = made.nearest(picture_time(timeline, best)) if best and made.times else 0
    write_text(folder / LISTING, json.dumps({"times": made.times, "cover": cover}))
    return replace(made, cover=cover)


def read_pictures(folder: Path) -> Pictures | None:
    """The pictures that are there; None before they are all made."""
    try:
        listing = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        return Pictures(folder, tuple(float(t) for t in listing["times"]), int(listing["cover"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
