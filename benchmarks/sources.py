"""What each source of captioned frames brings the projection, and what more of them would.

    python -m benchmarks.sources --data DATA [--run runs/projection]

Heads are fitted as `iptnet train configs/projection.yaml` fits them, on the published network and,
in the last rows, on the tuned one of the run, from some of the sources or from a share of all
items. Each row: text → picture among 1,000 unseen pictures, text → clip among the held-out clips,
text → stills of the clips that choices were made on. The maps of the run are used again.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.retrieval import CONFIG, RUN, progress
from iptnet.features.backbone import load_backbone, with_late_stages
from iptnet.training.captioned import Captioned
from iptnet.training.classes import class_vectors
from iptnet.training.heads import fit, measure, new_head, start_from_ridge
from iptnet.training.pairs import read_class_names
from iptnet.training.pooled import pooled_views
from iptnet.training.projection import load_sources
from iptnet.training.projection_config import load_config
from iptnet.training.tuning import TUNED

ROWS = (
    ("pictures", ("pictures",), 1.0),
    ("pictures, clips", ("pictures", "clips"), 1.0),
    ("pictures, stills", ("pictures", "stills"), 1.0),
    ("all", ("pictures", "stills", "clips"), 1.0),
    ("10 % of all", ("pictures", "stills", "clips"), 0.1),
    ("30 % of all", ("pictures", "stills", "clips"), 0.3),
)


def without(source: Captioned, names: tuple[str, ...]) -> Captioned:
    """The source with nothing to train on, unless it is named."""
    parts = ("left out" if p == "train" else p for p in source.parts)
    return source if source.name in names else replace(source, parts=tuple(parts))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=RUN)
    arguments = parser.parse_args()
    config = load_config(CONFIG, (arguments.data,))
    sources = load_sources(config, arguments.run / "maps", progress)
    classes = class_vectors(read_class_names(arguments.data / config.class_names), config.everyday)
    from iptnet import checkpoint

    published = load_backbone()
    tuned = with_late_stages(published, checkpoint.load(arguments.run / TUNED).tensors)
    print("| network | head trained on | pictures R@1 / 10 | stills R@1 / 10 | clips R@1 / 10 |")
    print("|---|---|---:|---:|---:|")
    for network, folder, label in (
        (published, "published", "published"),
        (tuned, "tuned", "tuned"),
    ):
        pooled = [pooled_views(network, s, arguments.run / folder, progress) for s in sources]
        for row, names, share in ROWS:
            own = [without(s, names) for s in sources]
            torch.manual_seed(config.seed)
            head = new_head(config, classes)
            start_from_ridge(head, own, pooled, config.ridge)
            head = fit(
                head,
                network,
                own,
                pooled,
                replace(config, share=share),
                on_progress=lambda done, total: None,
            )
            cells = []
            for name, part in (("pictures", "test"), ("stills", "validation"), ("clips", "test")):
                at = next(i for i, s in enumerate(sources) if s.name == name)
                found = measure(head, network, sources[at], pooled[at][0], part)
                assert found is not None
                cells.append(f"{found.r1:.1f} / {found.r10:.1f}")
            print(f"| {label} | {row} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
