"""The exact 0/1 knapsack that turns shot scores into keyshots.

Most items are decided before any table is made. For a price λ per unit of weight, no set is worth
more than U = λ · capacity + Σ max(0, v − λw), and one that decides item i against the sign of
v − λw misses |v − λw| of that. Where less is left than a set at hand is worth, *every* best set
has the item as the sign says. λ is the value density at which the capacity runs out.

The dynamic program runs over the other items, one by one, and over all capacities at once. One bit
per item and capacity remembers the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 1 << 31
WORTH_A_LOOK = 1 << 22  # cells; a smaller table is made sooner than avoided
NEAR = 24  # items to either side of where the capacity runs out: enough to fill it to the brim
BITS = 61  # of a limb: two of them and a carry fit an int64
MASK = (1 << BITS) - 1


def knapsack(
    values: Sequence[float] | NDArray[Any],
    weights: Sequence[int] | NDArray[Any],
    capacity: int,
    *,
    max_cells: int | None = None,
) -> list[int]:
    """The most valuable set of items that weighs ``capacity`` at most.

    An item is taken only when it strictly improves on what the items before it can do. So an item
    of zero or negative value is never taken, a weightless item of positive value always is, and
    among equally good sets the answer is the one that does without the latest items: of all optimal
    sets, the smallest when read as the binary number with bit ``i`` for item ``i``.

    Float values are added and compared exactly, as the binary fractions they are: they become
    integers over a common denominator, in as many 61-bit limbs as their sum needs (one for
    integers, mostly two for floats). Nothing is rounded.

    Args:
        values: ``(S,)`` integers or finite floats.
        weights: ``(S,)`` integers, zero or more.
        capacity: zero or more, in the weights' unit (frames, here).
        max_cells: how large a table may become before the answer is approximate; ``None``: always
            exact. Beyond it, weights of the undecided items are rounded up to multiples of the
            least unit that makes the table fit, what that leaves free goes to the densest that
            fit, and where simply taking the densest that fit is worth more, that is the answer.
            It is never worse than the best by as much as the most valuable item is worth.

    Returns:
        Indices of the chosen items, ascending.

    Raises:
        ValueError: lengths differ, a weight or the capacity is negative or not whole, a value is
            not finite, or the tables would need more than 2 GiB.
    """
    exact = _exact_values(values)
    sizes = [_whole(w, "a weight") for w in np.asarray(weights).tolist()]
    room = _whole(capacity, "the capacity")
    if len(exact) != len(sizes):
        raise ValueError(f"{len(exact)} values but {len(sizes)} weights")
    worthy = [i for i, (v, w) in enumerate(zip(exact, sizes, strict=True)) if v > 0 and w <= room]
    room = min(room, sum(sizes[i] for i in worthy))
    if room == sum(sizes[i] for i in worthy):
        return worthy
    taken = [i for i in worthy if sizes[i] == 0]
    # The densest first; 64 digits of the density suffice, since any order is right.
    items = [i for i in worthy if sizes[i] > 0]
    items.sort(key=lambda i: (-((exact[i] << 64) // sizes[i]), i))
    simple = _fitting(items, sizes, room)
    if len(items) * room > WORTH_A_LOOK:
        simple = max(
            simple,
            _around(exact, sizes, items, room, simple),
            key=lambda s: sum(exact[i] for i in s),
        )
    surely, undecided = _decided(exact, sizes, items, room, simple)
    taken += surely
    room -= sum(sizes[i] for i in surely)
    unit = 1 if max_cells is None else max(1, -(-len(undecided) * (room + 1) // max_cells))
    coarse = [-(-sizes[i] // unit) for i in undecided]
    chosen = [undecided[k] for k in _table([exact[i] for i in undecided], coarse, room // unit)]
    if unit > 1:
        room -= sum(sizes[i] for i in chosen)
        rest = set(undecided) - set(chosen)
        chosen += _fitting([i for i in items if i in rest], sizes, room)
        if sum(exact[i] for i in chosen + surely) < sum(exact[i] for i in simple):
            taken, chosen = [i for i in taken if sizes[i] == 0], simple
    return sorted(taken + chosen)


def _fitting(items: list[int], sizes: list[int], room: int) -> list[int]:
    """One after the other, where there is room."""
    fitting = []
    for i in items:
        if sizes[i] <= room:
            fitting.append(i)
            room -= sizes[i]
    return fitting


def _around(
    values: list[int], sizes: list[int], items: list[int], room: int, simple: list[int]
) -> list[int]:
    """A set that fits better: the best choice among those next to where the room ran out."""
    inside = set(simple)
    end = next(k for k, i in enumerate(items) if i not in inside)
    before, near = items[: max(0, end - NEAR)], items[max(0, end - NEAR) : end + NEAR]
    free = room - sum(sizes[i] for i in before)
    best = _table([values[i] for i in near], [sizes[i] for i in near], free)
    return before + [near[k] for k in best]


def _decided(
    values: list[int], sizes: list[int], items: list[int], room: int, known: list[int]
) -> tuple[list[int], list[int]]:
    """Items that all best sets have, and those that some have and some may not have.

    Args:
        values: of all items.
        sizes: likewise, positive.
        items: those that count, the densest first; together they do not fit.
        room: the capacity.
        known: a good set, as :func:`_fitting` finds one.
    """
    # The first that does not fit ends the linear relaxation and names the price, p / q.
    inside = set(known)
    end = next(i for i in items if i not in inside)
    p, q = values[end], sizes[end]
    gains = {i: q * values[i] - p * sizes[i] for i in items}
    most = p * room + sum(max(gain, 0) for gain in gains.values())
    spare = most - q * sum(values[i] for i in known)
    surely = [i for i in items if gains[i] > spare]
    return surely, sorted(i for i in items if abs(gains[i]) <= spare)


def _table(values: list[int], sizes: list[int], room: int) -> list[int]:
    """The dynamic program over positive values; indices of the chosen, the latest left out."""
    room = min(room, sum(sizes))
    n_limbs = max(1, -(-sum(values).bit_length() // BITS))
    needed = len(values) * (room // 8 + 1) + 24 * n_limbs * (room + 1)
    if needed > MAX_BYTES:
        raise ValueError(f"{len(values)} items in a capacity of {room} need {needed >> 20} MiB")
    best = np.zeros((n_limbs, room + 1), dtype=np.int64)  # [:, c]: the most value within weight c
    decisions = []
    for value, size in zip(values, sizes, strict=True):
        if size > room:
            decisions.append(np.zeros(0, np.uint8))
            continue
        with_it = _add(best[:, : room + 1 - size], value)
        without = best[:, size:]
        better = _greater(with_it, without)
        np.copyto(without, with_it, where=better)
        decisions.append(np.packbits(better))

    chosen = []
    for i in range(len(values) - 1, -1, -1):
        at = room - sizes[i]
        if at >= 0 and decisions[i][at >> 3] >> (7 - (at & 7)) & 1:
            chosen.append(i)
            room = at
    return chosen[::-1]


def _add(numbers: NDArray[np.int64], value: int) -> NDArray[np.int64]:
    """Numbers in limbs of 61 bits, lowest first ``(limbs, n)``, each plus the value."""
    total = np.empty_like(numbers)
    carry: NDArray[np.int64] | int = 0
    for limb in range(len(numbers)):
        np.add(numbers[limb], (value >> BITS * limb & MASK), out=total[limb])
        if limb:
            total[limb] += carry
        if limb + 1 < len(numbers):
            carry = total[limb] >> BITS
            total[limb] &= MASK
    return total


def _greater(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a number in limbs is strictly greater than another."""
    greater: NDArray[np.bool_] = a[0] > b[0]
    for high_a, high_b in zip(a[1:], b[1:], strict=True):
        greater = (high_a > high_b) | ((high_a == high_b) & greater)
    return greater


def _exact_values(values: Sequence[float] | NDArray[Any]) -> list[int]:
    """The values as integers over their common denominator: same order, same sums."""
    # Python's own numbers stay as they are: an array would round 2**70 + 1 beside a float.
    given = values.tolist() if isinstance(values, np.ndarray) else list(values)
    raw = [v.item() if isinstance(v, np.generic) else v for v in given]
    if not all(isinstance(v, int | float) for v in raw):
        raise ValueError("values are one row of numbers")
    try:
        exact = [Fraction(v) for v in raw]
    except (ValueError, OverflowError) as error:
        raise ValueError(f"a value is not a finite number: {error}") from error
    # A float's denominator is a power of two, so the largest is common to all.
    common = max((f.denominator for f in exact), default=1)
    return [int(f * common) for f in exact]


def _whole(number: Any, what: str) -> int:
    if not isinstance(number, int | float | np.number) or not 0 <= number < np.inf:
        raise ValueError(f"{what} is a whole number, zero or more, not {number!r}")
    if int(number) != number:
        raise ValueError(f"{what} is a whole number, not {number!r}")
    return int(number)
