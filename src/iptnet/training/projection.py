"""Training the lite projection: pictures, stills and clips against their sentences.

Three stages, each resumed where it stopped:

1. **Tuning.** The network's late stages learn to see what sentences speak of, with a head beside
   them, on pictures and stills; the published network's class probabilities are held to. The early
   stages stay as published, so their maps are computed once (:mod:`iptnet.training.activations`).
2. **Heads.** The tuned network is frozen. The head that ships starts as ridge regression to the
   mean sentence and goes on with the contrast of :mod:`iptnet.losses.contrastive`, on clips too.
3. **Folds.** Further heads each miss a part of the clips. ``clips.npz`` holds every training clip's
   vectors from the head that never saw it: what localization may honestly learn and calibrate on.

What is kept is the moving average of the weights. The same configuration gives the same files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from iptnet import checkpoint
from iptnet.atomic import write_text
from iptnet.features.backbone import load_backbone
from iptnet.features.projection import Projection, save_projection
from iptnet.training.captioned import (
    Captioned,
    OnProgress,
    load_clips,
    load_pictures,
    load_stills,
)
from iptnet.training.classes import class_vectors
from iptnet.training.clip_folds import write_clip_vectors
from iptnet.training.heads import fit, measure, new_head, set_centres, start_from_ridge
from iptnet.training.pairs import read_class_names
from iptnet.training.pooled import pooled_views
from iptnet.training.projection_config import ProjectionConfig, load_config
from iptnet.training.tuning import tune

__all__ = ["ProjectionConfig", "load_config", "load_sources", "train_projection"]

CHECKPOINT = "projection.safetensors"
CLIP_VECTORS = "clips.npz"


def train_projection(config: ProjectionConfig, out: Path, on_progress: OnProgress) -> Path:
    """Train, and write ``projection.safetensors``, ``clips.npz`` and ``validation.json``.

    Args:
        config: what to do.
        out: run folder; what an interrupted run left in it is gone on with.
        on_progress: called with a stage, the steps done and the steps in all.

    Returns:
        The checkpoint's path.

    Raises:
        InputError: data missing or unreadable.
        IntegrityError: what lies in ``out`` is of another configuration.
        MachineError: ``out`` cannot be written.
    """
    out = Path(out)
    sources = load_sources(config, out / "maps", on_progress)
    classes = class_vectors(
        read_class_names(Path(config.data) / config.class_names), config.everyday
    )
    published = load_backbone()
    backbone = published
    stills = [s for s in sources if s.name != "clips"]
    if config.tuning_epochs:
        before = [pooled_views(published, s, out / "published", on_progress) for s in stills]
        backbone = tune(
            published, stills, before, classes, config=config, out=out, on_progress=on_progress
        )
    pooled = [pooled_views(backbone, s, out / "tuned", on_progress) for s in sources]

    def fitted(stage: str, without: int | None) -> Projection:
        torch.manual_seed(config.seed)
        head = new_head(config, classes)
        start_from_ridge(head, sources, pooled, config.ridge)
        return fit(
            head,
            backbone,
            sources,
            pooled,
            config,
            on_progress=lambda done, total: on_progress(stage, done, total),
            without=without,
        )

    head = fitted("head", None)
    set_centres(head, backbone, sources, pooled)
    # Measured as it ships: in half precision.
    head.half().float()
    measured = {
        source.name: asdict(found)
        for source, inputs in zip(sources, pooled, strict=True)
        if (found := measure(head, backbone, source, inputs[0], "validation")) is not None
    }
    write_text(out / "validation.json", json.dumps(measured, indent=1))
    provenance: Mapping[str, Any] = {
        # Where the data lay is nobody's business but the trainer's.
        "config": {k: v for k, v in asdict(config).items() if k != "data"},
        "trained on": {s.name: len(s.of("train")) for s in sources},
        "validation": measured,
    }
    path = out / CHECKPOINT
    save_projection(path, head, backbone if config.tuning_epochs else None, provenance)
    if config.folds and config.clips:
        kept = []
        for fold in range(config.folds):
            own = out / f"fold-{fold}.safetensors"
            if not own.is_file() or checkpoint.load(own).provenance.get("of") != _digest(path):
                one = fitted(f"head without clips of fold {fold}", fold)
                set_centres(one, backbone, sources, pooled)
                note = {"of": _digest(path), "without fold": fold}
                save_projection(own, one, backbone if config.tuning_epochs else None, note)
            kept.append(own)
        root = Path(config.data)
        write_clip_vectors(
            out / CLIP_VECTORS, root / config.clips, root / config.clip_captions, kept, on_progress
        )
    return path


def load_sources(config: ProjectionConfig, cache: Path, on_progress: OnProgress) -> list[Captioned]:
    """Read what the configuration names, in the order pictures, stills, clips."""
    root = Path(config.data)
    sources = [
        load_pictures(
            root / config.pictures,
            root / config.picture_captions,
            cache,
            sizes=(config.test, config.validation),
            views=config.views,
            on_progress=on_progress,
        )
    ]
    if config.stills:
        sources.append(
            load_stills(
                root / config.stills,
                root / config.still_captions,
                cache,
                views=config.views,
                on_progress=on_progress,
            )
        )
    if config.clips:
        sources.append(
            load_clips(
                root / config.clips,
                root / config.clip_captions,
                cache,
                frames=config.frames,
                views=config.views,
                on_progress=on_progress,
            )
        )
    return sources


def _digest(path: Path) -> str:
    return checkpoint.load(path).digest
