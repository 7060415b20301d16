"""The cheapest way through a video for a price per cut, or for each number of cuts.

:meth:`Paths.solve` is optimal partitioning in one pass over the positions. Without a bound on the
length of shots, or with a wide one, it prunes (PELT; Killick et al., 2012): a beginning that is
already worse than starting anew can never catch up, since cutting a shot never adds to its
scatter. With a narrow bound the few possible costs of each position are made once and kept.
"""

from __future__ import annotations

import numpy as np

from iptnet.shots.scatter import Floats, Ints, Scatter

ROWS = 64  # positions whose costs come from one matrix product
BAND = 64  # a bound up to this length keeps its costs: n · BAND numbers
SLACK = 1024.0  # units; far above what rounding does to the inequality that pruning rests on


class Paths:
    """Optimal ways from the first position to the last.

    Args:
        scatter: the costs.
        longest: steps that a shot may have, at least 1.
    """

    def __init__(self, scatter: Scatter, longest: int) -> None:
        self.scatter, self.longest = scatter, longest
        self.last = len(scatter.at) - 1
        self._band = self._banded() if longest <= min(BAND, self.last - 1) else None

    def solve(self, price: float) -> tuple[Ints, float]:
        """Cuts that minimise scatter + price · (number of cuts), and their scatter.

        Of all equally good ones, those whose last shot begins earliest, and so on back.

        Args:
            price: whole units, not negative; up to the total scatter, all sums are exact.

        Returns:
            (m,) steps at which a shot begins, ascending; and their scatter in units.
        """
        if self._band is None:
            came, best = self._pruned(price)
        else:
            came, best = self._along(self._band, price)
        cuts, end = [], self.last
        while (end := int(came[end])) > 0:
            cuts.append(end)
        return self.scatter.at[cuts[::-1]], best - price * (len(cuts) + 1)

    def table(self, most: int) -> list[tuple[Ints, float]]:
        """The best solution for each number of cuts, 0 … most; scatter ∞ where none is.

        The plain dynamic program: most · last · longest additions, and 4 · most · last bytes.
        """
        reach = np.full(self.last + 1, np.inf)
        reach[0] = 0.0
        came = np.zeros((most + 1, self.last + 1), np.int32)
        totals = []
        for shots in range(most + 1):
            following = np.full(self.last + 1, np.inf)
            for start in range(1, self.last + 1, ROWS):
                ends = np.arange(start, min(start + ROWS, self.last + 1))
                early = self.scatter.at[start] - self.longest
                begins = np.arange(np.searchsorted(self.scatter.at, early), ends[-1])
                sums = self._costs(ends, begins) + reach[begins]
                i = sums.argmin(axis=1)
                following[ends] = sums[np.arange(len(ends)), i]
                came[shots, ends] = begins[i]
            reach = following
            totals.append(float(reach[-1]))
        solutions = []
        for shots, total in enumerate(totals):
            cuts = [self.last]
            for row in came[shots:0:-1]:
                cuts.append(int(row[cuts[-1]]))
            solutions.append((self.scatter.at[cuts[:0:-1]], total))
        return solutions

    def _pruned(self, price: float) -> tuple[Ints, float]:
        """Where the last shot up to each position begins, and what the whole way costs."""
        best = np.zeros(self.last + 1)
        came = np.zeros(self.last + 1, np.int64)
        alive = np.zeros(1, np.int64)
        for start in range(1, self.last + 1, ROWS):
            ends = np.arange(start, min(start + ROWS, self.last + 1))
            costs = self._costs(ends, np.concatenate([alive, ends[:-1]]))
            recent = costs[:, len(alive) :]
            # What began before this block, for all its ends at once …
            reach = costs[:, : len(alive)] + best[alive]
            i = reach.argmin(axis=1)
            came[ends] = alive[i]
            # … and what began inside it, one end after the other.
            for row, old in enumerate(reach[np.arange(len(ends)), i].tolist()):
                end, least = start + row, old
                if row:
                    new = best[start:end] + recent[row, :row]
                    j = int(new.argmin())
                    if new[j] < least:
                        least, came[end] = new[j], start + j
                best[end] = least + price
            kept = (reach <= best[ends][:, None] + SLACK).all(axis=0)
            young = best[ends[:-1]] + recent[-1] <= best[ends[-1]] + SLACK
            alive = np.concatenate([alive[kept], ends[:-1][young], ends[-1:]])
        return came, float(best[-1])

    def _along(self, band: Floats, price: float) -> tuple[Ints, float]:
        """The same with the costs at hand; a position before the first cannot be reached."""
        width = band.shape[1]
        best = np.full(width + self.last + 1, np.inf)
        best[width] = 0.0
        came = np.zeros(self.last + 1, np.int64)
        reach = np.empty(width)
        for end, costs in enumerate(band, start=1):
            np.add(best[end : end + width], costs, out=reach)
            i = int(reach.argmin())
            best[width + end] = reach[i] + price
            came[end] = end - width + i
        return came, float(best[-1])

    def _banded(self) -> Floats:
        """(last, longest) costs of the shots that end at each position, the longest first."""
        width = self.longest
        band = np.full((self.last, width), np.inf)
        for start in range(1, self.last + 1, ROWS):
            ends = np.arange(start, min(start + ROWS, self.last + 1))
            begins = np.arange(start - width, ends[-1])
            costs = self._costs(ends, np.maximum(begins, 0))
            costs[:, begins < 0] = np.inf
            row, column = costs.strides
            diagonal = (row + column, column)
            band[ends - 1] = np.lib.stride_tricks.as_strided(costs, (len(ends), width), diagonal)
        return band

    def _costs(self, ends: Ints, begins: Ints) -> Floats:
        costs = self.scatter.costs(ends, begins)
        steps = self.scatter.at
        costs[steps[ends][:, None] - steps[begins] > self.longest] = np.inf
        return costs
