"""A localizer asked in numpy says what it says in torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from iptnet import checkpoint as files_of
from iptnet.errors import IntegrityError
from iptnet.model.localization import plain, shapes, shared, similarity
from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.files import read_localizer, to_checkpoint
from iptnet.model.localization.module import LocalizationModule
from iptnet.model.localization.plain import PlainModule
from iptnet.model.localization.words import Reading
from iptnet.model.localizer import load_localizer
from iptnet.model.smoothing import gaussian
from tests.model.test_localizer import RECIPE, make, video

LARGEST_DIFFERENCE = 2e-5
"""Of logits, which reach some tens. Seen: 1e-6 with the shipped weights, 4e-6 with random ones."""

CONFIGS = st.builds(
    lambda heads, each, **more: LocalizationConfig(heads=heads, hidden=heads * each, **more),
    heads=st.integers(1, 4),
    each=st.integers(1, 5),
    width=st.sampled_from((3, 8, 20)),
    word_width=st.sampled_from((3, 8, 20)),
    steps=st.integers(1, 40),
    similarity=st.integers(0, 3),
    rank=st.integers(1, 5),
    refine=st.integers(0, 2),
    saliency=st.booleans(),
).map(lambda c: replace(c, word_width=c.width) if c.similarity else c)


def drawn(config: LocalizationConfig, seed: int) -> LocalizationModule:
    """A module of which no part is idle: those that start as zero or the identity do not."""
    torch.manual_seed(seed)
    module = LocalizationModule(config).eval()
    with torch.no_grad():
        for value in module.parameters():
            value.add_(0.2 * torch.randn_like(value))
    return module


def arrays(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in module.state_dict().items()}


@settings(max_examples=60, deadline=None)
@given(CONFIGS, st.integers(0, 2**16), st.data())
def test_numpy_and_torch_agree(config: LocalizationConfig, seed: int, data: Any) -> None:
    module = drawn(config, seed)
    same = PlainModule(config, arrays(module))
    draw = np.random.default_rng(seed)
    windows = data.draw(st.integers(1, 2 * plain.TOGETHER + 1))
    steps = data.draw(st.integers(1, config.steps))
    rows = draw.standard_normal((windows, steps, config.width)).astype(np.float32)
    still = steps == 1 or data.draw(st.booleans())
    if still:
        rows[:] = rows[:, :1]
    words = data.draw(st.integers(0, min(12, config.steps)))
    reading = None
    if words:
        reading = Reading(draw.standard_normal((words, config.word_width)).astype(np.float32))
    wanted = module.answer(module.see(rows), reading, spans=False)[:, :2]
    found = same.answer(same.see(rows), reading, spans=False)
    assert found.dtype == np.float32 and found.shape == wanted.shape
    scale = max(1.0, float(np.abs(wanted).max()) / 10)
    # Where nothing changes, the maps divide rounding errors by a thousandth.
    scale *= 1000 if still and config.similarity else 1
    np.testing.assert_allclose(found, wanted, atol=scale * LARGEST_DIFFERENCE, rtol=0)


@settings(max_examples=30, deadline=None)
@given(CONFIGS, st.integers(1, 9))
def test_the_tables_are_the_modules_own(config: LocalizationConfig, hidden: int) -> None:
    assert shapes.understands(config, True)
    own = {k: tuple(v.shape) for k, v in LocalizationModule(config).state_dict().items()}
    assert shapes.module_shapes(config) == own


def test_what_is_written_twice_is_the_same() -> None:
    assert (shapes.KERNEL, shapes.LAYERS) == (shared.KERNEL, shared.LAYERS)
    assert (plain.SMOOTHING, plain.NOVELTY) == (similarity.SMOOTHING, similarity.NOVELTY)
    assert plain.EPS == similarity.EPS


@pytest.mark.parametrize("seconds", [0.5, 20, 61, 400, 3600])
def test_the_shipped_localizer_answers_alike(seconds: float) -> None:
    fast, slow = load_localizer(), load_localizer(engine="torch")
    assert isinstance(fast.module, PlainModule)
    assert isinstance(slow.module, LocalizationModule)
    assert fast.checkpoint.describe() == slow.checkpoint.describe()
    rows, times = video(seconds, seed=3)
    mine, theirs = (lo.encode(rows, times, lo.recipes[2], seconds) for lo in (fast, slow))
    for query in ("a man plays the guitar", "dog", "кот", "x" * 2000):
        for a, b in (
            (mine.highlight(query), theirs.highlight(query)),
            (mine.saliency(query), theirs.saliency(query)),
        ):
            # A single step changes nothing: the maps divide rounding errors by a thousandth.
            scale = 1000 if len(a) == 1 else 1
            np.testing.assert_allclose(a, b, atol=scale * LARGEST_DIFFERENCE, rtol=0)
        assert mine.find([query]) == theirs.find([query])
    small = 1e-3 if len(times) == 1 else 1e-6
    np.testing.assert_allclose(mine.importance(None), theirs.importance(None), atol=small)


def test_an_hour_is_bounded_in_memory() -> None:
    """Attention is made of a few windows at a time, not of all."""
    module = load_localizer().module
    seen = module.see(np.zeros((2 * plain.TOGETHER + 1, 8, 256), np.float32))
    assert [len(few.windows) for few in seen] == [plain.TOGETHER, plain.TOGETHER, 1]


def test_the_literal_module_is_torch_s(tmp_path: Path) -> None:
    path = tmp_path / "literal.safetensors"
    files_of.save(path, to_checkpoint(make("spans"), (RECIPE,), {}))
    module = read_localizer(path).module
    assert isinstance(module, LocalizationModule)
    with pytest.raises(ValueError, match="torch"):
        load_localizer().module.answer([], None, spans=True)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64])
def test_odd_types_are_torch_s(tmp_path: Path, kind: torch.dtype) -> None:
    stored = to_checkpoint(make(), (RECIPE,), {})
    name = "module.video.linear.weight"
    tensors = {**stored.tensors, name: stored.tensors[name].to(kind)}
    files_of.save(tmp_path / "odd", replace(stored, tensors=tensors))
    assert isinstance(read_localizer(tmp_path / "odd").module, LocalizationModule)


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_what_does_not_fit_is_refused_by_name(tmp_path: Path, change: str) -> None:
    stored = to_checkpoint(make(), (RECIPE,), {})
    tensors, name = dict(stored.tensors), "module.predictor.end.2.weight"
    if change == "missing":
        del tensors[name]
    elif change == "extra":
        tensors["module.more"] = torch.zeros(1)
    else:
        tensors[name] = torch.zeros(1, 3)
    files_of.save(tmp_path / "forged", replace(stored, tensors=tensors))
    with pytest.raises(IntegrityError, match=r"module.*(predictor.end.2.weight|extra)"):
        read_localizer(tmp_path / "forged")


def test_members_in_numpy_are_not_saved() -> None:
    with pytest.raises(TypeError, match="for answering only"):
        to_checkpoint(load_localizer(), (RECIPE,), {})


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 60),
    st.sampled_from([0.5, 1.0, 2.0, 3.0, 5.0]),
    st.sampled_from([("symmetric", "reflect"), ("edge", "nearest")]),
    st.integers(0, 99),
)
def test_smoothing_is_scipy_s_to_the_bit(
    steps: int, deviation: float, rims: tuple[Any, Any], seed: int
) -> None:
    rows = np.random.default_rng(seed).standard_normal((2, 3, steps))
    np.testing.assert_array_equal(
        gaussian(rows, deviation, rims[0]), gaussian_filter1d(rows, deviation, mode=rims[1])
    )


def test_asking_imports_neither_torch_nor_scipy() -> None:
    code = (
        "import sys, numpy as np; from iptnet.model.localizer import load_localizer; "
        "lo = load_localizer(); rows = np.eye(40, 256, dtype=np.float32); "
        "lo.find(rows, np.arange(40) / 2, lo.recipes[2], ['a dog'], 20); "
        "from iptnet.features.lite import LiteEncoder; LiteEncoder(); "
        "print([m for m in ('torch', 'scipy', 'onnxruntime', 'av') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
