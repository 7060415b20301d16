"""Text → picture and text → clip retrieval with the lite recipe, on what was never trained on.

    python -m benchmarks.retrieval --data DATA [--split test] [--projection FILE]

All five sentences of each held-out picture are queries, those pictures the gallery; all distinct
captions of each held-out clip are queries, the mean vectors of those clips the gallery. Beside the
shipped projection stand the ridge regression that it starts from, with and without class evidence.
Also printed: how far apart the two modalities lie, and what cosine a right pair has.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from iptnet.evaluation.retrieval import retrieval
from iptnet.features.projection import Projection, ProjectionShape, load_projection
from iptnet.training.activations import split
from iptnet.training.classes import class_vectors
from iptnet.training.pairs import read_class_names
from iptnet.training.pictures import Clips, Pictures, load_clips, load_pictures
from iptnet.training.projection import ProjectionConfig, load_config, start_from_ridge

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "projection.yaml"


def load(data: Path, cache: Path) -> tuple[ProjectionConfig, Pictures, Clips]:
    """The configuration's pictures and clips; activations come from ``cache`` where they exist."""
    config = load_config(CONFIG, (data,))

    def progress(stage: str, done: int, total: int | None) -> None:
        if done % 500 == 0:
            print(f"{stage}: {done} of {total}", flush=True)

    pictures = load_pictures(
        data / config.pictures,
        data / config.picture_captions,
        cache,
        sizes=(config.test, config.validation),
        views=config.views,
        on_progress=progress,
    )
    clips = load_clips(
        data / config.clips,
        data / config.clip_captions,
        cache,
        frames=config.frames,
        on_progress=progress,
    )
    return config, pictures, clips


def ridge_heads(config: ProjectionConfig, pictures: Pictures) -> dict[str, Projection]:
    """The starting point alone, and with class evidence."""
    names = read_class_names(Path(config.data) / config.class_names)
    heads = {}
    for label, evidence in (("ridge", 0.0), ("ridge + class evidence", config.evidence)):
        head = Projection(ProjectionShape(hidden=1, evidence=evidence))
        head.class_vectors.copy_(class_vectors(names, config.everyday))
        start_from_ridge(head, pictures, config.ridge)
        heads[label] = head.eval().requires_grad_(False)
    return heads


def clip_vectors(head: Projection, clips: Clips, rows: np.ndarray) -> torch.Tensor:
    """Mean frame vector of some clips, length one."""
    with torch.inference_mode():
        frames = clips.frames[torch.from_numpy(rows)]
        vectors = head(*split(frames.flatten(0, 1))).reshape(len(rows), frames.shape[1], -1)
        return F.normalize(vectors.mean(dim=1), dim=1)


def report(label: str, head: Projection, pictures: Pictures, clips: Clips, rows: range) -> None:
    """Print what one head reaches."""
    at = torch.tensor(rows)
    with torch.inference_mode():
        gallery = head(*split(pictures.plain[at]))
    sentences = pictures.sentences[at]
    own = np.repeat(np.arange(len(rows)), sentences.shape[1])
    found = retrieval(sentences.flatten(0, 1).numpy(), gallery.numpy(), own)
    print(f"{label}\n  pictures  {found}")
    held = np.flatnonzero(clips.held)
    moving = clip_vectors(head, clips, held)
    queries = torch.cat([clips.sentences[c] for c in held])
    owner = np.repeat(np.arange(len(held)), [len(clips.sentences[c]) for c in held])
    print(f"  clips     {retrieval(queries.numpy(), moving.numpy(), owner)}")
    right = (gallery[:, None] * sentences).sum(dim=2).flatten()
    wrong = gallery @ sentences.roll(1, 0)[:, 0].T
    wrong = wrong[~torch.eye(len(wrong), dtype=torch.bool).roll(1, 1)]
    centres = torch.stack([gallery.mean(dim=0), sentences.mean(dim=(0, 1))])
    print(
        f"  cosines   right pairs {right.mean():.3f} ± {right.std():.3f}, others "
        f"{wrong.mean():.3f} ± {wrong.std():.3f}; centres |picture| {centres[0].norm():.3f}, "
        f"|caption| {centres[1].norm():.3f}, cosine {F.cosine_similarity(*centres, dim=0):.3f}, "
        f"gap {(centres[0] - centres[1]).norm():.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/projection/activations"))
    parser.add_argument("--projection", type=Path)
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    arguments = parser.parse_args()
    config, pictures, clips = load(arguments.data, arguments.cache)
    rows = pictures.test if arguments.split == "test" else pictures.validation
    heads = ridge_heads(config, pictures)
    heads["projection"] = load_projection(arguments.projection)[0]
    for label, head in heads.items():
        report(label, head, pictures, clips, rows)


if __name__ == "__main__":
    main()
