"""Training the lite projection: pictures and clips against their sentences.

The backbone runs once (:mod:`iptnet.training.activations`); then the head is fitted in a minute or
two of CPU. It starts as ridge regression to the mean sentence, goes on with the contrast of
:mod:`iptnet.losses.contrastive`, and is kept as the moving average of its weights. Interrupted
training goes on with the activations it finds; the same configuration gives the same head.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from iptnet.atomic import write_text
from iptnet.evaluation.retrieval import Retrieval, retrieval
from iptnet.features.lite_recipe import ProjectionShape
from iptnet.features.projection import Projection, save_projection
from iptnet.losses.contrastive import caption_contrast
from iptnet.training.activations import split
from iptnet.training.classes import class_vectors
from iptnet.training.compiler import import_compiler
from iptnet.training.pairs import read_class_names
from iptnet.training.pictures import Clips, OnProgress, Pictures, load_clips, load_pictures
from iptnet.training.projection_config import ProjectionConfig, load_config

__all__ = ["ProjectionConfig", "load_config", "train_projection"]

CHECKPOINT = "projection.safetensors"


def train_projection(config: ProjectionConfig, out: Path, on_progress: OnProgress) -> Path:
    """Train, and write ``out/projection.safetensors`` and ``out/validation.json``.

    Args:
        config: what to do.
        out: run folder; ``out/activations`` is reused when it is there.
        on_progress: called with a stage, the steps done and the steps in all.

    Returns:
        The checkpoint's path.

    Raises:
        InputError: data missing or unreadable.
        MachineError: ``out`` cannot be written.
    """
    root, cache = Path(config.data), Path(out) / "activations"
    names = read_class_names(root / config.class_names)
    pictures = load_pictures(
        root / config.pictures,
        root / config.picture_captions,
        cache,
        sizes=(config.test, config.validation),
        views=config.views,
        on_progress=on_progress,
    )
    clips = None
    if config.clips:
        clips = load_clips(
            root / config.clips,
            root / config.clip_captions,
            cache,
            frames=config.frames,
            on_progress=on_progress,
        )
    torch.manual_seed(config.seed)
    head = Projection(
        ProjectionShape(config.hidden, config.evidence, config.input_dropout, config.hidden_dropout)
    )
    head.class_vectors.copy_(class_vectors(names, config.everyday))
    start_from_ridge(head, pictures, config.ridge)
    head = fit(head, pictures, clips, config, on_progress)
    set_centres(head, pictures, clips)
    # Measured as it ships: in half precision.
    head.half().float()
    measured = asdict(measure(head, pictures, pictures.validation))
    write_text(Path(out) / "validation.json", json.dumps(measured, indent=1))
    provenance: Mapping[str, Any] = {
        # Where the data lay is nobody's business but the trainer's.
        "config": {k: v for k, v in asdict(config).items() if k != "data"},
        "trained on": {
            "pictures": len(pictures.train),
            "clips": 0 if clips is None else int((~clips.held).sum()),
        },
        "validation": measured,
    }
    path = Path(out) / CHECKPOINT
    save_projection(path, head, provenance)
    return path


def start_from_ridge(head: Projection, pictures: Pictures, penalty: float) -> None:
    """Set the standardisation, the linear map to the ridge solution, the perceptron to nothing."""
    train = pictures.train
    plain, _ = split(pictures.plain[train.start :])
    sentences = pictures.sentences[train.start :].mean(dim=1)
    with torch.no_grad():
        head.mean.copy_(plain.mean(dim=0))
        head.scale.copy_(1 / (plain.std(dim=0) + 1e-4))
        inputs = torch.cat(
            [(split(v)[0] - head.mean) * head.scale for v in (plain, *pictures.views)]
        )
        centre = sentences.mean(dim=0)
        targets = (sentences - centre).repeat(1 + len(pictures.views), 1)
        gram = (inputs.T @ inputs).double()
        gram += penalty * (1 + len(pictures.views)) * torch.eye(len(gram), dtype=gram.dtype)
        solution = torch.linalg.solve(gram, (inputs.T @ targets).double())
        head.linear.weight.copy_(solution.T)
        head.linear.bias.copy_(centre)
        head.caption_centre.copy_(centre)
        last = head.perceptron[-1]
        for parameter in last.parameters():
            parameter.zero_()


def fit(
    head: Projection,
    pictures: Pictures,
    clips: Clips | None,
    config: ProjectionConfig,
    on_progress: OnProgress,
) -> Projection:
    """Contrast; returns the moving average of the head's weights, in evaluation mode."""
    rng = np.random.default_rng(config.seed)
    views = [pictures.plain[pictures.train.start :], *pictures.views]
    sentences = pictures.sentences[pictures.train.start :]
    shown = np.flatnonzero(~clips.held) if clips is not None else np.empty(0, int)
    members = np.concatenate(
        [np.arange(len(sentences)), -1 - np.repeat(shown, config.clip_draws)]
    ).astype(np.int64)
    steps = config.epochs * (len(members) // config.batch)
    rates = [config.linear_rate, config.rate]
    import_compiler()
    optimizer = torch.optim.AdamW(
        [{"params": head.linear.parameters()}, {"params": head.perceptron.parameters()}],
        lr=config.rate,
        weight_decay=config.decay,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=rates, total_steps=steps, pct_start=0.15
    )
    average = copy.deepcopy(head).eval()
    head.train()
    for step in range(steps):
        at = step % (len(members) // config.batch)
        if at == 0:
            rng.shuffle(members)
        rows = members[at * config.batch : (at + 1) * config.batch]
        stored, said = _batch(rows, views, sentences, clips, rng)
        loss = caption_contrast(head(*split(stored)), said, config.temperature, config.softness)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        keep = min(config.average, (2 + step) / (11 + step))
        with torch.no_grad():
            for kept, new in zip(average.parameters(), head.parameters(), strict=True):
                kept.lerp_(new, 1 - keep)
        on_progress("contrast", step + 1, steps)
    return average


def _batch(
    rows: NDArray[np.int64],
    views: list[torch.Tensor],
    sentences: torch.Tensor,
    clips: Clips | None,
    rng: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """One random view of each picture (row ≥ 0) and one random frame of each clip (−1 − clip)."""
    still = torch.from_numpy(rows[rows >= 0])
    view = views[int(rng.integers(len(views)))]
    stored, said = [view[still]], [sentences[still]]
    moving = -1 - rows[rows < 0]
    if clips is not None and len(moving):
        frame = rng.integers(clips.frames.shape[1], size=len(moving))
        stored.append(clips.frames[torch.from_numpy(moving), torch.from_numpy(frame)])
        each = sentences.shape[1]
        said.append(
            torch.stack(
                [
                    clips.sentences[c][rng.integers(len(clips.sentences[c]), size=each)]
                    for c in moving
                ]
            )
        )
    return torch.cat(stored), torch.cat(said)


def set_centres(head: Projection, pictures: Pictures, clips: Clips | None) -> None:
    """Mean output and mean sentence over what was trained on; clips and pictures weigh the same."""
    start = pictures.train.start
    with torch.inference_mode():
        outputs = [head(*split(pictures.plain[start:])).mean(dim=0)]
        said = [pictures.sentences[start:].mean(dim=(0, 1))]
        if clips is not None:
            shown = np.flatnonzero(~clips.held)
            frames = clips.frames[torch.from_numpy(shown)].flatten(0, 1)
            outputs.append(head(*split(frames)).mean(dim=0))
            said.append(torch.stack([clips.sentences[c].mean(dim=0) for c in shown]).mean(dim=0))
        head.picture_centre.copy_(torch.stack(outputs).mean(dim=0))
        head.caption_centre.copy_(torch.stack(said).mean(dim=0))


def measure(head: Projection, pictures: Pictures, rows: range) -> Retrieval:
    """All sentences of some pictures as queries, those pictures as the gallery."""
    at = torch.tensor(rows)
    with torch.inference_mode():
        gallery = head(*split(pictures.plain[at]))
    queries = pictures.sentences[at].flatten(0, 1)
    own = np.repeat(np.arange(len(rows)), pictures.sentences.shape[1])
    return retrieval(queries.numpy(), F.normalize(gallery, dim=1).numpy(), own)
