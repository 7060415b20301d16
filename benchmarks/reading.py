"""Which reading of PM's map serves a summary: τ on the validation videos of a run folder.

    python -m benchmarks.reading RUN SUMME.h5 TVSUM.h5

RUN is a run folder of summarizers trained alone with ``setting: validated``. Each is read as it is,
and through several readings of the propagation; the mean gain in τ is printed per dataset, with its
standard error over runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from iptnet.model.propagation import Propagation, PropagationConfig
from iptnet.model.summarizer import Summarizer, load_summarizer, reading
from iptnet.training.samples import Library, load_library
from iptnet.training.summarization import LAST, agreement


def literal(width: int, divisor: str, decay: str) -> Propagation:
    """Algorithm 1 without Γ, on the map in (0, 1)."""
    config = PropagationConfig(width, gamma="none", divisor=divisor, decay=decay)  # type: ignore[arg-type]
    return _OnSigmoids(config)


class _OnSigmoids(Propagation):
    def forward(
        self, importance: torch.Tensor, hidden: torch.Tensor, mask: torch.Tensor, step: float
    ) -> torch.Tensor:
        return super().forward(importance.sigmoid(), hidden, mask, step)


READINGS: dict[str, Callable[[int], Propagation]] = {
    "similarity, 2.5 s": lambda width: reading(width, 2.5),
    "similarity, 5 s": lambda width: reading(width, 5.0),
    "similarity, 10 s": lambda width: reading(width, 10.0),
    "similarity, 20 s": lambda width: reading(width, 20.0),
    "similarity, 5 s, with decay": lambda width: literal(width, "similarity", "density"),
    "window, 5 s": lambda width: literal(width, "window", "none"),
    "window, 5 s, with decay (the letter)": lambda width: literal(width, "window", "density"),
}


def measured(summarizer: Summarizer, library: Library) -> dict[str, float]:
    """τ on the validation videos, per reading; ``""`` is the map as it is."""
    names = summarizer.checkpoint.provenance["validation"]
    found = {}
    for name, made in {"": None, **READINGS}.items():
        summarizer.propagation = made(summarizer.module.config.width) if made else None
        found[name] = agreement(summarizer, library, names)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    given = parser.parse_args()
    library = load_library(given.data)
    rows: dict[str, list[dict[str, float]]] = {}
    for path in sorted(given.run.glob(f"*/split-*/seed-*/{LAST}")):
        found = measured(load_summarizer(path), library)
        rows.setdefault(path.parts[-4], []).append(found)
    for dataset, own in rows.items():
        print(f"{dataset}: τ as it is {statistics.fmean(r[''] for r in own):.4f}, {len(own)} runs")
        for name in READINGS:
            gains = [r[name] - r[""] for r in own]
            error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
            print(f"  {name:38} {statistics.fmean(gains):+.4f} ± {error:.4f}")


if __name__ == "__main__":
    main()
