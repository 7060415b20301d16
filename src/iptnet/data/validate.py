"""What one video of the benchmark layout must satisfy before anything uses it.

The public files are taken as they are: 0/1 summaries as floats, scalars as one-element arrays, and
a last change point at ``n_frames`` instead of ``n_frames - 1``. Everything else that does not fit
is refused with the video and key in the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import IntegrityError, LimitError

REMEDY = "fix or leave out that video, or get the file again from its source"
REQUIRED = ("features", "picks", "n_frames", "change_points")
OPTIONAL = (
    *("n_steps", "n_frame_per_seg", "user_summary", "user_anno"),
    *("gtscore", "gtsummary", "fps", "times"),
)


def validated(raw: Mapping[str, NDArray[Any]], where: str, max_frames: int) -> dict[str, Any]:
    """The fields of a ``BenchmarkVideo`` from its arrays as stored.

    Args:
        raw: h5 key → array, numbers only; REQUIRED keys must, OPTIONAL ones may be there.
        where: file and video, for messages.
        max_frames: frames that a video may have.

    Raises:
        IntegrityError: a key is missing, of another shape, out of range, or contradicts another.
        LimitError: more frames than ``max_frames``.
    """
    return _Video(raw, where, max_frames).fields()


class _Video:
    def __init__(self, raw: Mapping[str, NDArray[Any]], where: str, max_frames: int) -> None:
        self.raw, self.where = raw, where
        for key in REQUIRED:
            self.need(key in raw, key, "is missing")
        self.frames = self.scalar("n_frames")
        self.need(self.frames >= 1, "n_frames", f"is {self.frames}")
        if self.frames > max_frames:
            raise LimitError(
                f"{where}/n_frames declares {self.frames} frames, more than {max_frames}",
                "split the video",
            )

    def need(self, good: bool | np.bool_, key: str, problem: str) -> None:
        if not good:
            raise IntegrityError(f"{self.where}/{key} {problem}", REMEDY)

    def fields(self) -> dict[str, Any]:
        with np.errstate(over="ignore"):  # asked about below
            features = self.finite("features", 2).astype(np.float32)
        steps = len(features)
        self.need(features.size > 0, "features", f"has shape {features.shape}")
        self.need(np.isfinite(features).all(), "features", "overflows float32")
        picks = self.whole("picks", 1)
        self.length("picks", picks, steps)
        ascending = picks[0] >= 0 and picks[-1] < self.frames and (np.diff(picks) > 0).all()
        self.need(ascending, "picks", f"do not ascend strictly within the {self.frames} frames")
        if "n_steps" in self.raw:
            n_steps = self.scalar("n_steps")
            self.need(n_steps == steps, "n_steps", f"is {n_steps}, but features has {steps} rows")
        change_points = self.change_points()
        return {
            "features": features,
            "picks": picks,
            "n_frames": self.frames,
            "change_points": change_points,
            "n_frame_per_seg": self.shot_lengths(change_points),
            "user_summary": self.user_summary(),
            "user_scores": self.user_scores(),
            "gtscore": self.per_step("gtscore", steps),
            "gtsummary": self.gtsummary(steps),
            "fps": self.fps(),
            "times": self.times(steps),
        }

    def change_points(self) -> NDArray[np.int64]:
        shots = self.whole("change_points", 2)
        self.need(len(shots) > 0 and shots.shape[1] == 2, "change_points", "is not rows of two")
        shots = shots.copy()
        if shots[-1, 1] == self.frames:  # some writers count the end instead of the last frame
            shots[-1, 1] -= 1
        self.need((shots[:, 0] <= shots[:, 1]).all(), "change_points", "runs backwards")
        whole = shots[0, 0] == 0 and shots[-1, 1] == self.frames - 1
        self.need(
            whole and (shots[1:, 0] == shots[:-1, 1] + 1).all(),
            "change_points",
            f"does not cover the frames 0 to {self.frames - 1} without gap or overlap",
        )
        return shots

    def shot_lengths(self, shots: NDArray[np.int64]) -> NDArray[np.int64]:
        lengths = shots[:, 1] - shots[:, 0] + 1
        if "n_frame_per_seg" in self.raw:
            given = self.whole("n_frame_per_seg", 1)
            self.length("n_frame_per_seg", given, len(shots))
            off = given - lengths
            # The last shot's count goes with a last change point at n_frames.
            agree = not off[:-1].any() and off[-1] in {0, 1}
            self.need(agree, "n_frame_per_seg", "contradicts change_points")
        return lengths

    def user_summary(self) -> NDArray[np.uint8] | None:
        rows = self.per_frame("user_summary")
        if rows is None:
            return None
        self.need(((rows == 0) | (rows == 1)).all(), "user_summary", "holds values but 0 and 1")
        return rows.astype(np.uint8)

    def user_scores(self) -> NDArray[np.float32] | None:
        rows = self.per_frame("user_anno")
        if rows is None:
            return None
        self.need(((rows >= 1) & (rows <= 5)).all(), "user_anno", "holds scores outside 1 to 5")
        return rows.astype(np.float32)

    def gtsummary(self, steps: int) -> NDArray[np.float32] | None:
        row = self.per_step("gtsummary", steps)
        if row is not None:
            self.need(((row == 0) | (row == 1)).all(), "gtsummary", "holds values but 0 and 1")
        return row

    def fps(self) -> float | None:
        if "fps" not in self.raw:
            return None
        fps = self.finite("fps", None)
        self.need(
            fps.size == 1 and float(fps.reshape(-1)[0]) > 0, "fps", "is not a positive number"
        )
        return float(fps.reshape(-1)[0])

    def times(self, steps: int) -> NDArray[np.float64] | None:
        if "times" not in self.raw:
            return None
        times = self.finite("times", 1).astype(np.float64)
        self.length("times", times, steps)
        self.need(times[0] >= 0 and (np.diff(times) > 0).all(), "times", "do not ascend from 0")
        return times

    def per_step(self, key: str, steps: int) -> NDArray[np.float32] | None:
        if key not in self.raw:
            return None
        row = self.finite(key, 1).astype(np.float32)
        self.length(key, row, steps)
        self.need(np.isfinite(row).all(), key, "overflows float32")
        return row

    def per_frame(self, key: str) -> NDArray[Any] | None:
        if key not in self.raw:
            return None
        rows = self.finite(key, None)
        rows = rows[None] if rows.ndim == 1 else rows
        fits = rows.ndim == 2 and len(rows) > 0 and rows.shape[1] == self.frames
        self.need(fits, key, f"has shape {rows.shape}, not (users, {self.frames})")
        return rows

    def length(self, key: str, row: NDArray[Any], expected: int) -> None:
        self.need(len(row) == expected, key, f"has {len(row)} entries, not {expected}")

    def finite(self, key: str, ndim: int | None) -> NDArray[Any]:
        values = self.raw[key]
        self.need(
            ndim is None or values.ndim == ndim, key, f"has shape {values.shape}, not {ndim}-d"
        )
        self.need(
            values.dtype.kind != "f" or np.isfinite(values).all(), key, "holds NaN or infinity"
        )
        return values

    def whole(self, key: str, ndim: int | None) -> NDArray[np.int64]:
        values = self.finite(key, ndim)
        if values.dtype.kind == "f":
            self.need((values == np.floor(values)).all(), key, "holds fractions")
        self.need((np.abs(values.astype(np.float64)) < 2**53).all(), key, "holds huge numbers")
        return values.astype(np.int64)

    def scalar(self, key: str) -> int:
        values = self.whole(key, None)
        self.need(values.size == 1, key, f"has shape {values.shape}, not one number")
        return int(values.reshape(-1)[0])
