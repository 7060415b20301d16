"""A recipe says how features were made, down to the weights.

Features of another recipe are refused even when the widths agree: wrong features of equal width fit
silently, which is the field's most asked-about trap (METHOD.md, ambiguity 12).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from iptnet.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one feature vector per sampled frame came to be.

    Attributes:
        name: short name, as used on the command line (``lite``, ``blip-wordllama256`` …).
        backbone: the network, in words that identify it.
        weights_sha256: digest of its weights, or ``unknown`` for published features.
        rate: sampling, ``2/s`` or ``every 15th frame``.
        preprocessing: resize, crop, colour order and normalisation of the pixels.
        projection: digest of the projection after the backbone, ``none`` without one.
        normalisation: what happens to the vector last, ``l2`` or ``none``.
        width: D, the length of the vector.
        space: the vector space, equal for recipes whose vectors are meant to be comparable.
    """

    name: str
    backbone: str
    weights_sha256: str
    rate: str
    preprocessing: str
    projection: str
    normalisation: str
    width: int
    space: str

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with any field."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as stored in feature files, caches and checkpoints."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Any) -> Recipe:
        """Read :meth:`to_dict`.

        Raises:
            IntegrityError: a field is missing, unknown or of another type.
        """
        known = {f.name: int if f.name == "width" else str for f in fields(cls)}
        if not isinstance(raw, Mapping):
            raise IntegrityError(
                f"not a feature recipe: {type(raw).__name__}, not an object",
                "record the recipe again with this version",
            )
        if set(raw) != set(known):
            odd = sorted(set(raw) ^ set(known))
            raise IntegrityError(
                f"not a feature recipe: missing or unknown {', '.join(odd)}",
                "record the recipe again with this version",
            )
        for name, kind in known.items():
            if not isinstance(raw[name], kind) or isinstance(raw[name], bool):
                raise IntegrityError(
                    f"not a feature recipe: {name} is {raw[name]!r}",
                    "record the recipe again with this version",
                )
        return cls(**raw)

    def differences(self, other: Recipe) -> list[str]:
        """Fields in which two recipes differ, as ``field: mine != theirs``."""
        mine, theirs = asdict(self), asdict(other)
        return [f"{k}: {mine[k]} != {theirs[k]}" for k in mine if mine[k] != theirs[k]]


def require_recipe(found: Recipe, accepted: Iterable[Recipe], where: str) -> None:
    """Refuse features of a recipe that a model was not made for.

    Args:
        found: the features' recipe.
        accepted: the model's recipes.
        where: the file or model to name in the message.

    Raises:
        IntegrityError: ``found`` is none of ``accepted``; lists the differences to the nearest one.
    """
    accepted = list(accepted)
    if found in accepted:
        return
    if not accepted:
        raise IntegrityError(f"{where} accepts no recipe at all", "train it again")
    nearest = min(accepted, key=lambda r: (r.name != found.name, len(found.differences(r))))
    raise IntegrityError(
        f"{where} was made for {', '.join(r.name for r in accepted)} features, not for "
        f"{found.name} ({'; '.join(found.differences(nearest))})",
        "extract the features again with the model's recipe, or train a model on these",
    )
