"""GoogLeNet pool5, 1024-d: the recipe of the public SumMe, TVSum, OVP and YouTube feature files.

The network of Szegedy et al. (CVPR 2015) as the BVLC trained it in Caffe: BGR pixels less their
mean, local response normalisation, pooling that rounds up. Weights come from a local safetensors
file with Caffe's layer names (``inception_3a_1x1_w`` …), since no package carries them; where
torchvision is installed its own GoogLeNet can stand in, under a recipe that says so.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from iptnet.errors import InputError, IntegrityError, LimitError, MachineError
from iptnet.features.recipe import Recipe
from iptnet.forking import native

SIZE = 224
WIDTH = 1024
BGR_MEAN = (104.0, 117.0, 123.0)
TORCHVISION_MEAN = (0.485, 0.456, 0.406)
TORCHVISION_DEVIATION = (0.229, 0.224, 0.225)
FRAMES_AT_ONCE = 8
PARTS = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
POOLED_AFTER = {"3b", "4e"}
LARGEST = 1 << 28
"""Bytes of a weights file; the published tensors take 28 million as float32."""


class GoogLeNet(nn.Module):
    """The BVLC network from its tensors.

    Args:
        tensors: Caffe layer name + ``_w`` or ``_b`` → weight (O, I, H, W) or bias (O,).

    Raises:
        KeyError: a layer is missing.
    """

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        super().__init__()
        branches = ["1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj"]
        layers = ["conv1_7x7_s2", "conv2_3x3_reduce", "conv2_3x3", "loss3_classifier"]
        layers += [f"inception_{part}_{branch}" for part in PARTS for branch in branches]
        for name in (f"{layer}_{kind}" for layer in layers for kind in "wb"):
            self.register_buffer(name, tensors[name].float())

    def pool5(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, 3, 224 or 227, same) BGR pixels less their mean to (N, 1024)."""
        x = self._conv("conv1_7x7_s2", x, stride=2)
        x = F.local_response_norm(_pool(x), 5, alpha=1e-4, beta=0.75)
        x = self._conv("conv2_3x3", self._conv("conv2_3x3_reduce", x))
        x = _pool(F.local_response_norm(x, 5, alpha=1e-4, beta=0.75))
        for part in PARTS:
            x = self._inception(f"inception_{part}", x)
            if part in POOLED_AFTER:
                x = _pool(x)
        return x.mean(dim=(2, 3))

    def classify(self, pooled: torch.Tensor) -> torch.Tensor:
        """ImageNet probabilities (N, 1000) from pool5, to check the weights by."""
        weight, bias = (self.get_buffer(f"loss3_classifier_{kind}") for kind in "wb")
        return F.linear(pooled, weight, bias).softmax(dim=1)

    def _conv(self, name: str, x: torch.Tensor, stride: int = 1) -> torch.Tensor:
        weight, bias = self.get_buffer(f"{name}_w"), self.get_buffer(f"{name}_b")
        return F.relu(F.conv2d(x, weight, bias, stride, padding=weight.shape[-1] // 2))

    def _inception(self, name: str, x: torch.Tensor) -> torch.Tensor:
        around = F.max_pool2d(x, 3, stride=1, padding=1)
        branches = [
            self._conv(f"{name}_1x1", x),
            self._conv(f"{name}_3x3", self._conv(f"{name}_3x3_reduce", x)),
            self._conv(f"{name}_5x5", self._conv(f"{name}_5x5_reduce", x)),
            self._conv(f"{name}_pool_proj", around),
        ]
        return torch.cat(branches, dim=1)


class GoogLeNetEncoder:
    """Turns 224×224 RGB frames into 1024-d pool5 vectors, not normalised, as the public files."""

    size = (SIZE, SIZE)

    def __init__(self, network: Any, recipe: Recipe) -> None:
        self._network = network
        self.recipe = recipe

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode (N, 224, 224, 3) uint8 RGB frames to (N, 1024) float32.

        Raises:
            InputError: another shape or type.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (*self.size, 3):
            raise InputError(
                f"the GoogLeNet encoder takes (N, {SIZE}, {SIZE}, 3) uint8 frames, "
                f"not {images.shape} {images.dtype}",
                "resize the frames first",
            )
        result = np.empty((len(images), WIDTH), np.float32)
        for at in range(0, len(images), FRAMES_AT_ONCE):
            with native(), torch.inference_mode():
                batch = torch.from_numpy(np.ascontiguousarray(images[at : at + FRAMES_AT_ONCE]))
                pixels = batch.permute(0, 3, 1, 2).float()
                result[at : at + FRAMES_AT_ONCE] = self._network(pixels).numpy()
        return result


def load_googlenet(weights: Path | None = None) -> GoogLeNetEncoder:
    """The pool5 encoder from the BVLC tensors in ``weights``, or from torchvision without a file.

    Raises:
        InputError: no such file.
        LimitError: a file far larger than any such weights.
        IntegrityError: the file lacks layers or is no safetensors file.
        MachineError: no file is given and torchvision cannot help.
    """
    if weights is None:
        return _from_torchvision()
    network = load_bvlc(weights)
    mean = torch.tensor(BGR_MEAN).view(1, 3, 1, 1)
    digest = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
    recipe = _recipe("BVLC GoogLeNet", digest, "BGR less (104, 117, 123)")
    return GoogLeNetEncoder(lambda rgb: network.pool5(rgb.flip(1) - mean), recipe)


def load_bvlc(weights: Path) -> GoogLeNet:
    """The BVLC network from a safetensors file; raises as :func:`load_googlenet`."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    weights = Path(weights)
    if not weights.is_file():
        raise InputError(f"no GoogLeNet weights at {weights}", "check the path")
    if weights.stat().st_size > LARGEST:
        raise LimitError(f"{weights} is larger than any GoogLeNet", "check the path")
    try:
        network = GoogLeNet(load_file(weights))
    except (SafetensorError, KeyError) as error:
        raise IntegrityError(
            f"{weights} does not hold the BVLC GoogLeNet: {error}", "check the file's source"
        ) from error
    return network.eval()


def _from_torchvision() -> GoogLeNetEncoder:
    try:
        from torchvision.models import GoogLeNet_Weights, googlenet
    except ImportError as error:
        raise MachineError(
            "googlenet-pool5 needs its weights, and torchvision is not installed to fetch its own",
            "give the BVLC tensors as a safetensors file, or use the lite recipe",
        ) from error
    try:
        network = googlenet(weights=GoogLeNet_Weights.IMAGENET1K_V1).eval()
    except Exception as error:
        raise MachineError(
            f"torchvision could not fetch GoogLeNet: {error}",
            "give the BVLC tensors as a safetensors file, or use the lite recipe",
        ) from error
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    network.fc = nn.Identity()
    # torchvision's own transform_input stays on and turns these into the scale it was trained on.
    mean, deviation = (
        torch.tensor(v).view(1, 3, 1, 1) for v in (TORCHVISION_MEAN, TORCHVISION_DEVIATION)
    )
    recipe = _recipe("torchvision GoogLeNet", digest.hexdigest(), "RGB in ImageNet's scale")
    return GoogLeNetEncoder(lambda rgb: network((rgb / 255 - mean) / deviation), recipe)


def _recipe(backbone: str, digest: str, colours: str) -> Recipe:
    return Recipe(
        name="googlenet-pool5",
        backbone=backbone,
        weights_sha256=digest,
        rate="2/s",
        preprocessing=f"whole frame squashed to {SIZE}x{SIZE}, {colours}",
        projection="none",
        normalisation="none",
        width=WIDTH,
        space=f"{backbone} pool5",
    )


def _pool(x: torch.Tensor) -> torch.Tensor:
    return F.max_pool2d(x, 3, stride=2, ceil_mode=True)
