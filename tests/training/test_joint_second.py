"""Two recipes a video: each module reads its own, whatever task the video comes from."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from iptnet.data.benchmark import write_benchmark
from iptnet.data.feature_folder import FeatureFolder
from iptnet.data.moments import MomentQuery
from iptnet.errors import InputError, UsageError
from iptnet.evaluation.joint import evaluate_joint
from iptnet.features.recipe import Recipe
from iptnet.model.grid import pool
from iptnet.model.localization.video import GridVideo, on_grid
from iptnet.model.localizer import load_localizer
from iptnet.model.summarizer import load_summarizer
from iptnet.timeline import Span
from iptnet.training.arguments import ModelArguments, ObjectiveArguments, OptimiserArguments
from iptnet.training.joint import train_joint
from iptnet.training.joint_arguments import (
    JointArguments,
    PairedArguments,
    PropagationArguments,
    ScheduleArguments,
    load_joint,
    to_yaml,
)
from iptnet.training.joint_build import build_summarizer
from iptnet.training.joint_views import moment_views, summary_view
from iptnet.training.localization_arguments import (
    MixtureArguments,
    ModuleArguments,
    SourceArguments,
)
from iptnet.training.moment_examples import Example, caption_examples
from iptnet.training.moment_sources import load_clip_captions, load_qvhighlights
from tests.training.toys import RECIPE, toy_moments, toy_tvsum, toy_video

ACTION = Recipe("action", "made up", "unknown", "2/s", "none", "none", "none", 24, "action")
THINGS = ("door", "cup", "book", "phone")

HOW = JointArguments(
    variant="two recipes",
    datasets=("tvsum",),
    seeds=(3,),
    view=0.5,
    model=ModelArguments(attention=False, hidden=8, dropout=0.3),
    objective=ObjectiveArguments("users", "correlation", boundary=0.0, centrality=0.0),
    optimiser=OptimiserArguments("adamw", lr=3e-3, weight_decay=0.1, batch=8),
    propagation=PropagationArguments(hidden=8),
    schedule=ScheduleArguments(warm_up=1, alone=1, cycles=1),
    sources=SourceArguments(
        moments="train.txt",
        test="test.txt",
        durations="durations.json",
        features="action",
        words="words.npz",
    ),
    paired=PairedArguments(summaries=("tvsum_action.h5",), moments="pictures"),
    module=ModuleArguments(hidden=16, heads=4),
    mixture=MixtureArguments(query_dropout=0.5),
    localizer=OptimiserArguments("adamw", lr=1e-3, weight_decay=0.01, batch=8, clip=1.0),
    decode="importance",
)


def declared(folder: Path, recipe: Recipe) -> Path:
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps(recipe.to_dict() | {"step_seconds": 0.5}))
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Charades in the small: moments on action features, and every video in the other recipe."""
    top = tmp_path_factory.mktemp("two")
    draw = np.random.default_rng(0)
    lines, durations = list[str](), {}
    folders = [declared(top / "action", ACTION), declared(top / "pictures", RECIPE)]
    for k in range(12):
        for folder, width in zip(folders, (24, 16), strict=True):
            np.save(folder / f"V{k}.npy", draw.standard_normal((40, width), np.float32))
        durations[f"V{k}"] = 20.0
        lines.append(f"V{k} {k % 5}.0 {k % 5 + 8}.5##person opens the {THINGS[k % 4]}.")
    (top / "train.txt").write_text("\n".join(lines[:8]) + "\n")
    (top / "test.txt").write_text("\n".join(lines[8:]) + "\n")
    (top / "durations.json").write_text(json.dumps(durations))
    words = ["<PAD>", "person", "opens", "the", *THINGS]
    np.savez(top / "words.npz", words=words, vecs=draw.standard_normal((8, 12)))
    toy_tvsum(top)
    other = [toy_video(k, width=24) for k in range(1, 26)]
    write_benchmark(top / "tvsum_action.h5", other, ACTION, "tvsum")
    return top


def based(root: Path) -> JointArguments:
    return replace(HOW, sources=replace(HOW.sources, root=str(root)))


@pytest.fixture(scope="module")
def run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "two"
    assert train_joint(based(root), out, [root / "toy.h5"]).trained == 5
    return out


def test_each_module_reads_its_own_recipe(run: Path) -> None:
    folder = run / "tvsum" / "split-0" / "seed-3"
    summarizer = load_summarizer(folder / "last.safetensors")
    localizer = load_localizer(folder / "localizer.safetensors")
    assert [r.name for r in summarizer.checkpoint.recipes] == ["toy"]
    assert [r.name for r in localizer.recipes] == ["action"]
    assert localizer.module.config.width == 24 and localizer.words is not None
    head = (folder / "metrics.csv").read_text().splitlines()[0]
    assert "LS teacher" in head and "SL student" in head


def test_the_test_file_judges_the_localizer(run: Path, root: Path) -> None:
    summaries, moments = evaluate_joint(run, [root, root / "toy.h5"])
    assert summaries is not None and moments is not None
    assert [(r.dataset, r.runs) for r in moments.rows] == [("test.txt with tvsum", 5)]


def test_second_features_that_change_are_another_run(root: Path, run: Path, tmp_path: Path) -> None:
    """A folder of another second recipe does not go on where the first one stood."""
    again = train_joint(based(root), run, [root / "toy.h5"])
    assert (again.trained, again.found) == (0, 5)
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in root.iterdir():
        (moved / path.name).symlink_to(path)
    (moved / "tvsum_action.h5").unlink()
    other = [toy_video(k + 99, width=24) for k in range(1, 26)]
    named = [replace(v, key=f"video_{k}", name=f"video_{k}") for k, v in enumerate(other, 1)]
    write_benchmark(moved / "tvsum_action.h5", named, ACTION, "tvsum")
    with pytest.raises(Exception, match="another") as caught:
        # The state in the folder belongs to the old features.
        (run / "tvsum" / "split-0" / "seed-3" / "last.safetensors").unlink()
        train_joint(based(moved), run, [root / "toy.h5"])
    assert getattr(caught.value, "exit_code", 1) in (2, 5)


@pytest.mark.parametrize(
    ("paired", "named"),
    [
        (PairedArguments(), r"paired\.summaries and paired\.moments"),
        (PairedArguments(summaries=("tvsum_action.h5",)), r"paired\.moments"),
        (PairedArguments(moments="pictures"), r"paired\.summaries"),
        (PairedArguments(summaries=("toy.h5",), moments="action"), "one space"),
    ],
)
def test_a_module_that_would_read_two_spaces_is_refused(
    root: Path, tmp_path: Path, paired: PairedArguments, named: str
) -> None:
    with pytest.raises(UsageError) as caught:
        train_joint(replace(based(root), paired=paired), tmp_path / "out", [root / "toy.h5"])
    assert re.search(named, f"{caught.value} {caught.value.remedy}")


def test_a_video_without_second_features_is_named(root: Path, tmp_path: Path) -> None:
    few = [toy_video(k, width=24) for k in range(1, 25)]
    write_benchmark(tmp_path / "few.h5", few, ACTION, "tvsum")
    lacking = PairedArguments(summaries=(str(tmp_path / "few.h5"),), moments="pictures")
    with pytest.raises(InputError, match=r"tvsum/video_25"):
        train_joint(replace(based(root), paired=lacking), tmp_path / "out", [root / "toy.h5"])
    short = [toy_video(k + (k == 7), width=24) for k in range(1, 26)]
    short[6] = replace(toy_video(1, width=24), key="video_7", name="video_7", fps=60.0)
    write_benchmark(tmp_path / "short.h5", short, ACTION, "tvsum")
    wrong = PairedArguments(summaries=(str(tmp_path / "short.h5"),), moments="pictures")
    with pytest.raises(InputError, match=r"tvsum/video_7 lasts"):
        train_joint(replace(based(root), paired=wrong), tmp_path / "wrong", [root / "toy.h5"])
    folder = declared(tmp_path / "pictures", RECIPE)
    np.save(folder / "V0.npy", np.ones((40, 16), np.float32))
    gap = PairedArguments(summaries=("tvsum_action.h5",), moments=str(folder))
    with pytest.raises(InputError, match="V1"):
        train_joint(replace(based(root), paired=gap), tmp_path / "gap", [root / "toy.h5"])


def test_the_same_features_twice_are_the_same_views(tmp_path: Path) -> None:
    """Captions through a second folder of the very same vectors change nothing, to the bit."""
    root = toy_moments(tmp_path)
    spoken = load_clip_captions(root / "captions.json")
    queries = load_qvhighlights(root / "queries.jsonl", known_videos=spoken).queries
    examples = caption_examples(queries, spoken, 128, 1)
    recipe = replace(RECIPE, width=256)
    folder = tmp_path / "second"
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps(recipe.to_dict() | {"step_seconds": 2.0}))
    for example in examples:
        assert example.source is not None
        np.save(folder / f"{example.source.video}.npy", example.video.vectors)
    module = build_summarizer(
        replace(HOW, model=ModelArguments(attention=False, context=True)), 256
    )
    for view in (0.5, 0.0):
        one = moment_views(examples, module, view)
        two = moment_views(examples, module, view, FeatureFolder(folder))
        assert one.keys() == two.keys()
        for key, mine in one.items():
            for a, b in zip(mine.prepared, two[key].prepared, strict=True):
                assert torch.equal(a, b)
            assert torch.equal(mine.moments, two[key].moments)
    video = toy_video(4)
    first, second = summary_view(video, 128), summary_view(video, 128, video)
    assert torch.equal(first.video, second.video)
    for a, b in zip(first.resampling, second.resampling, strict=True):
        assert torch.equal(a, b)


def test_a_window_of_a_long_video_shows_its_own_time(tmp_path: Path) -> None:
    """The summarizer's view of a window begins where the window does, in either recipe."""
    rows = np.arange(400, dtype=np.float32)[:, None] * np.ones((1, 16), np.float32)
    whole = on_grid(rows, np.arange(400) + 0.5, 400, 128)
    window = GridVideo(whole.edges[64:129], whole.vectors[64:128], whole.cuts[:0])
    first, last = window.edges[0], window.edges[-1]
    assert first > 100
    folder = declared(tmp_path / "second", replace(RECIPE, width=16))
    (folder / "recipe.json").write_text(json.dumps(RECIPE.to_dict() | {"step_seconds": 1.0}))
    np.save(folder / "long.npy", rows)
    query = MomentQuery("q", "long", "someone", (Span(first, first + 20.0),), 400.0)
    words = np.ones((1, 12), np.float32)
    example = Example(
        "moments",
        window,
        "someone",
        words,
        query.window_array,
        None,
        0,
        query,
    )
    module = build_summarizer(HOW, 16)
    for features in (None, FeatureFolder(folder)):
        (view,) = moment_views([example], module, 0.5, features).values()
        seen = view.prepared.content[:, 0].numpy()
        assert len(seen) == round((last - first) / 0.5)
        assert abs(float(seen[0]) - first) < 3 and abs(float(seen[-1]) - last) < 3
        assert float(view.moments.sum()) == 40.0
    expected = pool(np.arange(400) + 0.5, rows, np.linspace(first, last, len(seen) + 1))
    assert np.allclose(seen[2:-2], expected[2:-2, 0])


def test_configurations(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(to_yaml(HOW))
    assert load_joint(path) == HOW
    clips = replace(HOW, sources=replace(HOW.sources, clips="clips", captions="captions.json"))
    path.write_text(to_yaml(clips))
    with pytest.raises(UsageError, match=r"paired\.moments"):
        load_joint(path)
