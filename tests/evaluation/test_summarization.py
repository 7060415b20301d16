"""Evaluating runs and checkpoints: whose videos, which figures, and what is refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iptnet import checkpoint as files_of
from iptnet.errors import InputError, IntegrityError, UsageError
from iptnet.evaluation.results import COLUMNS, Figure, read_figures, record
from iptnet.evaluation.summarization import Evaluation, evaluate
from iptnet.evaluation.table import Cell, cell_of, summarise
from iptnet.model.summarizer import load_summarizer
from iptnet.protocol.human import leave_one_out
from iptnet.protocol.rules import PROTOCOLS, mean_score, score_video
from iptnet.protocol.splits import identity
from iptnet.training.arguments import (
    ModelArguments,
    ObjectiveArguments,
    OptimiserArguments,
    SummarizationArguments,
)
from iptnet.training.summarization import train_summarization
from tests.training.toys import RECIPE, toy_tvsum

ARGUMENTS = SummarizationArguments(
    datasets=("tvsum",),
    seeds=(0, 1),
    model=ModelArguments(hidden=8, attention=False, dropout=0.1),
    objective=ObjectiveArguments("users", "correlation", 0.0, 0.0),
    optimiser=OptimiserArguments("adamw", 1e-2, 0.01, 8, 8),
    decode="importance",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_tvsum(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "plain"
    train_summarization(ARGUMENTS, out, [data])
    return out


def test_a_run_folder_is_scored_on_its_own_test_videos(
    run: Path, data: Path, tmp_path: Path
) -> None:
    csv = tmp_path / "results.csv"
    table = evaluate(run, [data], results=csv)
    ours, random, human, *published = table.rows
    assert (ours.label, ours.runs, random.label, human.label) == (
        "plain",
        10,
        "random scores",
        "human",
    )
    assert ours.cells["tau"].mean > 0.4 > abs(random.cells["tau"].mean) * 4
    assert human.cells["tau"].mean > ours.cells["tau"].mean
    assert {r.note for r in published} == {"published; GoogLeNet features, test-selected"}
    # One cell by hand: split 3, seed 1.
    summarizer = load_summarizer(run / "tvsum/split-3/seed-1/last.safetensors")
    room = Evaluation([data])
    scores = []
    for name in summarizer.checkpoint.provenance["test"]:
        _, video, recipe = room.videos[identity(name)]
        values = summarizer.importance(video.features, recipe)
        scores.append(score_video(values, room.labels(identity(name)), PROTOCOLS["tvsum"]))
    known = {f.key: f.value for f in read_figures(csv)}
    key = ("tvsum", "canonical", "plain", "3", "1", "last", "rho")
    assert known[key] == pytest.approx(mean_score(scores).rho, abs=1e-6)
    everyone = [leave_one_out(room.labels(n), PROTOCOLS["tvsum"]) for n in room.videos]
    assert human.cells["f"].mean == pytest.approx(mean_score(everyone).f)


def test_the_table_for_people_and_for_programs(run: Path, data: Path) -> None:
    told: list[str] = []
    table = evaluate(run, [data], on_progress=lambda stage, *_: told.append(stage))
    text = table.to_text()
    assert "tvsum (canonical)" in text
    assert re.search(r"plain +\d+\.\d ± ", text)
    assert any("scoring" in t for t in told)
    plain = json.loads(json.dumps(table.to_dict()))
    assert plain["rows"][0]["metrics"]["tau"].keys() == {"mean", "spread"}
    assert table.to_markdown().count("\n") == len(table.rows) + 2


def test_a_checkpoint_is_not_scored_on_what_it_learnt(
    run: Path, data: Path, tmp_path: Path
) -> None:
    path = run / "tvsum/split-0/seed-0/last.safetensors"
    table = evaluate(path, [data])
    assert "18 videos were trained on: they are left out" in table.warnings[0]
    seen = evaluate(path, [data], allow_seen=True)
    assert "mean little" in seen.warnings[0]
    assert seen.rows[0].cells["tau"].mean != table.rows[0].cells["tau"].mean
    stored = files_of.load(path)
    about = {**stored.provenance, "train": [f"tvsum/video_{k}" for k in range(1, 26)]}
    files_of.save(tmp_path / "all.safetensors", replace(stored, provenance=about))
    with pytest.raises(InputError, match="trained on all 25"):
        evaluate(tmp_path / "all.safetensors", [data])


def test_a_leaking_run_is_refused(run: Path, data: Path, tmp_path: Path) -> None:
    stored = files_of.load(run / "tvsum/split-0/seed-0/last.safetensors")
    about = {**stored.provenance, "train": list(stored.provenance["test"])}
    path = tmp_path / "leak/tvsum/split-0/seed-0/last.safetensors"
    files_of.save(path, replace(stored, provenance=about))
    with pytest.raises(InputError, match="trained on its test video"):
        evaluate(tmp_path / "leak", [data])


def test_what_does_not_fit_is_refused(run: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--setting canonical"):
        evaluate(run, [data], setting="validated")
    with pytest.raises(InputError, match=r"no best\.safetensors"):
        evaluate(run, [data], selection="validation")
    with pytest.raises(UsageError, match="no selection"):
        evaluate(run, [data], selection="luck")
    with pytest.raises(UsageError, match="no data"):
        evaluate(run, [])
    with pytest.raises(InputError, match="two files"):
        evaluate(run, [data, data])
    (tmp_path / "other").mkdir()
    other = toy_tvsum(tmp_path / "other", replace(RECIPE, name="foreign", space="elsewhere"))
    with pytest.raises(IntegrityError, match="foreign"):
        evaluate(run, [other])


def test_figures_are_replaced_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    one = Figure("tvsum", "canonical", "a", "0", "0", "last", "f", 0.5)
    record(path, [one, replace(one, seed="1")])
    record(path, [replace(one, value=0.75), replace(one, variant="b")])
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)
    assert [(f.variant, f.seed, f.value) for f in read_figures(path)] == [
        ("a", "0", 0.75),
        ("a", "1", 0.5),
        ("b", "0", 0.5),
    ]
    for text in ("a,b\n1,2\n", ",".join(COLUMNS) + "\n1,2,3,4,5,6,7,x\n"):
        path.write_text(text)
        with pytest.raises(IntegrityError):
            record(path, [one])
        assert path.read_text() == text


def test_cells() -> None:
    assert cell_of([1.0, 3.0]) == Cell(2.0, pytest.approx(np.sqrt(2)))
    assert cell_of([1.0, float("nan")]) == Cell(1.0)
    assert np.isnan(cell_of([float("nan")]).mean)
    one = Figure("tvsum", "canonical", "a", "0", "0", "last", "f", 0.5)
    rows = summarise(
        [one, replace(one, split="1", value=0.7)], {"a": ("A", "note"), "b": ("B", "")}
    )
    assert [(r.label, r.runs, r.cells["f"].mean) for r in rows] == [("A", 2, pytest.approx(0.6))]
