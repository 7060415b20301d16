"""From the network's maps to the sentence space: what is trained on picture–sentence pairs.

The backbone stays as published. Its pooled activations, standardised, go through a linear map that
starts as the ridge solution, plus a perceptron that drops out most of itself while training: a few
thousand pictures leave much to overfit. Beside them stands *class evidence*: the network's own
softmax over its thousand ImageNet classes, as a mixture of the classes' name vectors. Captioned
pictures know people and dogs; cats, cups and fire engines come in through the evidence. The sum has
length one, so a frame compares with a WordLlama sentence by a dot product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from iptnet import checkpoint
from iptnet.checkpoint import Checkpoint
from iptnet.features.backbone import (
    CLASSES,
    LATE,
    EfficientNetLite0,
    load_backbone,
    with_late_stages,
)
from iptnet.features.lite_recipe import (
    KIND,
    SHIPPED,
    WEIGHTS_SHA256,
    WIDTH,
    ProjectionShape,
    read_projection,
)
from iptnet.features.text import WIDTH as TEXT_WIDTH
from iptnet.rebuilding import rebuilt

BACKBONE = "backbone."
"""How the names of tuned tensors of the network begin in a checkpoint."""
MIDDLE = 112
POOLED = WIDTH + 2 * MIDDLE


class Projection(nn.Module):
    """The head.

    Shapes:
        pooled (N, 1504), logits (N, 1000) → (N, 256), rows of length one.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    class_vectors: torch.Tensor
    picture_centre: torch.Tensor
    caption_centre: torch.Tensor

    def __init__(self, shape: ProjectionShape) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = nn.Dropout(shape.input_dropout)
        self.linear = nn.Linear(POOLED, TEXT_WIDTH)
        self.perceptron = nn.Sequential(
            nn.Dropout(shape.input_dropout),
            nn.Linear(POOLED, shape.hidden),
            nn.GELU(),
            nn.Dropout(shape.hidden_dropout),
            nn.Linear(shape.hidden, TEXT_WIDTH),
        )
        self.register_buffer("mean", torch.zeros(POOLED))
        self.register_buffer("scale", torch.ones(POOLED))
        self.register_buffer("class_vectors", torch.zeros(CLASSES, TEXT_WIDTH))
        # Not used in forward: where outputs and captions centre, for whoever closes the gap.
        self.register_buffer("picture_centre", torch.zeros(TEXT_WIDTH))
        self.register_buffer("caption_centre", torch.zeros(TEXT_WIDTH))

    def forward(self, pooled: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """Frame vectors of length one."""
        x = (pooled - self.mean) * self.scale
        seen = F.normalize(self.linear(self.dropout(x)) + self.perceptron(x), dim=1)
        named = logits.softmax(dim=1) @ self.class_vectors
        return F.normalize(seen + self.shape.evidence * named, dim=1)


def pool(middle: torch.Tensor, top: torch.Tensor) -> torch.Tensor:
    """Mean of the top map; mean and deviation of the middle one: (N, 1504)."""
    flat = middle.flatten(2)
    return torch.cat([top.mean(dim=(2, 3)), flat.mean(2), flat.std(2)], dim=1)


class FrameNetwork(nn.Module):
    """Backbone and head: raw pixels in, sentence space out."""

    def __init__(self, backbone: EfficientNetLite0, head: Projection) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Map (N, 3, 224, 224) pixels of 0–255 to (N, 256) unit vectors."""
        result: torch.Tensor = self.head(*activations(self.backbone, pixels))
        return result


def activations(
    backbone: EfficientNetLite0, pixels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the head reads of (N, 3, 224, 224) pixels: pooled (N, 1504), logits (N, 1000)."""
    middle = backbone.middle_map(pixels)
    pooled = pool(middle, backbone.top_map(middle))
    return pooled, backbone.classifier(pooled[:, :WIDTH])


def save_projection(
    path: Path,
    head: Projection,
    backbone: EfficientNetLite0 | None,
    provenance: Mapping[str, Any],
) -> Checkpoint:
    """Write the head in half precision, atomically, and the late stages where they were tuned.

    Args:
        path: the file.
        head: the head.
        backbone: the tuned network; None where it is the published one.
        provenance: how they were trained and what they measured.
    """
    tensors = {name: tensor.half() for name, tensor in head.state_dict().items()}
    if backbone is not None:
        tensors |= {
            f"{BACKBONE}{name}": tensor.half()
            for name, tensor in backbone.state_dict().items()
            if name.startswith(LATE)
        }
    config = {**asdict(head.shape), "backbone_sha256": WEIGHTS_SHA256}
    return checkpoint.save(path, Checkpoint(KIND, config, (), tensors, provenance))


def load_projection(path: Path | None = None) -> tuple[Projection, Checkpoint]:
    """Read the head of the shipped projection, or of another one.

    Raises:
        InputError: no such file.
        IntegrityError: not a projection, damaged, or made for another backbone.
    """
    shape, stored = read_projection(path)
    return made(shape, stored, path), stored


def made(shape: ProjectionShape, stored: Checkpoint, path: Path | None) -> Projection:
    """Make the head that was read from a path.

    Raises:
        IntegrityError: the tensors are not those of its configuration.
    """
    own = {n: t for n, t in stored.tensors.items() if not n.startswith(BACKBONE)}
    head = rebuilt(lambda: Projection(shape), replace(stored, tensors=own), str(path or SHIPPED))
    return head.eval().requires_grad_(False)


def network_of(stored: Checkpoint) -> EfficientNetLite0:
    """Make the network that a projection was trained with: the published one, or tuned.

    Raises:
        IntegrityError: its late stages are those of another network.
        MachineError: the weights package is not installed.
    """
    tuned = {
        n.removeprefix(BACKBONE): torch.as_tensor(t)
        for n, t in stored.tensors.items()
        if n.startswith(BACKBONE)
    }
    return with_late_stages(load_backbone(), tuned) if tuned else load_backbone()
