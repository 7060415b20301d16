"""The same seed twice gives the same bits; another number of threads, nearly the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from iptnet.model.summarization import SummarizationConfig, SummarizationModule
from iptnet.model.summarizer import load_summarizer
from iptnet.training.arguments import OptimiserArguments
from iptnet.training.loop import Stop, train

pytestmark = pytest.mark.fault(18)

TOLERANCE = 1e-4  # as docs/faults.md says
STEPS, WIDTH = 1500, 64  # enough that torch shares the work out


def with_threads(number: int, work: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        return work()
    finally:
        torch.set_num_threads(before)


def weights(folder: Path, seed: int = 5) -> NDArray[np.float32]:
    torch.manual_seed(seed)
    folder.mkdir()
    module = SummarizationModule(SummarizationConfig(WIDTH, heads=4, hidden=32, dropout=0.2))
    rows = torch.randn(1, STEPS, WIDTH, generator=torch.Generator().manual_seed(0))
    aim = torch.rand(1, STEPS, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(1, STEPS, dtype=torch.bool)
    train(
        module,
        OptimiserArguments("adamw", 1e-3, epochs=2, batch=1, average=0.9),
        lambda _: [0, 0],
        lambda m, _: ((m(rows, mask).logits - aim) ** 2).mean(),
        folder=folder,
        run="x",
        seed=seed,
        stop=Stop(),
    )
    return np.concatenate([v.detach().numpy().ravel() for v in module.state_dict().values()])


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_trains_to_the_same_bits(tmp_path: Path, threads: int) -> None:
    first, second, other = (
        with_threads(threads, lambda n=name, s=seed: weights(tmp_path / n, s))
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != other.tobytes()


def test_threads_change_a_training_by_rounding_alone(tmp_path: Path) -> None:
    one, two = (with_threads(n, lambda n=n: weights(tmp_path / str(n))) for n in (1, 2))
    assert np.abs(one - two).max() <= TOLERANCE


def test_threads_change_a_summary_by_rounding_alone() -> None:
    summarizer = load_summarizer()
    width = summarizer.module.config.width
    rows = np.random.default_rng(0).normal(size=(STEPS, width)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    recipe = summarizer.recipes[0]
    one, again, two = (
        with_threads(n, lambda: summarizer.importance(rows, recipe)) for n in (1, 1, 2)
    )
    assert one.tobytes() == again.tobytes()
    assert np.abs(one - two).max() <= TOLERANCE
