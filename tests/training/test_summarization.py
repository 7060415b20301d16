"""Training runs: learning, resuming to the same bits, stopping on a signal, refusing nonsense."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from iptnet import checkpoint as files_of
from iptnet.errors import InputError, IntegrityError, LimitError, UsageError
from iptnet.model.summarization import SummarizationConfig, SummarizationModule
from iptnet.training import summarization
from iptnet.training.arguments import (
    AugmentationArguments,
    ModelArguments,
    ObjectiveArguments,
    OptimiserArguments,
    SummarizationArguments,
)
from iptnet.training.loop import Interrupted, Stop, build_optimiser, train
from iptnet.training.objective import summarization_loss
from iptnet.training.samples import batches_of, collate, load_library, make_sample, with_noise
from iptnet.training.summarization import plan, train_summarization
from tests.training.toys import RECIPE, toy_tvsum, toy_video

OURS = SummarizationArguments(
    setting="validated",
    datasets=("tvsum",),
    seeds=(3,),
    model=ModelArguments(heads=2, hidden=8, dropout=0.3, context=True),
    objective=ObjectiveArguments("users", "correlation", 0.0, 0.0),
    optimiser=OptimiserArguments("adamw", 5e-3, 0.1, 4, 8, decay=True, average=0.9),
    augmentation=AugmentationArguments(copies=1, noise=0.3),
    decode="importance",
)
PAPER = replace(
    OURS,
    setting="canonical",
    model=ModelArguments(heads=2, hidden=8),
    objective=ObjectiveArguments(),
    optimiser=OptimiserArguments(lr=1e-3, epochs=1),
    augmentation=AugmentationArguments(),
    decode="boxes",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_tvsum(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def straight(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("straight")
    report = train_summarization(OURS, out, [data])
    assert (report.trained, report.found) == (5, 0)
    return out


def test_a_run_folder_holds_what_it_promises(straight: Path, data: Path) -> None:
    folder = straight / "tvsum" / "split-2" / "seed-3"
    assert {p.name for p in folder.iterdir()} == {
        "state.safetensors",
        "last.safetensors",
        "best.safetensors",
        "metrics.csv",
    }
    lines = (folder / "metrics.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,validation"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3", "4"]
    assert float(lines[-1].split(",")[1]) < float(lines[1].split(",")[1])  # it learns
    assert (straight / "log.txt").read_text().count("\n") == 5
    about = files_of.load(folder / "last.safetensors").provenance
    assert not set(about["test"]) & {*about["train"], *about["validation"]}
    assert (about["split"], about["seed"], about["selection"]) == (2, 3, "last")
    again = train_summarization(OURS, straight, [data])
    assert (again.trained, again.found) == (0, 5)


def test_killed_and_resumed_ends_with_the_same_bits(
    straight: Path, data: Path, tmp_path: Path
) -> None:
    """Killed in the first run's second epoch and in the fourth run's third."""
    for run, epoch in (("split 1", 2), ("split 4", 3)):

        def kill(stage: str, done: int, _: int | None, at: tuple[str, int] = (run, epoch)) -> None:
            if at[0] in stage and done == at[1]:
                os.kill(os.getpid(), signal.SIGTERM)

        with pytest.raises(Interrupted) as caught:
            train_summarization(OURS, tmp_path, [data], kill)
        assert caught.value.exit_code == 143
    train_summarization(OURS, tmp_path, [data])
    names = sorted(p.relative_to(straight) for p in straight.rglob("*.safetensors"))
    assert names == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.safetensors"))
    for name in names:
        assert (straight / name).read_bytes() == (tmp_path / name).read_bytes(), name
    for name in straight.rglob("metrics.csv"):
        assert name.read_text() == (tmp_path / name.relative_to(straight)).read_text()


def test_a_hard_kill_before_the_first_save_costs_only_time(
    straight: Path, data: Path, tmp_path: Path
) -> None:
    def die(_: str, done: int, __: int | None) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_summarization(OURS, tmp_path, [data], die)
    train_summarization(replace(OURS), tmp_path, [data])
    place = Path("tvsum/split-0/seed-3/last.safetensors")
    assert (straight / place).read_bytes() == (tmp_path / place).read_bytes()


def test_signal_handlers_are_put_back(data: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    train_summarization(replace(PAPER, seeds=(0,)), tmp_path, [data])
    assert before == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))


def test_the_papers_objective_learns(data: Path, tmp_path: Path) -> None:
    arguments = replace(PAPER, optimiser=OptimiserArguments(lr=3e-3, epochs=4, batch=2))
    train_summarization(arguments, tmp_path, [data])
    for path in tmp_path.rglob("metrics.csv"):
        losses = [float(line.split(",")[1]) for line in path.read_text().splitlines()[1:]]
        assert losses[-1] < losses[0]


def test_another_configuration_or_other_data_are_refused(
    straight: Path, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="another configuration"):
        train_summarization(replace(OURS, seeds=(4,)), straight, [data])
    with pytest.raises(UsageError, match="no data"):
        train_summarization(OURS, tmp_path)
    with pytest.raises(InputError, match="two of the data"):
        train_summarization(OURS, tmp_path, [data, data])
    with pytest.raises(UsageError, match="summe"):
        train_summarization(replace(OURS, datasets=("summe",)), tmp_path, [data])
    with pytest.raises(UsageError, match="no recipe"):
        train_summarization(replace(OURS, accepts=("toy2",)), tmp_path, [data])
    with pytest.raises(UsageError, match="spaces"):
        train_summarization(replace(OURS, accepts=("dino768",)), tmp_path, [data])


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    module = SummarizationModule(SummarizationConfig(4, heads=1))
    with pytest.raises(LimitError, match="epoch 1"):
        train(
            module,
            OptimiserArguments(epochs=1),
            lambda _: [0],
            lambda m, _: next(m.parameters()).sum() * float("nan"),
            folder=tmp_path,
            run="x",
            seed=0,
            stop=Stop(),
        )
    assert not list(tmp_path.iterdir())


def test_a_state_of_another_run_or_a_broken_one_is_refused(straight: Path, tmp_path: Path) -> None:
    good = (straight / "tvsum/split-0/seed-3/state.safetensors").read_bytes()
    for content, word in ((good, "another configuration"), (good[:500], "cannot be read")):
        (tmp_path / "state.safetensors").write_bytes(content)
        with pytest.raises(IntegrityError, match=word):
            train(
                SummarizationModule(SummarizationConfig(4, heads=1)),
                OptimiserArguments(epochs=1),
                lambda _: [],
                lambda m, _: torch.zeros(()),
                folder=tmp_path,
                run="x",
                seed=0,
                stop=Stop(),
            )


def test_state_is_tensors_and_json_only(straight: Path) -> None:
    tensors = load_file(straight / "tvsum/split-0/seed-3/state.safetensors")
    assert {k.split(".")[0] for k in tensors} == {"model", "average", "optimiser"}
    assert "optimiser.linear.weight.exp_avg" in tensors


def test_decay_spares_biases_and_norms() -> None:
    module = SummarizationModule(SummarizationConfig(8, heads=2))
    groups = build_optimiser(module, OptimiserArguments("adamw", weight_decay=0.5)).param_groups
    assert [g["weight_decay"] for g in groups] == [0.5, 0.0]
    assert all(p.ndim > 1 for p in groups[0]["params"])
    assert sum(len(g["params"]) for g in groups) == len(list(module.parameters()))


def test_every_epoch_sees_every_video_once_and_reproducibly(data: Path) -> None:
    library = load_library([data])
    module = SummarizationModule(SummarizationConfig(16, heads=2, context=True))
    names = list(library.videos)[:11]
    how = AugmentationArguments(copies=1, noise=0.5)
    samples = [make_sample(n, library.videos[n], module, how, 0) for n in names]

    def lengths(epoch: int) -> list[list[int]]:
        return [b.mask.sum(dim=1).tolist() for b in batches_of(samples, 3, 5, epoch)]

    assert sorted(n for batch in lengths(0) for n in batch) == sorted(len(s.ranks) for s in samples)
    assert lengths(0) == lengths(0)
    assert any(lengths(0) != lengths(e) for e in (1, 2, 3))
    clean, noisy = (collate(samples[:1], [t]).prepared.content for t in (0, 1))
    assert not torch.equal(clean, noisy)
    assert torch.equal(clean, collate(samples[:1], [2]).prepared.content)


def test_the_loss_of_a_batch_is_that_of_its_videos(data: Path) -> None:
    """Padding adds nothing, and a video without a positive step does not count."""
    library = load_library([data])
    module = SummarizationModule(SummarizationConfig(16, heads=2)).eval()
    samples = [
        make_sample(n, library.videos[n], module, AugmentationArguments(), 0)
        for n in list(library.videos)[:4]
    ]
    none = samples[0]._replace(importance=torch.zeros_like(samples[0].importance))

    def loss(chosen: list) -> float:
        batch = collate(chosen, [0] * len(chosen))
        out = module(batch.prepared, batch.mask)
        return summarization_loss(out, batch, ObjectiveArguments()).item()

    alone = [loss([s]) for s in samples]
    assert loss(samples) == pytest.approx(np.mean(alone), rel=1e-4)
    assert loss([none, *samples[1:]]) == pytest.approx(np.mean(alone[1:]), rel=1e-4)
    assert loss([none]) == 0


def test_noise_keeps_unit_rows_and_its_size() -> None:
    rows = toy_video(1).features
    pool = np.eye(16, dtype=np.float32)[:1]
    for noise, drawn in ((0.5, None), (0.5, pool)):
        noisy = with_noise(rows, noise, drawn, np.random.default_rng(0))
        assert np.linalg.norm(noisy, axis=1) == pytest.approx(1, rel=1e-5)
        assert 0.2 < np.linalg.norm(noisy - rows, axis=1).mean() < 0.9
    assert with_noise(rows, 0.0, None, np.random.default_rng(0)) == pytest.approx(rows, abs=1e-6)


def test_shipping_leaves_one_file_and_two_videos_out(data: Path) -> None:
    shipped = replace(OURS, setting="shipped", use_validation=True)
    library = load_library([data])
    # The toy has TVSum only: without SumMe's two test videos there is nothing to hold out.
    with pytest.raises(UsageError, match="test part is empty"):
        list(plan(shipped, library))
    assert summarization.SHIPPED == "summarizer.safetensors"


def test_recipes_are_recorded(straight: Path) -> None:
    stored = files_of.load(straight / "tvsum/split-0/seed-3/last.safetensors")
    assert stored.recipes == (RECIPE,)
