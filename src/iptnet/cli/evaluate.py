"""``iptnet evaluate --checkpoint C --data FILE…``: the protocol's table, of either module."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from iptnet.cli.console import Progress, say, say_warning

if TYPE_CHECKING:
    from iptnet.evaluation.moment_table import MomentTable
    from iptnet.evaluation.table import Table


@dataclass(frozen=True)
class Evaluate:
    """Score a checkpoint or a run folder on benchmark files, beside random and human rows."""

    checkpoint: Path
    """A checkpoint, or the run folder of `iptnet train` with one checkpoint per split and seed."""

    data: tuple[Path, ...]
    """Benchmark h5 files; for a localizer, the folder of its data."""

    setting: Literal["canonical", "augmented", "transfer", "validated"] = "canonical"
    """Which splits a run folder was trained on."""

    selection: Literal["last", "validation"] = "last"
    """Which checkpoint of each run is scored."""

    allow_seen: bool = False
    """Score videos that the checkpoint was trained on, too (then the figures mean little)."""

    results: Path | None = None
    """Append every single figure to this CSV file."""

    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> int:
        """Print the table."""
        with Progress() as progress:
            table = self._table(progress)
        for warning in table.warnings:
            say_warning(warning)
        say(json.dumps(table.to_dict(), indent=1) if self.json else table.to_text())
        return 0

    def _table(self, progress: Progress) -> Table | MomentTable:
        if _kind(self.checkpoint) == "localization":
            from iptnet.evaluation.localization import evaluate_localization

            return evaluate_localization(
                checkpoint=self.checkpoint,
                data=list(self.data),
                allow_seen=self.allow_seen,
                results=self.results,
                on_progress=progress,
            )
        from iptnet.evaluation.summarization import evaluate

        return evaluate(
            checkpoint=self.checkpoint,
            data=list(self.data),
            setting=self.setting,
            selection=self.selection,
            allow_seen=self.allow_seen,
            results=self.results,
            on_progress=progress,
        )


def _kind(path: Path) -> str:
    """Which module a run folder or a checkpoint holds."""
    if path.is_dir():
        from iptnet.training.arguments import task_of

        return task_of(path / "config.yaml")
    from iptnet.checkpoint import load

    return load(path).kind
