"""Frame encoders by name: what every room asks for when it needs vectors of frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from iptnet.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from iptnet.features.recipe import Recipe

ENCODERS = ("lite", "googlenet-pool5")


@runtime_checkable
class Encoder(Protocol):
    """Frames in, one vector each out.

    Attributes:
        recipe: how the vectors are made; stored wherever they are.
        size: (height, width) of the frames it takes.
    """

    recipe: Recipe
    size: tuple[int, int]

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map (N, height, width, 3) uint8 RGB frames to (N, D) float32 vectors."""
        ...


def load_encoder(name: str, weights: Path | None = None) -> Encoder:
    """An encoder that is ready to use.

    Args:
        name: one of :data:`ENCODERS`.
        weights: for ``lite`` another projection checkpoint than the shipped one; for
            ``googlenet-pool5`` the BVLC tensors as a safetensors file.

    Raises:
        UsageError: no encoder has this name.
        InputError, IntegrityError, MachineError: weights missing, damaged or not obtainable.
    """
    if name == "lite":
        from iptnet.features.lite import LiteEncoder

        return LiteEncoder(weights)
    if name == "googlenet-pool5":
        from iptnet.features.googlenet import load_googlenet

        return load_googlenet(weights)
    raise UsageError(f"no frame encoder called {name!r}", f"choose {' or '.join(ENCODERS)}")
