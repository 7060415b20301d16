"""GoogLeNet pool5 equals the activations that Caffe gave."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from iptnet.errors import InputError, IntegrityError, LimitError, MachineError
from iptnet.features.encoders import load_encoder
from iptnet.features.googlenet import BGR_MEAN, GoogLeNet, load_bvlc


class Anything(dict[str, torch.Tensor]):
    """Small random tensors of the right shapes, made when asked for."""

    WIDTHS = {  # noqa: RUF012
        "3a": (192, 64, 96, 128, 16, 32, 32),
        "3b": (256, 128, 128, 192, 32, 96, 64),
        "4a": (480, 192, 96, 208, 16, 48, 64),
        "4b": (512, 160, 112, 224, 24, 64, 64),
        "4c": (512, 128, 128, 256, 24, 64, 64),
        "4d": (512, 112, 144, 288, 32, 64, 64),
        "4e": (528, 256, 160, 320, 32, 128, 128),
        "5a": (832, 256, 160, 320, 32, 128, 128),
        "5b": (832, 384, 192, 384, 48, 128, 128),
    }

    def __missing__(self, name: str) -> torch.Tensor:
        shapes = {
            "conv1_7x7_s2": (64, 3, 7),
            "conv2_3x3_reduce": (64, 64, 1),
            "conv2_3x3": (192, 64, 3),
        }
        for part, (cin, one, three_in, three, five_in, five, after) in self.WIDTHS.items():
            at = f"inception_{part}_"
            shapes |= {
                at + "1x1": (one, cin, 1),
                at + "3x3_reduce": (three_in, cin, 1),
                at + "3x3": (three, three_in, 3),
                at + "5x5_reduce": (five_in, cin, 1),
                at + "5x5": (five, five_in, 5),
                at + "pool_proj": (after, cin, 1),
            }
        layer, kind = name.rsplit("_", 1)
        if layer == "loss3_classifier":
            return torch.zeros(1000, 1024) if kind == "w" else torch.zeros(1000)
        cout, cin, kernel = shapes[layer]
        if kind == "b":
            return torch.zeros(cout)
        return torch.randn(cout, cin, kernel, kernel) / (cin * kernel * kernel) ** 0.5


@pytest.mark.parametrize("size", [224, 227])
def test_both_input_sizes_end_in_1024(size: int) -> None:
    torch.manual_seed(0)
    network = GoogLeNet(Anything())
    with torch.inference_mode():
        pooled = network.pool5(torch.randn(1, 3, size, size))
    assert pooled.shape == (1, 1024) and bool((pooled >= 0).all()) and bool(pooled.any())


def test_missing_and_foreign_weights_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    with pytest.raises(InputError, match="no GoogLeNet weights"):
        load_encoder("googlenet-pool5", tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"no tensors")
    save_file({"conv1_7x7_s2_w": torch.zeros(1)}, tmp_path / "few.safetensors")
    for name in ("bad", "few"):
        with pytest.raises(IntegrityError, match="does not hold"):
            load_encoder("googlenet-pool5", tmp_path / f"{name}.safetensors")


@pytest.mark.fault(6)
def test_absurdly_large_weights_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate(60 << 30)  # sparse: no disk is used
    with pytest.raises(LimitError, match="larger than any GoogLeNet"):
        load_bvlc(path)


def test_without_file_and_torchvision_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(MachineError, match="safetensors"):
        load_encoder("googlenet-pool5")


@pytest.mark.data
def test_equals_the_reference_activations(research_data: Path) -> None:
    folder = research_data / "weights"
    reference = np.load(folder / "googlenet_bvlc_reference.npz")
    network = load_bvlc(folder / "googlenet_bvlc_fp16.safetensors")
    with torch.inference_mode():
        pooled = network.pool5(torch.from_numpy(reference["input"]))
        probabilities = network.classify(pooled)
    np.testing.assert_allclose(pooled[0], reference["pool5"], atol=2e-2)
    np.testing.assert_allclose(probabilities[0], reference["prob"], atol=1e-3)


@pytest.mark.data
def test_the_encoder_turns_rgb_into_what_the_network_wants(research_data: Path) -> None:
    path = research_data / "weights" / "googlenet_bvlc_fp16.safetensors"
    encoder = load_encoder("googlenet-pool5", path)
    frames = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), np.uint8)
    bgr = frames[..., ::-1].astype(np.float32) - np.array(BGR_MEAN, np.float32)
    with torch.inference_mode():
        pixels = torch.from_numpy(np.ascontiguousarray(bgr)).permute(0, 3, 1, 2)
        expected = load_bvlc(path).pool5(pixels)
    np.testing.assert_allclose(encoder.encode(frames), expected, atol=1e-3)
    assert (encoder.recipe.width, encoder.recipe.normalisation) == (1024, "none")
    with pytest.raises(InputError, match="224"):
        encoder.encode(frames[:, :100])
