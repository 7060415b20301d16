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
    """Benchmark h5 files; for a localizer, the folder of its data; for a joint run, both."""

    setting: Literal["canonical", "augmented", "transfer", "validated"] = "canonical"
    """Which splits a run folder of a summarizer was trained on; joint runs know it."""

    selection: Literal["last", "validation", "teacher", "test"] = "last"
    """Which checkpoint of each run: last epoch, best on validation, its teacher, best on test."""

    allow_seen: bool = False
    """Score videos that the checkpoint was trained on, too (then the figures mean little)."""

    results: Path | None = None
    """Append every single figure to this CSV file."""

    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> int:
        """Print the table."""
        with Progress() as progress:
            tables = self._tables(progress)
        for warning in (w for table in tables for w in table.warnings):
            say_warning(warning)
        if self.json:
            plain = [table.to_dict() for table in tables]
            say(json.dumps(plain[0] if len(plain) == 1 else plain, indent=1))
        else:
            say("\n\n".join(table.to_text() for table in tables))
        return 0

    def _tables(self, progress: Progress) -> list[Table | MomentTable]:
        kind = _kind(self.checkpoint)
        if kind == "iptnet":
            from iptnet.evaluation.joint import evaluate_joint

            both = evaluate_joint(
                self.checkpoint,
                list(self.data),
                self.selection,
                results=self.results,
                on_progress=progress,
            )
            return [table for table in both if table is not None]
        return [self._table(kind, progress)]

    def _table(self, kind: str, progress: Progress) -> Table | MomentTable:
        if kind == "localization":
            from iptnet.evaluation.localization import evaluate_localization

            return evaluate_localization(
                checkpoint=self.checkpoint,
                data=list(self.data),
                selection=self.selection,
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
