"""What a set of pieces is worth as a summary, and the greedy choice of a good set.

With pieces p of length l, how important each is (q) and how well it stands for others (e), both
times the quality of its picture, and how alike two are in [0, 1] (as repeats: r, as parts of one
subject: c), a set S is worth

    F(S) = Σ_i l_i / R_i · max_{p ∈ S} r(i, p) q_p  +  λ Σ_i l_i / C_i · max_{p ∈ S} c(i, p) e_p

    R_i = Σ_j l_j r(i, j) / l_i,   C_i = Σ_j l_j c(i, j) / l_i.

The first sum is importance without repeats: a piece counts in full when nothing like it is there,
and not at all when its picture is. The second is coverage: each moment of the video is served by
the chosen piece that suits it best. Both are facility locations, hence monotone and submodular;
dividing by R and C lets a subject count once however long it lasts.

Pieces are taken by gain per second until one does not fit; that, or the best single piece if it is
worth more, is worth at least 1 − 1/√e = .39 of the best set within the budget (Lin and Bilmes,
2010). On small instances it is mostly the best set itself (tests/selection/test_objective.py).
"""

from __future__ import annotations

import heapq
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

SHOWN = 0.95
"""A piece whose picture is in the summary to this degree is a repeat, and never taken."""


class Objective:
    """F of sets of pieces.

    Args:
        repeats: (P, P) float32, r above: 1 on the diagonal, symmetric.
        subjects: (P, P) float32, c above; likewise.
        worth: (P,) q above, not negative.
        standing: (P,) e above, likewise.
        lengths: (P,) l above: ticks, positive.
        coverage: λ above.
        unlike: (P, P) bool, pairs so different that they may stand close together; symmetric.
    """

    def __init__(
        self,
        *,
        repeats: Floats,
        subjects: Floats,
        worth: Floats,
        standing: Floats,
        lengths: Ints,
        coverage: float,
        unlike: NDArray[np.bool_] | None = None,
    ) -> None:
        self.unlike = unlike
        self.likeness = (repeats, subjects)
        self.worth = (worth.astype(np.float32), standing.astype(np.float32))
        self.lengths = lengths
        # In units of the mean length, so that sums stay near 1.
        length = (lengths / lengths.mean()).astype(np.float32)
        once, covered = (length**2 / (likeness @ length) for likeness in self.likeness)
        self.weights = (once, np.float32(coverage) * covered)

    @cached_property
    def alone(self) -> Floats:
        """(P,) F of each piece alone."""
        terms = zip(self.worth, self.likeness, self.weights, strict=True)
        first, second = (np.asarray(q * (k @ w), np.float32) for q, k, w in terms)
        return first + second

    @cached_property
    def rates(self) -> Floats:
        """(P,) gain per tick of each piece alone."""
        return np.asarray(self.alone / self.lengths, np.float32)

    def shown(self, chosen: list[int]) -> Floats:
        """(P,) in [0, 1]: how far the picture of each piece is shown by those chosen."""
        if not chosen:
            return np.zeros(len(self.lengths), np.float32)
        found: Floats = self.likeness[0][:, chosen].max(axis=1)
        return found

    def value(self, chosen: list[int]) -> float:
        """F of the pieces with these numbers."""
        if not chosen:
            return 0.0
        return float(
            sum(
                w @ (k[:, chosen] * q[chosen]).max(axis=1)
                for q, k, w in zip(self.worth, self.likeness, self.weights, strict=True)
            )
        )

    def choose(
        self,
        budget: int,
        stop_at: float = SHOWN,
        allowed: NDArray[np.bool_] | None = None,
        apart: int = 0,
    ) -> tuple[list[int], int | None]:
        """Take pieces by gain per tick, until one does not fit or nothing new is left.

        Pieces follow each other in the order of their numbers. One that neither continues a chosen
        piece nor keeps ``apart`` from all of them that are not unlike it waits until nothing else
        is left.

        Args:
            budget: ticks.
            stop_at: pieces shown to this degree already are left out; above 1, none is.
            allowed: (P,) which may be taken; ``None``: all.
            apart: ticks.

        Returns:
            Their numbers in the order in which they were taken, and the piece that was due when
            it did not fit; ``None`` when nothing new was left.
        """
        count = len(self.lengths)
        terms = list(zip(self.worth, self.likeness, self.weights, strict=True))
        served = [np.zeros(count, np.float32) for _ in terms]
        shown = np.zeros(count, np.float32)
        free = np.arange(count) if allowed is None else np.flatnonzero(allowed)
        # A gain only falls as pieces are taken, so most need not be computed again.
        queue = [(-float(self.rates[i]), int(i), 0) for i in free]
        heapq.heapify(queue)
        chosen: list[int] = []
        beyond = None
        left = budget
        ends = np.cumsum(self.lengths)
        starts = ends - self.lengths
        close = np.zeros(count, bool)
        waiting: list[tuple[float, int, int]] = []
        while queue or waiting:
            if not queue:
                queue, waiting = waiting, []
                heapq.heapify(queue)
                apart, close[:] = 0, False
            entry = heapq.heappop(queue)
            _, i, known = entry
            if shown[i] >= stop_at:
                continue
            if close[i] and not {i - 1, i + 1} & set(chosen):
                waiting.append(entry)
                continue
            columns = [k[i] * q[i] for q, k, _ in terms]
            if known < len(chosen):
                more = zip(columns, served, self.weights, strict=True)
                gain = sum(float(w @ np.maximum(c - s, 0)) for c, s, w in more)
                heapq.heappush(queue, (-gain / int(self.lengths[i]), i, len(chosen)))
                continue
            if self.lengths[i] > left:
                beyond = i
                break
            chosen.append(i)
            left -= int(self.lengths[i])
            near = (starts < ends[i] + apart) & (ends > starts[i] - apart)
            close |= near if self.unlike is None else near & ~self.unlike[i]
            for back in [w for w in waiting if abs(w[1] - i) == 1]:
                waiting.remove(back)
                heapq.heappush(queue, back)
            for column, known_ in zip(
                [*columns, self.likeness[0][i]], [*served, shown], strict=True
            ):
                np.maximum(known_, column, out=known_)
        fits = free[self.lengths[free] <= budget]
        if len(fits):
            single = int(fits[np.argmax(self.alone[fits])])
            if self.alone[single] > self.value(chosen):
                return [single], beyond
        return chosen, beyond
