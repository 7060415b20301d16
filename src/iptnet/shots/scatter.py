"""Within-shot scatter of all stretches of a feature sequence, and the two recursions over it.

With a linear kernel the scatter of steps i … j - 1 is Σ|x|² − |Σx|² / (j − i), so cumulative sums
replace the kernel's cubic block sums. Costs come in blocks of rows from one matrix product each;
they are kept for the next pass when they fit in memory, and made again when they do not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROWS = 256
KEEP = 2**25  # costs to keep, 256 MiB: 8,000 steps without a bound, any length with one


class Scatter:
    """Costs of all shots of at most ``longest`` steps.

    Args:
        x: (n, D) finite features.
        longest: steps that a shot may have, 1 … n.
    """

    def __init__(self, x: Floats, longest: int) -> None:
        self.n, self.longest = len(x), longest
        # Scatter does not change with the origin; near the mean the sums lose fewer digits.
        x = x - x.mean(axis=0)
        squares = np.einsum("nd,nd->n", x, x)
        self.total = float(squares.sum())
        self._sums = np.concatenate([np.zeros((1, x.shape[1])), np.cumsum(x, axis=0)])
        self._squares = np.concatenate([[0.0], np.cumsum(squares)])
        kept = sum((self._columns(r)[1] - self._columns(r)[0]) * ROWS for r in self._starts())
        self._kept: dict[int, Floats] | None = {} if kept <= KEEP else None

    def solve(self, slope: float) -> tuple[Ints, float]:
        """Change points that minimise scatter + slope · m, and their scatter."""
        best = np.zeros(self.n + 1)
        came = np.zeros(self.n + 1, np.int64)
        paid = np.zeros(self.n + 1)
        for start, base, block in self._blocks():
            for row in range(len(block)):
                end = start + row
                low = max(0, end - self.longest)
                costs = block[row, low - base : end - base]
                reach = best[low:end] + costs
                i = int(reach.argmin())
                best[end] = reach[i] + slope
                came[end] = low + i
                paid[end] = costs[i]
        cuts, scatter, end = [], 0.0, self.n
        while end > 0:
            scatter += float(paid[end])
            end = int(came[end])
            cuts.append(end)
        return np.array(cuts[-2::-1], np.int64), scatter

    def table(self, most: int) -> list[tuple[Ints, float]]:
        """The best solution for each number of change points, 0 … most; scatter ∞ where none is.

        The plain dynamic program: n · longest · most additions, all but ``most`` loops in numpy.
        """
        reach = np.full(self.n + 1, np.inf)
        reach[0] = 0.0
        came = np.zeros((most + 1, self.n + 1), np.int32)
        scatters = []
        for shots in range(most + 1):
            following = np.full(self.n + 1, np.inf)
            for start, base, block in self._blocks():
                sums = block + reach[base : base + block.shape[1]]
                rows = slice(start, start + len(block))
                i = sums.argmin(axis=1)
                following[rows] = sums[np.arange(len(block)), i]
                came[shots, rows] = base + i
            reach = following
            scatters.append(float(reach[-1]))
        return [(self._trace(came, m), scatters[m]) for m in range(most + 1)]

    def _trace(self, came: NDArray[np.int32], m: int) -> Ints:
        cuts, end = [], self.n
        for shots in range(m, 0, -1):
            end = int(came[shots, end])
            cuts.append(end)
        return np.array(cuts[::-1], np.int64)

    def _starts(self) -> range:
        return range(1, self.n + 1, ROWS)

    def _columns(self, start: int) -> tuple[int, int]:
        return max(0, start - self.longest), min(start + ROWS, self.n + 1) - 1

    def _blocks(self) -> Iterator[tuple[int, int, Floats]]:
        """(first end, first begin, costs[end, begin]) with ∞ where a shot is impossible."""
        for start in self._starts():
            base = self._columns(start)[0]
            block = None if self._kept is None else self._kept.get(start)
            if block is None:
                block = self._block(start)
                if self._kept is not None:
                    self._kept[start] = block
            yield start, base, block

    def _block(self, start: int) -> Floats:
        low, high = self._columns(start)
        ends = np.arange(start, high + 1)
        begins = np.arange(low, high)
        # Sums relative to the block's middle keep their digits however long the video is.
        e = self._sums[ends] - self._sums[start]
        b = self._sums[begins] - self._sums[start]
        span = (ends[:, None] - begins[None, :]).astype(np.float64)
        block: Floats = e @ b.T
        block *= -2.0
        block += np.einsum("nd,nd->n", e, e)[:, None]
        block += np.einsum("nd,nd->n", b, b)[None, :]
        possible = (span >= 1) & (span <= self.longest)
        np.divide(block, span, out=block, where=possible)
        np.subtract((self._squares[ends][:, None] - self._squares[begins]), block, out=block)
        np.maximum(block, 0.0, out=block)
        block[span == 1] = 0.0
        block[~possible] = np.inf
        return block
