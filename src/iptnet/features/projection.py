"""From the network's maps to the sentence space: what is trained on picture–sentence pairs.

Pooled activations, standardised, go through a linear map (it starts as the ridge solution) plus a
small residual perceptron. Beside them stands *class evidence*: the network's own softmax over its
thousand ImageNet classes, as a mixture of the classes' name vectors. Captioned pictures know people
and dogs; cats, cups and fire engines come in through the evidence. The sum has length one, so a
frame compares with a WordLlama sentence by a dot product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from iptnet import checkpoint
from iptnet.checkpoint import Checkpoint
from iptnet.errors import IntegrityError
from iptnet.features.backbone import CLASSES, WEIGHTS_SHA256, WIDTH, EfficientNetLite0
from iptnet.features.text import WIDTH as TEXT_WIDTH

KIND = "projection"
SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "lite_projection.safetensors"
MIDDLE = 112
POOLED = WIDTH + 2 * MIDDLE


@dataclass(frozen=True)
class ProjectionShape:
    """What is needed to rebuild the module.

    Attributes:
        hidden: width of the perceptron.
        tuned: the checkpoint also carries the backbone's last stages, trained along.
    """

    hidden: int = 512
    tuned: bool = False


class Projection(nn.Module):
    """The head.

    Shapes:
        middle (N, 112, 14, 14), top (N, 1280, 7, 7), logits (N, 1000) → (N, 256), length one.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    class_vectors: torch.Tensor
    evidence_weight: torch.Tensor
    picture_centre: torch.Tensor
    caption_centre: torch.Tensor

    def __init__(self, shape: ProjectionShape) -> None:
        super().__init__()
        self.linear = nn.Linear(POOLED, TEXT_WIDTH)
        self.perceptron = nn.Sequential(
            nn.Dropout(0.2),
            nn.Linear(POOLED, shape.hidden),
            nn.GELU(),
            nn.Dropout(0.5),
            nn.Linear(shape.hidden, TEXT_WIDTH),
        )
        self.dropout = nn.Dropout(0.2)
        self.register_buffer("mean", torch.zeros(POOLED))
        self.register_buffer("scale", torch.ones(POOLED))
        self.register_buffer("class_vectors", torch.zeros(CLASSES, TEXT_WIDTH))
        self.register_buffer("evidence_weight", torch.zeros(()))
        # Not used in forward: where outputs and captions centre, for whoever closes the gap.
        self.register_buffer("picture_centre", torch.zeros(TEXT_WIDTH))
        self.register_buffer("caption_centre", torch.zeros(TEXT_WIDTH))

    def forward(
        self, middle: torch.Tensor, top: torch.Tensor, logits: torch.Tensor
    ) -> torch.Tensor:
        """Frame vectors of length one."""
        return self.project(pool(middle, top), logits)

    def project(self, pooled: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """The same from (N, 1504) pooled activations."""
        x = (pooled - self.mean) * self.scale
        seen = F.normalize(self.linear(self.dropout(x)) + self.perceptron(x), dim=1)
        named = logits.softmax(dim=1) @ self.class_vectors
        return F.normalize(seen + self.evidence_weight * named, dim=1)


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
        return self.from_middle(self.backbone.middle_map(pixels))

    def from_middle(self, middle: torch.Tensor) -> torch.Tensor:
        """The same from the (N, 112, 14, 14) middle map."""
        top = self.backbone.top_map(middle)
        logits = self.backbone.classifier(top.mean(dim=(2, 3)))
        result: torch.Tensor = self.head(middle, top, logits)
        return result


def save_projection(
    path: Path, network: FrameNetwork, shape: ProjectionShape, provenance: Mapping[str, Any]
) -> Checkpoint:
    """Write the head, and the tuned stages if there are any, in half precision."""
    tensors = {f"head.{k}": v.half() for k, v in network.head.state_dict().items()}
    if shape.tuned:
        tensors |= {f"backbone.{k}": v.half() for k, v in _tuned(network.backbone).items()}
    config = {**asdict(shape), "backbone_sha256": WEIGHTS_SHA256}
    return checkpoint.save(path, Checkpoint(KIND, config, (), tensors, provenance))


def load_projection(
    backbone: EfficientNetLite0, path: Path | None = None
) -> tuple[FrameNetwork, Checkpoint]:
    """Put the shipped (or given) projection on a backbone, which may receive tuned stages.

    Raises:
        InputError: no such file.
        IntegrityError: not a projection, damaged, or made for another backbone.
    """
    path = SHIPPED if path is None else Path(path)
    stored = checkpoint.load(path, KIND)
    config = dict(stored.config)
    if config.pop("backbone_sha256", None) != WEIGHTS_SHA256:
        raise IntegrityError(f"{path} was made for another backbone", "train it again")
    try:
        shape = ProjectionShape(**config)
    except TypeError as error:
        raise IntegrityError(f"{path}: {error}", "train it with this version") from error
    network = FrameNetwork(backbone, Projection(shape))
    parts = nn.ModuleDict({"head": network.head})
    if shape.tuned:
        parts["backbone"] = nn.ModuleDict({"late": backbone.late, "top": backbone.top})
    checkpoint.restore(parts, stored, str(path))
    return network.eval().requires_grad_(False), stored


def _tuned(backbone: EfficientNetLite0) -> dict[str, torch.Tensor]:
    parts = nn.ModuleDict({"late": backbone.late, "top": backbone.top})
    return dict(parts.state_dict())
