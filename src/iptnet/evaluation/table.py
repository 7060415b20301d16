"""Score tables: means with their spread, as text, Markdown or plain values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from iptnet.evaluation.results import Figure

METRICS = ("f", "precision", "recall", "tau", "rho")
HEADS = {"f": "F %", "precision": "P %", "recall": "R %", "tau": "τ", "rho": "ρ"}
PERCENT = frozenset({"f", "precision", "recall"})


@dataclass(frozen=True)
class Cell:
    """A mean over runs, and the standard deviation over them where there are several."""

    mean: float
    spread: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        dataset: which set was tested.
        label: who is scored.
        cells: metric → figure; metrics nobody measured are absent.
        runs: how many splits × seeds the means are over.
        note: what the reader has to know of this line.
    """

    dataset: str
    label: str
    cells: Mapping[str, Cell]
    runs: int = 1
    note: str = ""


@dataclass(frozen=True)
class Table:
    """The protocol's table."""

    setting: str
    rows: tuple[Row, ...]
    warnings: tuple[str, ...] = field(default=())

    def to_text(self) -> str:
        """For people: one line a row, grouped by dataset, figures aligned."""
        lines = [[" ", *(HEADS[m] for m in METRICS), "runs", ""]]
        dataset = ""
        for row in self.rows:
            if row.dataset != dataset:
                dataset = row.dataset
                lines.append([f"{dataset} ({self.setting})", *[""] * 7])
            lines.append([f"  {row.label}", *_shown(row), str(row.runs), row.note])
        widths = [max(len(line[k]) for line in lines) for k in range(8)]
        return "\n".join(
            "  ".join(
                cell.ljust(w) if k in (0, 7) else cell.rjust(w)
                for k, (cell, w) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def to_markdown(self) -> str:
        """For documents."""
        head = ["set", "scores", *(HEADS[m] for m in METRICS), "runs", "note"]
        lines = [head, ["---"] * 2 + ["---:"] * 6 + ["---"]]
        lines += [[r.dataset, r.label, *_shown(r), str(r.runs), r.note] for r in self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; F, precision and recall in [0, 1]."""
        return {
            "setting": self.setting,
            "rows": [
                {
                    "dataset": r.dataset,
                    "label": r.label,
                    "runs": r.runs,
                    "note": r.note,
                    "metrics": {
                        m: {"mean": c.mean, "spread": c.spread} for m, c in r.cells.items()
                    },
                }
                for r in self.rows
            ],
            "warnings": list(self.warnings),
        }


def summarise(figures: Iterable[Figure], labels: Mapping[str, tuple[str, str]]) -> tuple[Row, ...]:
    """Rows from single figures: mean and spread over splits and seeds, per dataset and variant.

    Args:
        figures: of one setting.
        labels: variant → (label, note), in the order of the rows; other variants are left out.
    """
    found = list(figures)
    rows = []
    for dataset in sorted({f.dataset for f in found}):
        for variant, (label, note) in labels.items():
            own = [f for f in found if f.dataset == dataset and f.variant == variant]
            if not own:
                continue
            cells = {
                m: cell_of([f.value for f in own if f.metric == m])
                for m in METRICS
                if any(f.metric == m for f in own)
            }
            runs = len({(f.split, f.seed, f.selection) for f in own})
            rows.append(Row(dataset, label, cells, runs, note))
    return tuple(rows)


def cell_of(values: Sequence[float]) -> Cell:
    """Mean and standard deviation; NaN values (nothing to measure) are left out."""
    known = [v for v in values if not math.isnan(v)]
    if not known:
        return Cell(float("nan"))
    mean = math.fsum(known) / len(known)
    if len(known) == 1:
        return Cell(mean)
    return Cell(mean, math.sqrt(math.fsum((v - mean) ** 2 for v in known) / (len(known) - 1)))


def _shown(row: Row) -> list[str]:
    out = []
    for metric in METRICS:
        cell = row.cells.get(metric)
        if cell is None or math.isnan(cell.mean):
            out.append("–")
            continue
        scale, digits = (100, 1) if metric in PERCENT else (1, 3)
        spread = "" if cell.spread is None else f" ± {cell.spread * scale:.{digits}f}"
        out.append(f"{cell.mean * scale:.{digits}f}{spread}")
    return out
