"""docs/faults.md against the tests: read from their source, so that none has to run for it."""

from __future__ import annotations

import ast
import re

from tests.conftest import ROOT

TABLE = (ROOT / "docs" / "faults.md").read_text("utf-8")
ROWS = range(1, 22)


def rows() -> dict[int, str]:
    """Lines of the table by their number."""
    found = re.findall(r"^\| (\d+) \|.*$", TABLE, re.MULTILINE)
    lines = [line for line in TABLE.splitlines() if re.match(r"\| \d+ \|", line)]
    return dict(zip(map(int, found), lines, strict=True))


def marks(source: str) -> set[int]:
    """Rows that tests of a module are marked with, all of them or one."""
    found = set[int]()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="fault", value=ast.Attribute(attr="mark")),
                args=[ast.Constant(value=int(row))],
            ):
                found.add(row)
    return found


def marked() -> dict[int, set[str]]:
    """Test modules by the rows they are marked with."""
    found: dict[int, set[str]] = {row: set() for row in ROWS}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for row in marks(path.read_text("utf-8")):
            found.setdefault(row, set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_every_row_is_told_once_and_tested() -> None:
    assert list(rows()) == list(ROWS)
    assert sorted(marked()) == list(ROWS), "a mark of no row"
    assert not [row for row, modules in marked().items() if not modules]


def test_what_the_table_names_is_there_and_marked() -> None:
    found = marked()
    for row, line in rows().items():
        named = re.findall(r"`((?:src|tests)/[^`]+)`", line)
        missing = [name for name in named if not (ROOT / name).is_file()]
        assert not missing, f"row {row} names {missing}"
        tests = {n for n in named if re.search(r"/test_\w+\.py$", n)}
        assert tests and any(n.startswith("src/") for n in named), f"row {row}"
        assert tests <= found[row], f"row {row}: {tests - found[row]} hold no test of it"


def test_marks_are_found_where_they_are() -> None:
    source = """
import pytest
pytestmark = [pytest.mark.fault(3), pytest.mark.slow]
@pytest.mark.fault(4)
def test(): ...
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.fault(5))])
def other(x): pytest.fault(6)  # pytest.mark.fault(7)
"""
    assert marks(source) == {3, 4, 5}
