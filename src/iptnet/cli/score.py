"""``iptnet score PREDICTIONS GROUND_TRUTH``: metrics from files, no model."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from iptnet.cli.console import say, say_warning


@dataclass(frozen=True)
class Score:
    """Score predicted moments and highlights against a ground truth file, without any model."""

    predictions: tyro.conf.Positional[Path]
    """JSONL as QVHighlights has it, or lines `video start end [score]##sentence`."""

    ground_truth: tyro.conf.Positional[Path]
    """QVHighlights JSONL, Charades-STA text or a CSV video,start,end,sentence; plain or gzip."""

    allow_partial: bool = False
    """Score the queries that both files have, and say how many are left out."""

    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> int:
        """Print the metrics under the names of the community's tables."""
        from iptnet.evaluation.score_moments import score_moments

        scores = score_moments(
            self.predictions, self.ground_truth, allow_partial=self.allow_partial
        )
        if scores.missing or scores.unknown:
            say_warning(
                f"{scores.missing} queries without a prediction and {scores.unknown} predictions "
                "without a query are left out: not comparable with a full table"
            )
        for warning in scores.warnings:
            say_warning(warning)
        if self.json:
            say(json.dumps(asdict(scores), indent=1))
            return 0
        width = max(len(name) for name in scores.metrics)
        for name, value in scores.metrics.items():
            say(f"{name:<{width}}  {'-' if value is None else format(value, '6.2f')}")
        say(f"over {scores.queries} queries")
        return 0
