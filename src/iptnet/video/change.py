"""How much the picture changes, frame by frame, so that a hard cut is known to the very frame.

Sampling twice a second tells a shot boundary to half a second only. The child decodes every
picture anyway, and some hundred points of each are enough to see where a cut lies. No numpy here:
the child does not load it, and it would not be faster on so few values.
"""

from __future__ import annotations

import operator
from array import array
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

ROWS, COLUMNS = 18, 32
JUMP, TIMES = 0.02, 2.0  # a change of at least so much, and so many times those before
BEFORE = 6  # changes; film and animation repeat pictures, and one of them says little


class ChangeWatch:
    """The largest change between neighbouring pictures since it was last asked."""

    def __init__(self) -> None:
        self._points: Any = None
        self._kind: tuple[int, int, str] | None = None
        self._before: deque[float] = deque([0.0], BEFORE)
        self._peak, self._at = 0.0, 0

    def see(
        self,
        frame: Any,
        ticks: int,
        left_out: int = 0,
        between: Callable[[], Iterable[tuple[Any, int]]] = tuple,
    ) -> None:
        """Compare a picture that begins at ``ticks`` with the one seen before it.

        Args:
            frame: the picture.
            ticks: where it begins.
            left_out: pictures between the two that were not decoded. The change is then the mean
                of that many steps and one.
            between: gives those pictures and their ticks, where the change stands out as a cut
                does: which of them begins the new scene is then seen.
        """
        kind = (frame.width, frame.height, frame.format.name)
        points = _points(frame)
        if self._kind is not None:
            change = self._change(kind, points, frame)
            if left_out and change >= max(JUMP, TIMES * max(self._before) * (1 + left_out)):
                for picture, begin in between():
                    self.see(picture, begin)
                change, left_out = self._change(kind, points, frame), 0
            change /= 1 + left_out
            self._before.append(change)
            if change > self._peak:
                self._peak, self._at = change, ticks
        self._kind, self._points = kind, points

    def _change(self, kind: tuple[int, int, str], points: Any, frame: Any) -> float:
        if kind != self._kind:
            return 1.0
        if not points:
            return 0.0
        total = sum(map(abs, map(operator.sub, points, self._points)))
        return min(1.0, float(total) / len(points) / _white(frame))

    def take(self) -> tuple[float, int]:
        """Mean absolute difference, 0 to 1, of the largest change and its ticks; begin anew."""
        found = self._peak, self._at
        self._peak = 0.0
        return found


def _points(frame: Any) -> Any:
    """A grid of values of the first plane: brightness for YUV, whatever it holds for others."""
    plane, shape = frame.planes[0], frame.format
    stride = plane.line_size
    if stride <= 0:  # stored bottom up: the buffer that PyAV hands out does not hold the rows
        return b""
    width = plane.width if shape.is_planar else max(1, plane.width * shape.bits_per_pixel // 8)
    data = memoryview(plane).cast("B")
    wide = 8 < _bits(frame) <= 16
    if wide:  # two bytes a value
        width = plane.width if shape.is_planar else width // 2
        data, stride = data[: len(data) & ~1].cast("H"), stride // 2
    width = max(1, min(width, stride))
    step = max(1, width // COLUMNS)
    down = max(1, plane.height // ROWS)
    rows = (
        data[y * stride + step // 2 : y * stride + width : step].tobytes()
        for y in range(down // 2, plane.height, down)
    )
    if not wide:
        return b"".join(rows)
    values = array("H", b"".join(rows))
    if shape.is_big_endian:
        values.byteswap()
    return values


def _bits(frame: Any) -> int:
    components = frame.format.components
    return int(components[0].bits) if components else 8


def _white(frame: Any) -> int:
    """The largest value that :func:`_points` can give."""
    bits = _bits(frame)
    return (1 << bits) - 1 if 8 < bits <= 16 else 255
