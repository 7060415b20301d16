"""Joint training on toys: what each pass moves, resumption to the same bits, refusals."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from iptnet import checkpoint as files_of
from iptnet.errors import UsageError
from iptnet.features.known import BLIP_WORDLLAMA256
from iptnet.model.iptnet import Iptnet
from iptnet.model.localizer import load_localizer
from iptnet.model.summarizer import load_summarizer
from iptnet.teaching import Phase, TeachingConfig
from iptnet.training.arguments import ModelArguments, ObjectiveArguments, OptimiserArguments
from iptnet.training.joint import phases_of, train_joint
from iptnet.training.joint_arguments import (
    JointArguments,
    PropagationArguments,
    ScheduleArguments,
    load_joint,
    to_yaml,
)
from iptnet.training.joint_build import build_model, build_optimiser, build_summarizer
from iptnet.training.joint_data import JointData, load_joint_data
from iptnet.training.joint_objective import joint_terms
from iptnet.training.joint_samples import JointBatch
from iptnet.training.localization_arguments import ModuleArguments, SourceArguments
from iptnet.training.loop import Interrupted
from iptnet.training.samples import load_library
from iptnet.training.summarization import train_summarization
from tests.training.toys import RECIPE, toy_moments, toy_tvsum

WIDE = replace(BLIP_WORDLLAMA256, name="toy-256")

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "configs").glob("iptnet-*.yaml"))

OURS = JointArguments(
    variant="toy",
    setting="validated",
    datasets=("tvsum",),
    seeds=(3,),
    serve=5.0,
    model=ModelArguments(attention=False, context=True, hidden=8, dropout=0.3),
    objective=ObjectiveArguments("users", "correlation", boundary=0.0, centrality=0.0),
    optimiser=OptimiserArguments("adamw", lr=3e-3, weight_decay=0.1, batch=8, average=0.9),
    propagation=PropagationArguments(hidden=8),
    teaching=TeachingConfig(momentum=0.9),
    schedule=ScheduleArguments(warm_up=1, alone=1, cycles=1, finish=1),
    sources=SourceArguments(queries="queries.jsonl", clip_captions="captions.json"),
    module=ModuleArguments(hidden=16, heads=4),
    localizer=OptimiserArguments("adamw", lr=1e-3, weight_decay=0.01, batch=8, clip=1.0),
    decode="importance",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_tvsum(tmp_path_factory.mktemp("joint"), WIDE)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_moments(tmp_path_factory.mktemp("moments"))


@pytest.fixture(scope="module")
def ours(root: Path) -> JointArguments:
    return replace(OURS, sources=replace(OURS.sources, root=str(root)))


@pytest.fixture(scope="module")
def straight(ours: JointArguments, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "straight"
    report = train_joint(ours, out, [data])
    assert (report.trained, report.found) == (5, 0)
    return out


def test_a_run_folder_holds_both_modules_and_says_what_they_never_saw(
    straight: Path, ours: JointArguments, data: Path
) -> None:
    folder = straight / "tvsum" / "split-2" / "seed-3"
    names = {p.name for p in folder.iterdir()}
    parts = ("state", "last", "best", "teacher", "localizer")
    assert names == {*(f"{n}.safetensors" for n in parts), "metrics.csv"}
    head, *rows = (folder / "metrics.csv").read_text().splitlines()
    assert head.startswith("epoch,loss,validation,L_SM,L_LM,LL teacher")
    assert len(rows) == 4
    summarizer = load_summarizer(folder / "last.safetensors")
    assert summarizer.propagation is not None
    about = summarizer.checkpoint.provenance
    assert not set(about["test"]) & {*about["train"], *about["validation"]}
    localizer = load_localizer(folder / "localizer.safetensors")
    assert localizer.checkpoint.provenance["fold"] == 2 and localizer.ranker is None
    assert len(list((straight.parent / "warm-up").iterdir())) == 5
    assert train_joint(ours, straight, [data]).found == 5


@pytest.mark.fault(14)
def test_killed_anywhere_and_resumed_ends_with_the_same_bits(
    straight: Path, ours: JointArguments, data: Path, tmp_path: Path
) -> None:
    """In a warm-up, behind a localization pass, behind a summarization pass."""
    out = tmp_path / "again"
    for place, done in (("localizer on all but fold 1", 1), ("split 1", 2), ("split 4", 3)):

        def kill(stage: str, at: int, _: int | None, place: str = place, done: int = done) -> None:
            if place in stage and at == done:
                os.kill(os.getpid(), signal.SIGTERM)

        with pytest.raises(Interrupted) as caught:
            train_joint(ours, out, [data], kill)
        assert caught.value.exit_code == 143
    train_joint(ours, out, [data])
    for base, other in ((straight, out), (straight.parent / "warm-up", tmp_path / "warm-up")):
        names = sorted(p.relative_to(base) for p in base.rglob("*.safetensors"))
        assert names == sorted(p.relative_to(other) for p in other.rglob("*.safetensors"))
        for name in names:
            assert (base / name).read_bytes() == (other / name).read_bytes(), name


def test_alone_it_is_the_summarizers_own_training(
    ours: JointArguments, data: Path, tmp_path: Path
) -> None:
    """−L without a teacher gives the very weights of `task: summarization`."""
    from iptnet.training.arguments import SummarizationArguments

    alone = replace(
        ours,
        setting="canonical",
        teaching=TeachingConfig(localize=False, teach=False),
        schedule=ScheduleArguments(alone=3, cycles=0),
    )
    train_joint(alone, tmp_path / "joint", [data])
    own = SummarizationArguments(
        datasets=("tvsum",),
        seeds=(3,),
        model=ours.model,
        objective=ours.objective,
        optimiser=replace(ours.optimiser, epochs=3),
        decode="importance",
    )
    train_summarization(own, tmp_path / "own", [data])
    place = Path("tvsum/split-1/seed-3/last.safetensors")
    first, second = (files_of.load(tmp_path / n / place).tensors for n in ("joint", "own"))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


class Bench:
    """A model, its data and one batch of each task."""

    def __init__(self, how: JointArguments, data: Path) -> None:
        self.how = how
        library = load_library([data])
        self.data: JointData = load_joint_data(
            how, library, library.recipes, build_summarizer(how, 256)
        )
        torch.manual_seed(0)
        self.model: Iptnet = build_model(how, 256, self.data).train()
        samples = [self.data.sample(n, self.model.student.summarization, 0) for n in library.videos]
        self.batch: dict[str, JointBatch] = {
            kind: self.data.batches(Phase(kind, "teach"), samples, 0, 0, 0)[0]  # type: ignore[arg-type]
            for kind in ("summarization", "localization")
        }

    def moved(self, phase: Phase, *names: str) -> set[str]:
        """Which students get a gradient from the named terms (all without names)."""
        torch.manual_seed(0)
        terms = joint_terms(self.model, self.batch[phase.data], phase, self.how)
        chosen = [t.value for t in terms if not names or t.name in names]
        self.model.zero_grad()
        torch.stack(chosen).sum().backward()
        assert all(p.grad is None for p in self.model.teacher.parameters())
        return {
            part
            for part, module in self.model.student.named_children()
            if any(p.grad is not None and bool(p.grad.any()) for p in module.parameters())
        }


@pytest.fixture(scope="module")
def bench(ours: JointArguments, data: Path) -> Bench:
    # Fresh heads are zero; a nudge lets gradients show where they go.
    made = Bench(ours, data)
    with torch.no_grad():
        made.model.student.summarization.importance.weight.normal_()
        made.model.student.propagation.feed[-1].weight.normal_()
    return made


def test_each_term_teaches_whom_it_should(bench: Bench) -> None:
    on_summaries = Phase("summarization", "teach")
    assert bench.moved(on_summaries, "L_SM", "SS teacher") == {"summarization"}
    assert bench.moved(on_summaries, "SL teacher") == {"localization"}
    assert bench.moved(on_summaries, "SL student") == {"localization", "propagation"}
    on_moments = Phase("localization", "teach")
    assert bench.moved(on_moments, "L_LM", "LL teacher") == {"localization"}
    both = {"summarization", "propagation"}
    assert bench.moved(on_moments, "LS teacher", "LS student") == both
    assert bench.moved(Phase("summarization", "alone")) == {"summarization"}
    assert bench.moved(Phase("localization", "pretrain")) == {"summarization"}


def test_without_propagation_its_network_learns_nothing(ours: JointArguments, data: Path) -> None:
    bare = Bench(replace(ours, teaching=TeachingConfig(propagate=False)), data)
    with torch.no_grad():
        bare.model.student.summarization.importance.weight.normal_()
    assert bare.moved(Phase("localization", "teach")) == {"summarization", "localization"}


def test_the_queries_of_one_video_share_a_batch(bench: Bench) -> None:
    for batch in bench.data.batches(Phase("localization", "teach"), [], None, 0, 0):
        views = batch.views
        assert int(views.owner.max()) + 1 == len(views.summary_mask) <= len(views.mask)
    capped = replace(bench.how, schedule=replace(bench.how.schedule, cap=1))
    few = replace(bench.data, arguments=capped)
    assert len(few.batches(Phase("localization", "teach"), [], None, 0, 0)) == 1


def test_the_localizer_of_a_split_never_sees_its_fold(bench: Bench) -> None:
    from iptnet.data.qvhighlights import fold_of

    for fold in range(5):
        shown = [bench.data.examples[i].source for i in bench.data.shown(fold)]
        assert all(e is not None and fold_of(e.video, 5) != fold for e in shown)
    assert len(bench.data.shown(None)) == len(bench.data.examples)


def test_rates_and_clips_stay_with_their_modules(bench: Bench) -> None:
    optimiser = build_optimiser(bench.model, bench.how)
    rates = {(g["lr"], g["clip"]) for g in optimiser.param_groups}
    assert rates == {(3e-3, 5.0), (1e-3, 1.0)}
    learning = {id(p) for g in optimiser.param_groups for p in g["params"]}
    assert learning == {id(p) for p in bench.model.student.parameters()}


def test_few_labels_are_drawn_from_the_training_part(
    ours: JointArguments, data: Path, tmp_path: Path
) -> None:
    few = replace(ours, labelled=4, schedule=ScheduleArguments(alone=1, cycles=0))
    few = replace(few, teaching=TeachingConfig(localize=False, teach=False))
    train_joint(few, tmp_path / "few", [data])
    for path in (tmp_path / "few").rglob("last.safetensors"):
        about = files_of.load(path).provenance
        assert len(about["train"]) == 4
        assert not set(about["train"]) & {*about["test"], *about["validation"]}


def test_the_best_test_epoch_is_kept_only_when_asked_for(
    ours: JointArguments, data: Path, tmp_path: Path
) -> None:
    literature = replace(
        ours,
        legacy=True,
        teaching=TeachingConfig(localize=False, teach=False),
        schedule=ScheduleArguments(alone=3, cycles=0),
    )
    train_joint(literature, tmp_path / "legacy", [data])
    for folder in (tmp_path / "legacy").glob("tvsum/split-*/seed-3"):
        rows = [line.split(",")[-1] for line in (folder / "metrics.csv").read_text().splitlines()]
        assert rows[0] == "test"
        kept = files_of.load(folder / "legacy.safetensors").provenance
        assert kept["figure"] == pytest.approx(max(map(float, rows[1:])), rel=1e-4)
        assert kept["selection"] == "test"


def test_the_localizer_alone(ours: JointArguments, data: Path, tmp_path: Path) -> None:
    alone = replace(ours, schedule=ScheduleArguments(warm_up=1, alone=0, cycles=0))
    report = train_joint(alone, tmp_path / "lm", [data])
    assert report.trained == 5
    folder = tmp_path / "lm" / "tvsum" / "split-0" / "seed-3"
    assert {p.name for p in folder.iterdir()} == {"localizer.safetensors"}
    assert train_joint(alone, tmp_path / "lm", [data]).found == 5


def test_features_of_another_space_are_refused(ours: JointArguments, tmp_path: Path) -> None:
    other = toy_tvsum(tmp_path, replace(RECIPE, width=16))
    with pytest.raises(UsageError, match="space"):
        train_joint(ours, tmp_path / "out", [other])


def test_configurations(tmp_path: Path) -> None:
    path = tmp_path / "joint.yaml"
    path.write_text(to_yaml(OURS))
    assert load_joint(path) == OURS
    assert load_joint(path, [tmp_path]).sources.root == str(tmp_path)
    raw = json.loads(json.dumps({"task": "iptnet", "teaching": {"momentum": 1.5}}))
    path.write_text(json.dumps(raw | {"sources": {"queries": "q", "clip_captions": "c"}}))
    with pytest.raises(UsageError, match=r"teaching\.momentum"):
        load_joint(path)
    path.write_text(json.dumps({"task": "iptnet"}))
    with pytest.raises(UsageError, match="sources"):
        load_joint(path)
    path.write_text(json.dumps({"task": "iptnet", "teachng": {}}))
    with pytest.raises(UsageError, match="teachng"):
        load_joint(path)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_published_configuration_is_read(path: Path) -> None:
    arguments = load_joint(path)
    assert f"--out runs/{path.stem} " in path.read_text()
    assert phases_of(arguments) or arguments.schedule.warm_up


def test_phases_of_the_ablations() -> None:
    kinds = [(p.data[0], p.role) for p in phases_of(OURS)]
    assert kinds == [("s", "alone"), ("l", "teach"), ("s", "teach"), ("s", "alone")]
    without = replace(OURS, teaching=TeachingConfig(localize=False, teach=False))
    assert [p.data for p in phases_of(without)] == ["summarization"] * 3


def test_a_map_is_read_through_the_propagation(straight: Path) -> None:
    """Serving smooths among like steps, and the order of a flat video stays flat."""
    summarizer = load_summarizer(straight / "tvsum" / "split-0" / "seed-3" / "last.safetensors")
    rows = np.random.default_rng(0).standard_normal((40, 256)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    read = summarizer.scores(rows)
    summarizer.propagation = None
    raw = summarizer.scores(rows)
    assert read.shape == raw.shape and not np.allclose(read, raw)
    assert np.abs(np.diff(read)).mean() < np.abs(np.diff(raw)).mean()


def test_both_modules_are_scored_on_what_they_never_saw(
    straight: Path, data: Path, root: Path, tmp_path: Path
) -> None:
    from iptnet.data.qvhighlights import fold_of
    from iptnet.evaluation.joint import evaluate_joint, first_answers
    from iptnet.evaluation.results import read_figures
    from iptnet.training.moment_sources import read_caption_examples

    results = tmp_path / "figures.csv"
    summaries, moments = evaluate_joint(straight, [data, root], results=results)
    assert summaries is not None and summaries.rows[0].label == "toy"
    assert moments is not None and moments.rows[0].runs == 5
    figures = read_figures(results)
    assert {f.variant for f in figures if f.dataset == "tvsum"} == {"toy", "random", "human"}
    ours = [f for f in figures if f.dataset == "qvhighlights with tvsum"]
    assert {f.split for f in ours} == set("01234") and {f.seed for f in ours} == {"3"}
    # One fold by hand: the share of its queries whose first answer overlaps by half.
    module = load_localizer(straight / "tvsum/split-1/seed-3/localizer.safetensors").module
    queries = read_caption_examples(replace(OURS.sources, root=str(root)), 1)
    own = [e for e in queries if e.source and fold_of(e.source.video, 5) == 1]
    right = 0
    for (start, end, _), example in zip(first_answers(module, own), own, strict=True):
        a, b = example.windows[0]
        shared = max(0.0, min(end, b) - max(start, a))
        right += shared / (max(end, b) - min(start, a)) >= 0.5
    (found,) = [f.value for f in ours if f.split == "1" and f.metric == "MR-full-R1@0.5"]
    assert found == pytest.approx(100 * right / len(own), abs=0.01)


def test_the_teacher_is_scored_too_and_an_empty_call_is_refused(
    straight: Path, data: Path, tmp_path: Path
) -> None:
    from iptnet.evaluation.joint import evaluate_joint

    teacher, _ = evaluate_joint(straight, [data], "teacher")
    assert teacher is not None and "mean teacher" in teacher.rows[0].note
    with pytest.raises(UsageError, match="nothing to score"):
        evaluate_joint(straight, [])
