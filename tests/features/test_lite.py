"""The lite encoder: the published network, folded; a head that is checked before it is trusted."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from iptnet import checkpoint
from iptnet.checkpoint import Checkpoint
from iptnet.errors import InputError, IntegrityError, MachineError, UsageError
from iptnet.features import backbone as backbone_module
from iptnet.features import projection as projection_module
from iptnet.features.backbone import EfficientNetLite0, SameConv, load_backbone, packaged_weights
from iptnet.features.encoders import ENCODERS, Encoder, load_encoder
from iptnet.features.lite import LiteEncoder
from iptnet.features.projection import (
    POOLED,
    Projection,
    ProjectionShape,
    activations,
    load_projection,
    save_projection,
)
from iptnet.features.text import TextEncoder


@pytest.fixture(scope="module")
def encoder() -> LiteEncoder:
    return LiteEncoder()


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    return load_backbone()


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 224, 224, 3), np.uint8)


def test_folding_changes_nothing_against_the_published_code(network: EfficientNetLite0) -> None:
    from efficientnet_lite_pytorch import EfficientNet

    reference = EfficientNet.from_name("efficientnet-lite0")
    reference.load_state_dict(torch.load(packaged_weights(), weights_only=True))
    pixels = torch.from_numpy(noise(2)).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        expected = reference.eval()((pixels - 127) / 128)
        torch.testing.assert_close(network(pixels), expected, atol=1e-4, rtol=1e-4)
        pooled, logits = activations(network, pixels)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    assert pooled.shape == (2, POOLED)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2), (1, 1)])
def test_padding_is_that_of_tensorflow(kernel: int, stride: int) -> None:
    conv = SameConv(1, 1, kernel, stride=stride)
    x = torch.randn(1, 1, 8, 8)
    total = kernel - stride if stride > 1 else kernel - 1
    before = total // 2
    wide = torch.zeros(1, 1, 8 + total, 8 + total)
    wide[..., before : before + 8, before : before + 8] = x
    expected = torch.nn.functional.conv2d(wide, conv.weight, conv.bias, stride)
    torch.testing.assert_close(conv(x), expected)


def test_other_backbone_weights_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError):
        load_backbone(tmp_path / "none.pth")
    (tmp_path / "other.pth").write_bytes(b"not the weights")
    with pytest.raises(IntegrityError, match="not the published"):
        load_backbone(tmp_path / "other.pth")
    monkeypatch.setattr(backbone_module, "WEIGHTS_PACKAGE", "no_such_package_here")
    with pytest.raises(MachineError, match="not installed"):
        packaged_weights()


def test_rows_are_unit_vectors_that_depend_on_their_own_frame_alone(encoder: LiteEncoder) -> None:
    frames = noise(5)
    found = encoder.encode(frames)
    assert found.shape == (5, 256) and found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(frames[4:]), found[4:], atol=1e-5)
    np.testing.assert_allclose(encoder.encode(frames[:, ::-1][:, ::-1]), found, atol=1e-5)
    assert encoder.encode(frames[:0]).shape == (0, 256)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((1, 224, 224, 3), np.float32),
        np.zeros((1, 3, 224, 224), np.uint8),
        np.zeros((224, 224, 3), np.uint8),
    ],
)
def test_other_shapes_and_types_are_refused(encoder: LiteEncoder, frames: np.ndarray) -> None:
    with pytest.raises(InputError, match="224"):
        encoder.encode(frames)


def test_the_recipe_names_the_projection_and_the_space(encoder: LiteEncoder) -> None:
    stored = load_projection()[1]
    assert encoder.recipe.projection == stored.digest
    assert encoder.recipe.space == TextEncoder.space
    assert encoder.recipe.width == TextEncoder.width == 256
    assert (encoder.recipe.name, encoder.recipe.rate) == ("lite", "2/s")
    published = hashlib.sha256(packaged_weights().read_bytes()).hexdigest()
    assert encoder.recipe.weights_sha256 == published


def test_photographs_are_found_by_sentence(encoder: LiteEncoder) -> None:
    from PIL import Image
    from skimage import data
    from sklearn.datasets import load_sample_images

    china, flower = load_sample_images().images
    asked = {
        "a cat looking at the camera": data.chelsea(),
        "a cup of coffee on a table": data.coffee(),
        "a photographer with a camera on a tripod": np.stack([data.camera()] * 3, axis=-1),
        "an old chinese temple building": china,
        "a flower in a garden": flower,
        "green grass": np.stack([data.grass()] * 3, axis=-1),
    }
    frames = [np.asarray(Image.fromarray(i).resize((224, 224))) for i in asked.values()]
    scores = TextEncoder().encode(list(asked)) @ encoder.encode(np.stack(frames)).T
    assert scores.argmax(axis=1).tolist() == list(range(len(asked)))
    # A right pair stands clear of zero, a wrong one does not: what calibration builds on.
    assert np.diag(scores).mean() > 0.15 + scores[~np.eye(len(asked), dtype=bool)].mean()


def test_centres_are_the_checkpoint_s(encoder: LiteEncoder) -> None:
    head = load_projection()[0]
    assert encoder.centres.shape == (2, 256)
    np.testing.assert_array_equal(encoder.centres[1], head.caption_centre.numpy())
    assert 0 < np.linalg.norm(encoder.centres[0]) < 1


def test_class_evidence_names_what_the_captions_never_showed() -> None:
    shape = ProjectionShape(hidden=2, evidence=3.0)
    head = Projection(shape).eval()
    with torch.no_grad():
        head.class_vectors[7] = torch.eye(256)[0]
        logits = torch.full((1, 1000), -20.0)
        logits[0, 7] = 20.0
        sure = head(torch.zeros(1, POOLED), logits)[0]
        unsure = head(torch.zeros(1, POOLED), torch.zeros(1, 1000))[0]
    assert sure[0] > 0.9 > unsure[0]
    assert sure.norm() == pytest.approx(1.0, abs=1e-6)


def test_a_projection_survives_its_file_and_damage_is_noticed(tmp_path: Path) -> None:
    torch.manual_seed(0)
    head = Projection(ProjectionShape(hidden=3)).eval()
    path = tmp_path / "p.safetensors"
    stored = save_projection(path, head, None, {"note": "test"})
    again, read = load_projection(path)
    assert read.digest == stored.digest and read.provenance == {"note": "test"}
    x, logits = torch.randn(4, POOLED), torch.randn(4, 1000)
    with torch.no_grad():
        torch.testing.assert_close(again(x, logits), head(x, logits), atol=5e-3, rtol=0)
    assert not again.training and not any(p.requires_grad for p in again.parameters())
    path.write_bytes(path.read_bytes()[:-8] + b"\1" * 8)
    with pytest.raises(IntegrityError):
        load_projection(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone_sha256": "0" * 64}, "another backbone"),
        ({"heads": 3}, "heads"),
        ({"hidden": 4}, "does not fit"),
        ({"input_dropout": 7.0}, "dropout"),
    ],
)
def test_projections_of_another_make_are_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = tmp_path / "p.safetensors"
    made = save_projection(path, Projection(ProjectionShape(hidden=3)), None, {})
    forged = Checkpoint(made.kind, {**made.config, **change}, (), made.tensors)
    checkpoint.save(path, forged)
    with pytest.raises(IntegrityError, match=message):
        load_projection(path)


def test_encoders_come_by_name(encoder: LiteEncoder, tmp_path: Path) -> None:
    assert isinstance(encoder, Encoder)
    again = load_encoder("lite")
    assert again.recipe == encoder.recipe and again.size == (224, 224)
    with pytest.raises(UsageError, match="lite"):
        load_encoder("clip")
    with pytest.raises(InputError):
        load_encoder("lite", tmp_path / "none.safetensors")
    assert set(ENCODERS) == {"lite", "googlenet-pool5"}


def test_both_engines_agree_to_rounding(
    encoder: LiteEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may share a recipe, and with it a cache entry: single precision either way."""
    images = noise(9)
    images[1], images[2] = 0, 255
    images[3] = np.arange(224, dtype=np.uint8)[None, :, None]
    plain = LiteEncoder(engine="torch").encode(images)
    fast = LiteEncoder(engine="onnxruntime").encode(images)
    assert (plain * fast).sum(axis=1).min() > 0.99999
    np.testing.assert_allclose(fast, plain, atol=2e-5)
    assert encoder.recipe == LiteEncoder(engine="torch").recipe
    # Without onnxruntime torch stands in; who insists on it is told.
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    np.testing.assert_array_equal(LiteEncoder().encode(images[:4]), plain[:4])
    with pytest.raises(ImportError):
        LiteEncoder(engine="onnxruntime").encode(images[:1])


def test_a_cached_video_costs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbone_module, "load_backbone", None)
    monkeypatch.setattr(projection_module, "made", None)
    LiteEncoder()


def test_a_projection_that_does_not_fit_is_refused_at_the_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "p.safetensors"
    made = save_projection(path, Projection(ProjectionShape(hidden=3)), None, {})
    checkpoint.save(path, Checkpoint(made.kind, {**made.config, "hidden": 4}, (), made.tensors))
    with pytest.raises(IntegrityError, match="does not fit"):
        LiteEncoder(path).encode(np.zeros((1, 224, 224, 3), np.uint8))
    less = {k: v for k, v in made.tensors.items() if k != "picture_centre"}
    checkpoint.save(path, Checkpoint(made.kind, made.config, (), less))
    with pytest.raises(IntegrityError, match="centres"):
        LiteEncoder(path)
