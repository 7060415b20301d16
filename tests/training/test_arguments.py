"""Configurations: what is read, what comes back, what is refused by name."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from iptnet.errors import InputError, UsageError
from iptnet.training import arguments as module
from iptnet.training.arguments import SummarizationArguments, load_arguments, task_of, to_yaml

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "configs").glob("summarization-*.yaml"))


def write(folder: Path, text: str) -> Path:
    path = folder / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_published_row_loads_and_comes_back(path: Path, tmp_path: Path) -> None:
    read = load_arguments(path)
    assert task_of(path) == "summarization"
    assert load_arguments(write(tmp_path, to_yaml(read))) == read
    head = path.read_text(encoding="utf-8").splitlines()
    comments = [line for line in head if line.startswith("#")]
    assert any("iptnet train" in line for line in comments), "the header states the command"


def test_there_are_published_rows() -> None:
    assert {"summarization-default", "summarization-paper", "summarization-shipped"} <= {
        p.stem for p in CONFIGS
    }


def test_overrides(tmp_path: Path) -> None:
    path = write(tmp_path, "task: summarization\nseeds: [5]\n")
    read = load_arguments(path, ["optimiser.epochs=7", "model.context=true", "optimiser.lr=1"])
    assert (read.seeds, read.optimiser.epochs, read.model.context) == ((5,), 7, True)
    assert isinstance(read.optimiser.lr, float)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("optimizer: {}", "unknown key 'optimizer'"),
        ("model: {head: 3}", "unknown key 'head'"),
        ("model: 3", "expected a mapping"),
        ("model: {heads: two}", "heads is 'two'"),
        ("model: {heads: true}", "heads is True"),
        ("model: {attention: 1}", "attention is 1"),
        ("optimiser: {lr: '1e-3'}", "lr is '1e-3'"),
        ("optimiser: {lr: -1.0}", "lr: positive"),
        ("optimiser: {epochs: 0}", "epochs"),
        ("seeds: []", "seeds"),
        ("seeds: [1, 1]", "seeds"),
        ("setting: best", "canonical"),
        ("objective: {target: users}", "focal and bce need 0/1"),
        ("decode: argmax", "boxes"),
    ],
)
def test_nonsense_is_refused_by_name(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        load_arguments(write(tmp_path, f"task: summarization\n{text}\n"))


@pytest.mark.parametrize(("text", "error"), [("[", InputError), ("3", InputError), ("a: 1", None)])
def test_other_files_are_refused(tmp_path: Path, text: str, error: type[Exception] | None) -> None:
    with pytest.raises(error or UsageError):
        task_of(write(tmp_path, text))
    with pytest.raises(InputError):
        task_of(tmp_path / "none.yaml")


def test_every_field_says_what_it_is() -> None:
    """A string under each field, as the command line and the documents show it."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    for kind in vars(module).values():
        if isinstance(kind, type) and is_dataclass(kind):
            for field in fields(kind):
                start = source.index(
                    f"\n    {field.name}: ", source.index(f"class {kind.__name__}")
                )
                assert '\n    """' in source[start : start + 400].split("\n\n")[0], field.name
    assert is_dataclass(SummarizationArguments)
