"""The exact 0/1 knapsack that turns shot scores into keyshots.

The dynamic program runs over items one by one and over all capacities at once. One bit per item
and capacity remembers the decision: 350 shots and a capacity of 100,000 frames take 7 MB and about
a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 1 << 31
BITS = 61  # of a limb: two of them and a carry fit an int64
MASK = (1 << BITS) - 1


def knapsack(
    values: Sequence[float] | NDArray[Any],
    weights: Sequence[int] | NDArray[Any],
    capacity: int,
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
    total = sum(exact[i] for i in worthy)
    n_limbs = max(1, -(-total.bit_length() // BITS))
    needed = len(worthy) * (room // 8 + 1) + 24 * n_limbs * (room + 1)
    if needed > MAX_BYTES:
        raise ValueError(f"{len(worthy)} items in a capacity of {room} need {needed >> 20} MiB")
    best = np.zeros((n_limbs, room + 1), dtype=np.int64)  # [:, c]: the most value within weight c
    decisions = []
    for i in worthy:
        with_it = _add(best[:, : room + 1 - sizes[i]], exact[i])
        without = best[:, sizes[i] :]
        better = _greater(with_it, without)
        np.copyto(without, with_it, where=better)
        decisions.append(np.packbits(better))

    chosen = []
    for i, bits in zip(reversed(worthy), reversed(decisions), strict=True):
        at = room - sizes[i]
        if at >= 0 and bits[at >> 3] >> (7 - (at & 7)) & 1:
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
