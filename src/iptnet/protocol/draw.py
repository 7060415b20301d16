"""How the split files were drawn, so that anyone can draw them again.

Every choice sorts names by a hash of seed, purpose and name: no random generator whose stream could
change, and no dependence on the order of the names. ``draw_folds`` of the names in a split file
with its seed gives that file's folds; a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

SEED = 2022
FOLDS = 5


def shuffled(names: Iterable[str], purpose: str, seed: int = SEED) -> list[str]:
    """The names in an order that depends on nothing but themselves, the purpose and the seed."""
    return sorted(names, key=lambda name: sha256(f"{seed}/{purpose}/{name}".encode()).digest())


def draw_folds(
    names: Iterable[str], n_folds: int = FOLDS, seed: int = SEED
) -> tuple[tuple[str, ...], ...]:
    """Part the names into test folds of equal size (or one apart): each is tested exactly once.

    Raises:
        ValueError: a name twice, or fewer names than folds.
    """
    order = shuffled(names, "folds", seed)
    if len(set(order)) != len(order) or len(order) < n_folds:
        raise ValueError(
            f"{len(order)} names, {len(set(order))} of them different: {n_folds} folds"
        )
    return tuple(tuple(sorted(order[fold::n_folds])) for fold in range(n_folds))


def draw_validation(
    train: Iterable[str], purpose: str, share: float = 0.2, seed: int = SEED
) -> tuple[str, ...]:
    """Carve a validation part, rounded down but never empty, out of training names.

    Raises:
        ValueError: fewer than two names to part.
    """
    order = shuffled(train, f"validation/{purpose}", seed)
    if len(order) < 2:
        raise ValueError("a validation part needs two names at least to carve from")
    return tuple(sorted(order[: max(1, int(len(order) * share))]))
