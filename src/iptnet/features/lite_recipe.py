"""What the ``lite`` recipe is made of, down to the digests; knowing it takes no torch.

Features from the cache are used without the networks that made them, but never without knowing that
these are the ones: the recipe holds the backbone's digest and that of the projection at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet import checkpoint
from iptnet.checkpoint import Checkpoint
from iptnet.errors import IntegrityError
from iptnet.features.recipe import Recipe
from iptnet.features.text import SPACE
from iptnet.features.text import WIDTH as TEXT_WIDTH
from iptnet.rebuilding import configured

KIND = "projection"
SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "lite_projection.safetensors"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the backbone, as published."""
SIZE = 224
WIDTH = 1280
"""Of the backbone's pooled top map."""
CENTRES = ("picture_centre", "caption_centre")


@dataclass(frozen=True)
class ProjectionShape:
    """What is needed to rebuild the projection.

    Attributes:
        hidden: width of the perceptron.
        evidence: weight of the class evidence beside the unit vector of the trained part.
        input_dropout, hidden_dropout: in training only.
    """

    hidden: int = 1024
    evidence: float = 1.0
    input_dropout: float = 0.6
    hidden_dropout: float = 0.8


def read_projection(path: Path | None = None) -> tuple[ProjectionShape, Checkpoint]:
    """Read and verify the shipped projection, or another one, without making it.

    Raises:
        InputError: no such file.
        IntegrityError: not a projection, damaged, or made for another backbone.
    """
    path = SHIPPED if path is None else Path(path)
    stored = checkpoint.load_plain(path, KIND) or checkpoint.load(path, KIND)
    config = dict(stored.config)
    if config.pop("backbone_sha256", None) != WEIGHTS_SHA256:
        raise IntegrityError(f"{path} was made for another backbone", "train it again")
    return configured(ProjectionShape, config, str(path)), stored


def centres_of(stored: Checkpoint) -> NDArray[np.float32]:
    """Mean picture vector and mean caption vector of the training pairs, (2, 256).

    Raises:
        IntegrityError: the projection holds none.
    """
    found = [stored.tensors[name] for name in CENTRES if name in stored.tensors]
    if len(found) < 2 or any(tuple(one.shape) != (TEXT_WIDTH,) for one in found):
        raise IntegrityError("the projection has no centres", "train it with this version")
    return np.stack([checkpoint.single(one) for one in found])


def lite_recipe(projection: str) -> Recipe:
    """The recipe with a projection of this digest."""
    return Recipe(
        name="lite",
        backbone="EfficientNet-Lite0",
        weights_sha256=WEIGHTS_SHA256,
        rate="2/s",
        preprocessing="whole frame squashed to 224x224 RGB; (pixel - 127) / 128",
        projection=projection,
        normalisation="l2",
        width=TEXT_WIDTH,
        space=SPACE,
    )
