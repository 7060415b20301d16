"""The cues of the picture in plain loops over cells."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def shrunk(image: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """Mean brightness of square cells of one picture ``(H, W, 3)``, in grey levels."""
    height, width, _ = image.shape
    out = np.zeros((height // side, width // side))
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            total = 0.0
            for a in range(side):
                for b in range(side):
                    red, green, blue = (int(v) for v in image[y * side + a, x * side + b])
                    total += (red + 2 * green + blue) / 4
            out[y, x] = total / side**2
    return out


def unexplained(
    before: NDArray[np.floating],
    after: NDArray[np.floating],
    shift: tuple[float, float],
    tolerance: float,
    steep: float,
) -> NDArray[np.float64]:
    """What is left of the difference, cell by cell; cells whose source lies outside are left out.

    The gradient counts only cells that overlap, and none at the border of the overlap.
    """
    h, w = after.shape

    def source(y: float, x: float) -> float | None:
        total = 0.0
        for yy, wy in ((math.floor(y), 1 - (y - math.floor(y))), (math.floor(y) + 1, y % 1)):
            for xx, wx in ((math.floor(x), 1 - (x - math.floor(x))), (math.floor(x) + 1, x % 1)):
                if wy * wx == 0:
                    continue
                if not (0 <= yy < h and 0 <= xx < w):
                    return None
                total += wy * wx * float(before[yy, xx])
        return total

    found = {
        (y, x): value
        for y in range(h)
        for x in range(w)
        if (value := source(y - shift[0], x - shift[1])) is not None
    }
    rows, columns = (sorted({cell[k] for cell in found}) for k in (0, 1))
    out = np.zeros((len(rows), len(columns)))
    for i, y in enumerate(rows):
        for j, x in enumerate(columns):
            slope = 0.0
            if 0 < i < len(rows) - 1:
                slope += abs(float(after[y + 1, x]) - float(after[y - 1, x]))
            if 0 < j < len(columns) - 1:
                slope += abs(float(after[y, x + 1]) - float(after[y, x - 1]))
            allowed = tolerance + steep / 2 * slope
            out[i, j] = max(abs(float(after[y, x]) - found[y, x]) - allowed, 0.0)
    return out


def second_difference(image: NDArray[np.uint8]) -> float:
    """Mean absolute difference of a point from its four neighbours' mean, in grey levels."""
    height, width, _ = image.shape
    bright = [[(int(r) + 2 * int(g) + int(b)) / 4 for r, g, b in row] for row in image]
    values = [
        abs(
            (bright[y - 1][x] + bright[y + 1][x] + bright[y][x - 1] + bright[y][x + 1]) / 4
            - bright[y][x]
        )
        for y in range(1, height - 1)
        for x in range(1, width - 1)
    ]
    return sum(values) / len(values)


def emptiness(
    image: NDArray[np.uint8], flat: float, colours: tuple[tuple[int, ...], ...], near: int
) -> tuple[float, float]:
    """Shares of 8-pixel cells that are flat and filled, by every other row and column."""
    cells = filled = empty = 0
    for top in range(0, image.shape[0] - 7, 8):
        for left in range(0, image.shape[1] - 7, 8):
            cells += 1
            green = [int(image[top + a, left + b, 1]) for a in (0, 2, 4, 6) for b in (0, 2, 4, 6)]
            if max(green) - min(green) <= flat:
                empty += 1
                middle = [int(v) for v in image[top + 4, left + 4]]
                filled += any(
                    all(abs(a - b) <= near for a, b in zip(middle, colour, strict=True))
                    for colour in colours
                )
    return empty / cells, filled / cells
