"""``iptnet features VIDEO… --out FILE.h5``: features in the benchmark layout, with recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from iptnet.cli.console import Progress, printable, say, say_warning
from iptnet.cli.inputs import for_each
from iptnet.errors import UsageError

if TYPE_CHECKING:
    from iptnet.data.record import BenchmarkVideo


@dataclass(frozen=True)
class FeaturesCommand:
    """Extract features of videos into one h5 file in the benchmark layout, with their recipe."""

    videos: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="VIDEO...")]
    """Video files."""

    out: Path
    """The h5 file to write."""

    encoder: Literal["lite", "googlenet-pool5"] = "lite"
    """How frames become vectors."""

    weights: Path | None = None
    """Weights of googlenet-pool5 (a local safetensors file)."""

    no_cache: bool = False
    """Neither read nor write the feature cache."""

    def run(self) -> int:
        """Extract, then write the file once, whole."""
        if not self.videos:
            raise UsageError("no video given", "iptnet features VIDEO… --out FILE.h5")
        from iptnet.api import load
        from iptnet.atomic import require_file
        from iptnet.data.write import write_benchmark

        require_file(self.out)
        model = load(encoder=self.encoder, weights=self.weights, cache=not self.no_cache)
        rows: list[BenchmarkVideo] = []

        def work(video: Path) -> None:
            with Progress(video.name) as progress:
                encoded = model.encode(video, on_progress=progress)
            for warning in encoded.warnings:
                say_warning(f"{video.name}: {warning}")
            rows.append(encoded.to_benchmark(f"video_{len(rows) + 1}"))

        code = for_each(self.videos, work)
        if rows:
            write_benchmark(self.out, rows, model.encoder.recipe)
            say(f"{len(rows)} of {len(self.videos)} videos -> {printable(self.out)}")
        return code
