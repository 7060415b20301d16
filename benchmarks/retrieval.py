"""Text → picture and text → clip retrieval with the lite recipe, on what was never trained on.

    python -m benchmarks.retrieval --data DATA [--run runs/projection] [--projection FILE]

All five sentences of each held-out picture are queries, those pictures the gallery; all distinct
captions of each held-out clip are queries, the mean vectors of those clips' frames the gallery; the
same for the stills that choices were made on. Beside the shipped projection stand the ridge
regression on the published network's activations, with and without class evidence. Also printed:
how far apart the two modalities lie, and what cosine a right pair has. ``--run`` is the training's
folder: what it holds of the maps is not computed again.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from iptnet.features.backbone import EfficientNetLite0, load_backbone
from iptnet.features.projection import Projection, load_projection, network_of
from iptnet.training.captioned import Captioned
from iptnet.training.classes import class_vectors
from iptnet.training.heads import measure, new_head, start_from_ridge, vectors_of
from iptnet.training.pairs import read_class_names
from iptnet.training.pooled import pooled_views
from iptnet.training.projection import load_sources
from iptnet.training.projection_config import ProjectionConfig, load_config

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "projection.yaml"
RUN = Path("runs/projection")
Pooled = list[list]


def progress(stage: str, done: int, total: int | None) -> None:
    """Tell how far a long stage has come."""
    if done % 1000 < 4:
        print(f"{stage}: {done} of {total}", flush=True)


def load(data: Path, run: Path) -> tuple[ProjectionConfig, list[Captioned]]:
    """Read the configuration's sources, plain views only."""
    config = load_config(CONFIG, (data,))
    sources = load_sources(replace(config, views=0), run / "maps", progress)
    return config, sources


def pooled_of(network: EfficientNetLite0, sources: list[Captioned], run: Path) -> Pooled:
    """Pool the plain frames of each source."""
    return [pooled_views(network, s, run / "pooled", progress) for s in sources]


def ridge_heads(
    config: ProjectionConfig, sources: list[Captioned], pooled: Pooled
) -> dict[str, Projection]:
    """Fit the starting point alone, and with class evidence."""
    names = read_class_names(Path(config.data) / config.class_names)
    classes = class_vectors(names, config.everyday)
    heads = {}
    for label, evidence in (("ridge", 0.0), ("ridge + class evidence", config.evidence)):
        head = new_head(replace(config, hidden=1, evidence=evidence), classes)
        start_from_ridge(head, sources, pooled, config.ridge)
        heads[label] = head.eval().requires_grad_(False)
    return heads


def report(
    label: str,
    head: Projection,
    network: EfficientNetLite0,
    sources: list[Captioned],
    pooled: Pooled,
) -> None:
    """Print what one projection reaches."""
    print(label)
    for source, views in zip(sources, pooled, strict=True):
        for part in ("validation", "test"):
            found = measure(head, network, source, views[0], part)
            if found is not None:
                print(f"  {source.name:<9}{part:<11}{found}")
    pictures = sources[0]
    items = pictures.of("test")
    gallery = vectors_of(head, network, pooled[0][0][[pictures.rows[i][0] for i in items]])
    sentences = torch.stack([pictures.sentences[i] for i in items])
    right = (gallery[:, None] * sentences).sum(dim=2).flatten()
    wrong = gallery @ sentences.roll(1, 0)[:, 0].T
    wrong = wrong[~torch.eye(len(wrong), dtype=torch.bool).roll(1, 1)]
    centres = torch.stack([gallery.mean(dim=0), sentences.mean(dim=(0, 1))])
    print(
        f"  cosines of the test pictures: right pairs {right.mean():.3f} ± {right.std():.3f}, "
        f"others {wrong.mean():.3f} ± {wrong.std():.3f}; centres |picture| "
        f"{centres[0].norm():.3f}, |caption| {centres[1].norm():.3f}, cosine "
        f"{torch.cosine_similarity(centres[0], centres[1], dim=0):.3f}, "
        f"gap {(centres[0] - centres[1]).norm():.3f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=RUN)
    parser.add_argument("--projection", type=Path)
    arguments = parser.parse_args()
    config, sources = load(arguments.data, arguments.run)
    published = load_backbone()
    before = pooled_of(published, sources, arguments.run)
    for label, head in ridge_heads(config, sources, before).items():
        report(label, head, published, sources, before)
    head, stored = load_projection(arguments.projection)
    network = network_of(stored)
    pooled = pooled_of(network, sources, arguments.run)
    report("projection", head, network, sources, pooled)


if __name__ == "__main__":
    main()
