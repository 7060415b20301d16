"""``iptnet evaluate --checkpoint C --data FILE…``: the protocol's table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from iptnet.cli.console import Progress, say, say_warning


@dataclass(frozen=True)
class Evaluate:
    """Score a checkpoint or a run folder on benchmark files, beside random and human rows."""

    checkpoint: Path
    """A checkpoint, or the run folder of `iptnet train` with one checkpoint per split and seed."""

    data: tuple[Path, ...]
    """Benchmark h5 files."""

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
        from iptnet.evaluation.summarization import evaluate

        with Progress() as progress:
            table = evaluate(
                checkpoint=self.checkpoint,
                data=list(self.data),
                setting=self.setting,
                selection=self.selection,
                allow_seen=self.allow_seen,
                results=self.results,
                on_progress=progress,
            )
        for warning in table.warnings:
            say_warning(warning)
        say(json.dumps(table.to_dict(), indent=1) if self.json else table.to_text())
        return 0
