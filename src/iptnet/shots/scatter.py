"""What a shot costs: its scatter, for any two positions at which the video may be cut.

With a linear kernel the scatter of steps i … j - 1 is Σ|x|² − |Σx|² / (j − i), so running sums
replace the kernel's n × n block sums: n · d numbers are all that is kept, and the costs of many
shots come from one matrix product.

Costs are whole numbers of :attr:`Scatter.unit`, 2⁻³⁶ of the total scatter. Their sums are then
exact in float64, so that equal solutions are equal whatever the order of additions, the block
sizes or the machine's linear algebra, and the choice among them follows a rule and not the last
digit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BITS = 36


class Scatter:
    """Costs between cut positions.

    Where rows repeat, only the rims of a run are positions: as a cut slides through a run, the
    scatter of both neighbours is concave, so it is least at a rim (see docs/performance.md). With
    a bound on the length of shots that is not so, and every step is a position.

    Args:
        x: (n, D) finite features, n ≥ 1.
        every_step: whether each step is a position.

    Attributes:
        steps: n.
        at: (P + 1,) steps of the positions, from 0 to n.
        total: scatter of the whole in units.
        unit: what one unit is worth, a power of two.
    """

    def __init__(self, x: Floats, every_step: bool = True) -> None:
        self.steps = len(x)
        fresh = np.ones(self.steps + 1, bool)
        if not every_step:
            fresh[1:-1] = (x[1:] != x[:-1]).any(axis=1)
        self.at: Ints = np.flatnonzero(fresh)
        sums = np.zeros((self.steps + 1, x.shape[1]))
        rows = np.subtract(x, _origin(x), out=sums[1:])
        squares = np.concatenate([[0.0], np.einsum("nd,nd->n", rows, rows)])
        total = float(squares.sum())
        self.unit = math.ldexp(1.0, math.frexp(total)[1] - BITS) if total > 1e-250 else 2.0**-300
        np.cumsum(rows, axis=0, out=rows)
        self._sums = sums if every_step else sums[self.at]
        self._squares = np.cumsum(squares)[self.at]
        self.total = float(self.costs(np.array([len(self.at) - 1]), np.zeros(1, np.int64))[0, 0])

    def costs(self, ends: Ints, begins: Ints) -> Floats:
        """(E, B) scatter in units of the shots from each begin to each end.

        ∞ where a shot would have no step.

        Args:
            ends: (E,) indices into ``at``; the first one is the origin of the sums, so ends and
                begins should lie near each other.
            begins: (B,) likewise.
        """
        # Sums relative to the block keep their digits however long the video is.
        e = self._sums[ends] - self._sums[ends[0]]
        b = self._sums[begins] - self._sums[ends[0]]
        block: Floats = e @ b.T
        block *= -2.0
        block += np.einsum("nd,nd->n", e, e)[:, None]
        block += np.einsum("nd,nd->n", b, b)[None, :]
        span = self.at[ends][:, None] - self.at[begins][None, :]
        block /= np.maximum(span, 1)
        np.subtract(self._squares[ends][:, None] - self._squares[begins], block, out=block)
        block *= 1 / self.unit
        np.rint(block, out=block)
        np.maximum(block, 0.0, out=block)
        # A shot inside one run has none; what is left there is rounding.
        block[ends[:, None] - begins == 1] = 0.0
        block[span < 1] = np.inf
        return block


def _origin(x: Floats) -> Floats:
    """A round number near the mean: scatter is the same from anywhere, and sums near 0 keep digits.

    Round, so that small whole numbers and the like stay so, and sums of them exact.
    """
    mean: Floats = x.mean(axis=0)
    spread = float((x.max(axis=0) - x.min(axis=0)).max(initial=0.0))
    grid = math.ldexp(1.0, math.frexp(spread)[1] - 8) if spread > 0 else 0.0
    return np.rint(mean / grid) * grid if grid > 0 else mean
