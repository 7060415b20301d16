"""Configurations: what is read, what comes back, what is refused by name."""

from __future__ import annotations

import contextlib
import math
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iptnet.errors import InputError, UsageError
from iptnet.training import arguments as module
from iptnet.training.arguments import (
    OptimiserArguments,
    SummarizationArguments,
    load_arguments,
    task_of,
    to_yaml,
)

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
        ("optimiser: {lr: .inf}", "lr is inf"),
        ("optimiser: {weight_decay: .nan}", "weight_decay is nan"),
        (f"serve: 1{'0' * 400}", "finite"),
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


@pytest.mark.parametrize(
    ("assignment", "word"),
    [
        ("serve", "assigns nothing"),
        ("serve=[1", "no YAML"),
        ("serve=2001-99-99", "no YAML"),
        ("serve=" + "[" * 5000, "no YAML"),
        ("serve.x=1", "serve is no section"),
        ("modle.heads=1", "unknown key 'modle'"),
    ],
    ids=lambda text: text[:16],
)
def test_overrides_that_make_no_sense_are_refused(
    tmp_path: Path, assignment: str, word: str
) -> None:
    with pytest.raises(UsageError, match=word):
        load_arguments(write(tmp_path, "serve: 1\n"), [assignment])


ORDINARY = st.floats(0, 1e6, exclude_min=True)


@given(
    st.builds(
        SummarizationArguments,
        data=st.lists(st.text(max_size=20), max_size=3).map(tuple),
        datasets=st.lists(st.sampled_from(("summe", "tvsum")), min_size=1, max_size=2).map(tuple),
        seeds=st.lists(st.integers(0), min_size=1, max_size=4, unique=True).map(tuple),
        accepts=st.lists(st.text(max_size=9), max_size=2).map(tuple),
        serve=ORDINARY,
        optimiser=st.builds(
            OptimiserArguments, lr=ORDINARY, epochs=st.integers(1), decay=st.booleans()
        ),
    )
)
def test_what_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory, arguments: SummarizationArguments
) -> None:
    path = write(tmp_path_factory.mktemp("c"), to_yaml(arguments))
    assert load_arguments(path) == arguments


KEYS = [f.name for f in fields(SummarizationArguments)]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
VALUES = st.recursive(
    LEAVES | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["lr", "heads", "noise", "target", "x"]), inner)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), VALUES, max_size=5),
    st.lists(st.text(max_size=12) | st.sampled_from(["model.heads=2", "serve.x=1"]), max_size=2),
)
def test_any_values_are_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, raw: dict[str, Any], overrides: list[str]
) -> None:
    path = write(tmp_path_factory.mktemp("c"), yaml.safe_dump(raw))
    try:
        read = load_arguments(path, overrides)
    except UsageError:
        return
    assert math.isfinite(read.serve + read.optimiser.lr + read.augmentation.noise)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("c") / "c.yaml"
    path.write_bytes(content)
    with contextlib.suppress(InputError, UsageError):
        load_arguments(path)


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
