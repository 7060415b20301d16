"""``iptnet train CONFIG.yaml --out RUN``: train, or go on where RUN stopped."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Data instead of what the configuration names: h5 files for a summarizer (the shipped one also
    takes a folder of rated videos), a folder for a localizer or the projection, both for the joint
    model."""

    def run(self) -> int:
        """Train and say where the result lies."""
        from iptnet.training.arguments import load_arguments, task_of

        task = task_of(self.config)
        results: Sequence[Path]
        if task == "iptnet":
            return self._jointly()
        with Progress() as progress:
            if task == "summarization":
                from iptnet.training.summarization import train_summarization

                arguments = load_arguments(self.config, overrides=())
                results = train_summarization(
                    arguments, out=self.out, data=list(self.data) or None, on_progress=progress
                ).checkpoints
            elif task == "localization":
                from iptnet.training.localization import load_localization, train_localization

                results = train_localization(
                    load_localization(self.config, self.data), out=self.out, on_progress=progress
                ).checkpoints
            elif task == "projection":
                from iptnet.training.projection import load_config, train_projection

                config = load_config(self.config, self.data)
                results = [train_projection(config, self.out, on_progress=progress)]
            else:
                raise UsageError(f"{self.config}: unknown task {task!r}", "see configs/")
        for path in results:
            say(str(path))
        return 0

    def _jointly(self) -> int:
        from iptnet.cli.training_table import TrainingTable
        from iptnet.training.joint import train_joint
        from iptnet.training.joint_arguments import load_joint

        with TrainingTable() as table:
            report = train_joint(
                load_joint(self.config, self.data),
                out=self.out,
                data=[p for p in self.data if not p.is_dir()],
                on_progress=table.told,
                on_row=table.row,
            )
        for path in report.checkpoints:
            say(str(path))
        return 0
