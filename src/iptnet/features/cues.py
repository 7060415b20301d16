"""Cues of the picture: how it moves, how sharp and colourful it is, and whether anything is there.

Captions never held these, and vectors of single pictures cannot hold the motion; every video has
them. They are measured on the sampled pictures, half a second apart, while features are extracted.

    picture ─▶ brightness, an eighth of the side ─▶ shift that explains most (phase correlation)
            ─▶ what the shift leaves is motion of things; the shift is motion of the camera

Shifts are whole cells of the small picture or half of one. A gradient can turn a shift of half a
cell, a zoom or noise of the codec into a difference: differences that the picture's own gradient
explains do not count as motion.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

NAMES = (
    "change",
    "motion",
    "moving",
    "camera",
    "unlike",
    "sharpness",
    "focus",
    "colour",
    "flat",
    "damage",
)
"""What is measured, in the order of the columns; :func:`measure` says what each is."""
MOVING = 5
"""The first so many compare with the picture before."""
CELLS = 56
"""Cells along a side of the small picture, about; pictures of 224 give cells of 4 pixels."""
FARTHEST = 0.25
"""Of the side: a shift beyond it leaves too little overlap to be told from chance."""
TOLERANCE = 2.0
"""Grey levels by which still pictures differ once they are encoded."""
STILL = 0.05
"""Mean unexplained difference in grey levels below which no shift is looked for."""
STEEP = 0.5
"""Cells of shift that the picture's own gradient may explain."""
STANDS_OUT = 12.0
"""Grey levels of unexplained difference from which a cell is said to move."""
FLAT = 3.0
"""Grey levels between the darkest and the lightest point of a cell with nothing in it."""
CONCEALED = ((128, 128, 128), (0, 135, 0), (0, 154, 0), (0, 77, 0))
"""What decoders paint where data is missing: middle grey, and the green of all-zero YUV."""
NEAR = 6
"""Levels a channel by which concealed cells may differ from those colours."""

Floats = NDArray[np.float32]


class CueMeter:
    """The cues of pictures that come in batches; each is compared with the one before it."""

    def __init__(self) -> None:
        self._before: Floats | None = None

    def measure(self, images: NDArray[np.uint8]) -> Floats:
        """Measure the next pictures.

        Args:
            images: ``(n, H, W, 3)`` RGB, H and W at least 8; the same size at every call.

        Returns:
            ``(n, len(NAMES))``. The first :data:`MOVING` compare with the picture before; they
            are 0 for the first picture of all and where nothing changed.

            - ``change``: mean absolute difference of brightness, in grey levels.
            - ``motion``: the same once the camera's shift is undone, and beyond what the picture's
              gradient explains.
            - ``moving``: share of cells that stand out in that difference.
            - ``camera``: the shift, as a share of the picture's diagonal.
            - ``unlike``: ``motion`` relative to how much the two pictures have to show; a cut to
              another scene is near 1.
            - ``sharpness``: mean absolute second difference at full size, in grey levels.
            - ``focus``: ``sharpness`` relative to the gradient of the small picture; low where the
              whole picture is blurred.
            - ``colour``: Hasler and Süsstrunk's colourfulness.
            - ``flat``: share of cells with nothing in them.
            - ``damage``: share of cells in which a decoder's filling colour stands.
        """
        bright = brightness(images)
        small = shrunk(bright)
        rows = np.zeros((len(images), len(NAMES)), np.float32)
        if not len(images):
            return rows
        before = small[:1] if self._before is None else self._before
        for k, (a, b) in enumerate(zip(np.concatenate([before, small]), small, strict=False)):
            if not np.array_equal(a, b):
                rows[k, :MOVING] = compared(a, b)
        self._before = small[-1:]
        rows[:, 5] = second = np.abs(second_difference(bright)).mean((1, 2))
        steep = np.abs(np.diff(small, axis=2)).mean((1, 2))
        rows[:, 6] = second / (steep + 1)
        rows[:, 7] = colourfulness(images)
        rows[:, 8], rows[:, 9] = emptiness(images)
        return rows


def started(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Give the first picture, which has none before it, the motion of the second."""
    rows = rows.copy()
    if len(rows) > 1:
        rows[0, :MOVING] = rows[1, :MOVING]
    return rows


def brightness(images: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """``(n, H, W)``: red, twice green and blue together, 0 to 1020."""
    wide = images.astype(np.uint16)
    return wide[..., 0] + 2 * wide[..., 1] + wide[..., 2]


def shrunk(bright: NDArray[np.uint16]) -> Floats:
    """``(n, h, w)`` grey levels: means of square cells, about :data:`CELLS` a side."""
    height, width = bright.shape[1:]
    side = max(1, min(height, width) // CELLS)
    h, w = height // side, width // side
    cut = bright[:, : h * side, : w * side].astype(np.float32)
    rows = sum((cut[:, k::side] for k in range(1, side)), cut[:, ::side])
    cells: Floats = sum((rows[..., k::side] for k in range(1, side)), rows[..., ::side])
    return np.asarray(cells / np.float32(4 * side * side), np.float32)


def compared(before: Floats, after: Floats) -> tuple[float, float, float, float, float]:
    """Change, motion, moving, camera and unlike of two different small pictures ``(h, w)``."""
    change = float(np.abs(after - before).mean())
    still = unexplained(before, after, (0.0, 0.0))
    best, shift = still, (0.0, 0.0)
    for candidate in shifts(before, after) if still.mean() > STILL else ():
        rest = unexplained(before, after, candidate)
        # A shift has to earn its overlap: chance explains a little of anything.
        if rest.mean() < 0.9 * best.mean():
            best, shift = rest, candidate
    motion = float(best.mean())
    spread = sum(float(np.abs(p - np.median(p)).mean()) for p in (before, after)) / 2
    diagonal = float(np.hypot(*before.shape))
    return (
        change,
        motion,
        float((best > STANDS_OUT).mean()),
        float(np.hypot(*shift)) / diagonal,
        min(1.0, motion / (spread + TOLERANCE)),
    )


def shifts(before: Floats, after: Floats) -> Iterable[tuple[float, float]]:
    """Where phase correlation says that the picture went: whole cells, then parts of one.

    Both pictures are faded at their borders, which would otherwise correlate with themselves.
    """
    h, w = before.shape
    faded = fade(h, w)
    one, two = (np.fft.rfft2((p - p.mean()) * faded) for p in (before, after))
    cross = two * one.conj()
    size = np.abs(cross)
    # Whitened by half: white noise of fine cells would otherwise count as much as the scene.
    surface = np.fft.irfft2(cross / np.sqrt(size + 1e-3 * size.max() + 1e-12), s=(h, w))
    reach = max(1, round(FARTHEST * h)), max(1, round(FARTHEST * w))
    rows, columns = (np.r_[-r : r + 1] for r in reach)
    window = surface[np.ix_(rows % h, columns % w)]
    y, x = (int(i) for i in np.unravel_index(int(window.argmax()), window.shape))
    dy, dx = int(rows[y]), int(columns[x])
    if dy or dx:
        yield float(dy), float(dx)
    part = tuple(
        vertex(surface[(dy + (1 - a) * d) % h, (dx + a * d) % w] for d in (-1, 0, 1))
        for a in (0, 1)
    )
    if max(map(abs, part)) > 0.1:
        yield dy + part[0], dx + part[1]


@lru_cache(maxsize=4)
def fade(h: int, w: int) -> Floats:
    """Weights ``(h, w)`` that fall to the borders."""
    weights = np.outer(np.hanning(h + 2)[1:-1], np.hanning(w + 2)[1:-1])
    return np.asarray(weights, np.float32)


def vertex(values: Iterable[float]) -> float:
    """Where the parabola through three values at −1, 0 and 1 peaks, within half a step."""
    left, middle, right = values
    bend = left - 2 * middle + right
    return 0.0 if bend >= 0 else float(np.clip((left - right) / (2 * bend), -0.5, 0.5))


def unexplained(before: Floats, after: Floats, shift: tuple[float, float]) -> Floats:
    """What of the difference neither the shift nor the gradient explains, where they overlap."""
    moved, there = shifted(before, after, shift[0])
    across, upright = shifted(moved.T, there.T, shift[1])
    moved, there = across.T, upright.T
    slope = np.zeros_like(there)
    slope[1:-1] = np.abs(there[2:] - there[:-2])
    slope[:, 1:-1] += np.abs(there[:, 2:] - there[:, :-2])
    allowed = TOLERANCE + STEEP / 2 * slope
    return np.asarray(np.maximum(np.abs(there - moved) - allowed, 0), np.float32)


def shifted(before: Floats, after: Floats, by: float) -> tuple[Floats, Floats]:
    """The rows of ``before`` moved down by so many, between two of them if need be, and those of
    ``after`` that they come to lie on."""
    whole = int(np.floor(by))
    share = np.float32(by - whole)
    first = max(whole + int(share > 0), 0)
    last = len(after) + min(whole, 0)
    moved = (1 - share) * before[first - whole : last - whole]
    if share > 0:
        moved = moved + share * before[first - whole - 1 : last - whole - 1]
    return np.asarray(moved, np.float32), after[first:last]


def second_difference(bright: NDArray[np.uint16]) -> Floats:
    """``(n, H − 2, W − 2)``: four neighbours against the middle, a quarter of it, grey levels."""
    b = bright.astype(np.int16)
    middle = b[:, 1:-1, 1:-1]
    around = b[:, :-2, 1:-1] + b[:, 2:, 1:-1] + b[:, 1:-1, :-2] + b[:, 1:-1, 2:]
    return np.asarray((around - 4 * middle) / np.float32(16), np.float32)


def colourfulness(images: NDArray[np.uint8]) -> Floats:
    """``(n,)``: spread and strength of the opponent colours, of every fourth row and column."""
    few: Floats = images[:, ::4, ::4].reshape(len(images), -1, 3).astype(np.float32)
    red_green = few[..., 0] - few[..., 1]
    yellow_blue = (few[..., 0] + few[..., 1]) / 2 - few[..., 2]
    spread = np.hypot(red_green.std(1), yellow_blue.std(1))
    strength = np.hypot(red_green.mean(1), yellow_blue.mean(1))
    return np.asarray(spread + 0.3 * strength, np.float32)


def emptiness(images: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Shares of 8-pixel cells that are flat, and that are flat in a decoder's filling colour."""
    few = images[:, ::2, ::2]
    h, w = few.shape[1] // 4, few.shape[2] // 4
    green = np.ascontiguousarray(few[:, : 4 * h, : 4 * w, 1])
    brightest, darkest = green, green
    for axis in (1, 2):  # halves twice along each: far faster than over cells of four by four
        for _ in range(2):
            pair = (slice(None),) * axis
            even, odd = (*pair, slice(0, None, 2)), (*pair, slice(1, None, 2))
            brightest = np.maximum(brightest[even], brightest[odd])
            darkest = np.minimum(darkest[even], darkest[odd])
    flat = brightest - darkest <= FLAT
    middle = few[:, 2 : 4 * h : 4, 2 : 4 * w : 4].astype(np.int16)
    filled = np.zeros_like(flat)
    for colour in CONCEALED:
        filled |= (np.abs(middle - np.array(colour, np.int16)) <= NEAR).all(-1)
    return (
        flat.mean((1, 2)).astype(np.float32),
        (flat & filled).mean((1, 2)).astype(np.float32),
    )
