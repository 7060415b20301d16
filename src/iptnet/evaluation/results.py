"""results/*.csv: every single figure, one a line, from which all tables are made.

Columns: dataset, setting, variant, split, seed, selection, metric, value. A line is known by all
but its value: measuring again replaces it. Splits and seeds are empty where there are none.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from iptnet.atomic import write_text
from iptnet.errors import IntegrityError


@dataclass(frozen=True, order=True)
class Figure:
    """One measured number."""

    dataset: str
    setting: str
    variant: str
    split: str
    seed: str
    selection: str
    metric: str
    value: float

    @property
    def key(self) -> tuple[str, ...]:
        """What it measures."""
        return tuple(str(v) for v in astuple(self)[:-1])


COLUMNS = tuple(f.name for f in fields(Figure))


def read_figures(path: Path) -> list[Figure]:
    """All figures of a file; none if there is no file.

    Raises:
        IntegrityError: no CSV in UTF-8, other columns, or a value that is no number.
    """
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise IntegrityError(f"{path} has other columns", f"expected {','.join(COLUMNS)}")
            return [_figure(row) for row in reader]
    except (TypeError, ValueError, csv.Error) as error:
        raise IntegrityError(f"{path}: {error}", "restore the file") from error


def record(path: Path, figures: Iterable[Figure]) -> None:
    """Add figures to a file, or replace those that measure the same; atomic, sorted.

    Raises:
        IntegrityError: the file there is not one of ours.
        MachineError: the folder cannot be written.
    """
    known = {f.key: f for f in read_figures(path)}
    known |= {f.key: f for f in figures}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for figure in sorted(known.values()):
        writer.writerow((*figure.key, f"{figure.value:.6f}"))
    write_text(path, out.getvalue())


def _figure(row: dict[str, str]) -> Figure:
    known = {c: row[c] for c in COLUMNS[:-1]}
    if None in row or None in known.values():
        raise ValueError("a line with more or fewer fields than columns")
    value = float(row["value"])
    if not math.isfinite(value):
        raise ValueError(f"a figure of {value}")
    return Figure(**known, value=value)
