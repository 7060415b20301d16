"""``iptnet train CONFIG.yaml --out RUN``: train, or go on where RUN stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from iptnet.cli.console import Progress, say
from iptnet.errors import UsageError


@dataclass(frozen=True)
class Train:
    """Train a model from a configuration file; run again with the same --out to resume."""

    config: tyro.conf.Positional[Path]
    """YAML file: one published row, or your own."""

    out: Path
    """Run folder; an interrupted run in it goes on."""

    data: tuple[Path, ...] = ()
    """Data files instead of those that the configuration names."""

    def run(self) -> int:
        """Train and say where the result lies."""
        from iptnet.training.arguments import load_arguments, task_of

        task = task_of(self.config)
        with Progress() as progress:
            if task == "summarization":
                from iptnet.training.summarization import train_summarization

                arguments = load_arguments(self.config, overrides=())
                report = train_summarization(
                    arguments, out=self.out, data=list(self.data) or None, on_progress=progress
                )
                results = report.checkpoints
            elif task == "projection":
                from iptnet.training.projection import load_config, train_projection

                results = (
                    train_projection(
                        load_config(self.config, self.data), self.out, on_progress=progress
                    ),
                )
            else:
                raise UsageError(f"{self.config}: unknown task {task!r}", "see configs/")
        for path in results:
            say(str(path))
        return 0
