"""What the scoring of localizers shares: a video's index, and a table as single figures."""

from __future__ import annotations

from iptnet.evaluation.results import Figure
from iptnet.model.localizer import Localizer, VideoIndex
from iptnet.training.moment_examples import Example

RANKED = 10
"""Moments of a list."""

THRESHOLD, PLAIN = "cosine threshold", "plain run"
"""Names of the untrained baselines."""


def index_of(localizer: Localizer, example: Example) -> VideoIndex:
    """The example's video, ready for sentences."""
    middles = (example.video.edges[1:] + example.video.edges[:-1]) / 2
    return VideoIndex(localizer, example.video, middles)


def figures_of(
    dataset: str, setting: str, variant: str, split: str, table: dict[str, float | None]
) -> list[Figure]:
    """A table of metrics as figures of one localizer."""
    return [
        Figure(dataset, setting, variant, split, "0", "last", metric, value)
        for metric, value in table.items()
        if value is not None
    ]
