"""Benchmarks take long and run by hand; that they still fit the package is seen here."""

from __future__ import annotations

import importlib

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
