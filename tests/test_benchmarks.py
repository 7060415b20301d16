"""Benchmarks take long and run by hand; that they still fit the package is seen here."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from tests.conftest import ROOT

NAMES = sorted(p.stem for p in (ROOT / "benchmarks").glob("*.py") if p.stem != "__main__")


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_finds_what_it_measures(name: str) -> None:
    try:
        importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        if str(error.name).startswith(("iptnet", "benchmarks", "tests")):
            raise
        pytest.skip(f"{error.name} is not installed (pip install -e '.[bench]')")


def test_equal_pieces_share_what_is_left_to_take() -> None:
    from benchmarks.rated_importance import agreement, best

    assert best([3, 1, 2, 2], 0.5).tolist() == [1, 0, 0.5, 0.5]
    assert best(np.ones(20), 0.15) == pytest.approx(np.full(20, 0.15))
    marks = np.array([[5, 1, 1, 1, 1, 1, 1, 1, 1, 1]] * 2)
    # One piece against the best two of a rater who names one and gives the others a ninth each.
    assert agreement(best(marks[0], 0.1), marks) == pytest.approx(2 * 1 / (1 + 2))
    assert agreement(best(np.arange(10)), np.arange(10)[None]) == pytest.approx(1)
