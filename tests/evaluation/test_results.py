"""Figures: what is recorded comes back, whatever else is in the file is refused."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.errors import IntegrityError
from iptnet.evaluation.results import COLUMNS, Figure, read_figures, record

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.integers(-(10**9), 10**9).map(lambda n: n / 1e6)  # six digits are what is kept
FIGURES = st.builds(Figure, *[WORDS] * 7, NUMBERS)
ONE = Figure("summe", "canonical", "full", "0", "1", "last", "tau", 0.125)


@given(st.lists(FIGURES, max_size=6), st.lists(FIGURES, max_size=6))
def test_what_is_recorded_comes_back(
    tmp_path_factory: pytest.TempPathFactory, first: list[Figure], second: list[Figure]
) -> None:
    path = tmp_path_factory.mktemp("r") / "x.csv"
    record(path, first)
    record(path, second)
    wanted = {f.key: f for f in [*first, *second]}
    assert read_figures(path) == sorted(wanted.values())
    content = path.read_bytes()
    record(path, [])
    assert path.read_bytes() == content


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.booleans())
def test_any_bytes_are_figures_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, header: bool
) -> None:
    path = tmp_path_factory.mktemp("r") / "x.csv"
    path.write_bytes((",".join(COLUMNS) + "\n").encode() * header + content)
    with contextlib.suppress(IntegrityError):
        assert all(math.isfinite(f.value) for f in read_figures(path))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_costs_nothing_measured_before(tmp_path: Path, value: float) -> None:
    path = tmp_path / "x.csv"
    record(path, [ONE])
    with pytest.raises(IntegrityError, match="tau of tvsum came out as") as caught:
        record(path, [replace(ONE, metric="f1"), replace(ONE, dataset="tvsum", value=value)])
    assert caught.value.remedy
    assert read_figures(path) == [ONE]
