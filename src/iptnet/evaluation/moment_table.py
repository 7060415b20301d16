"""The localizer's tables: mean and spread over folds or joinings."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from iptnet.evaluation.results import Figure

COLUMNS = {
    "MR-full-R1@0.3": "R1@.3",
    "MR-full-R1@0.5": "R1@.5",
    "MR-full-R1@0.7": "R1@.7",
    "MR-full-R5@0.5": "R5@.5",
    "MR-full-mAP": "mAP",
    "MR-full-mIoU": "mIoU",
    "HL-min-VeryGood-mAP": "HL mAP",
    "HL-min-VeryGood-Hit1": "HIT@1",
    "peak": "peak",
}


@dataclass(frozen=True)
class MomentRow:
    """One line: metric → (mean, standard deviation over ``runs`` folds or joinings)."""

    dataset: str
    variant: str
    cells: dict[str, tuple[float, float]]
    runs: int


@dataclass(frozen=True)
class MomentTable:
    """All lines, in percent."""

    rows: tuple[MomentRow, ...]
    warnings: tuple[str, ...] = ()

    def to_text(self) -> str:
        """For people: aligned columns, metrics that nobody has left out."""
        used = [m for m in COLUMNS if any(m in row.cells for row in self.rows)]
        lines = [["", *(COLUMNS[m] for m in used), "runs"]]
        for row in self.rows:
            shown = [_shown(row.cells.get(m)) for m in used]
            lines.append([f"{row.dataset}: {row.variant}", *shown, str(row.runs)])
        widths = [max(len(line[k]) for line in lines) for k in range(len(used) + 2)]
        return "\n".join(
            "  ".join(
                cell.ljust(w) if k == 0 else cell.rjust(w)
                for k, (cell, w) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "rows": [
                {
                    "dataset": row.dataset,
                    "variant": row.variant,
                    "runs": row.runs,
                    "metrics": {m: {"mean": a, "sd": b} for m, (a, b) in row.cells.items()},
                }
                for row in self.rows
            ],
            "warnings": list(self.warnings),
        }


def rows_of(figures: Iterable[Figure]) -> tuple[MomentRow, ...]:
    """Means over the splits of each dataset and variant, in order of appearance."""
    groups: dict[tuple[str, str], dict[str, list[float]]] = {}
    for figure in figures:
        own = groups.setdefault((figure.dataset, figure.variant), {})
        own.setdefault(figure.metric, []).append(figure.value)
    return tuple(
        MomentRow(
            dataset,
            variant,
            {m: (statistics.fmean(v), statistics.pstdev(v)) for m, v in metrics.items()},
            max(len(v) for v in metrics.values()),
        )
        for (dataset, variant), metrics in groups.items()
    )


def _shown(cell: tuple[float, float] | None) -> str:
    return "" if cell is None else f"{cell[0]:.1f} ± {cell[1]:.1f}"
