"""The projection's head: started from ridge regression, fitted by contrast, measured.

Everything here reads pooled activations of a frozen network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from iptnet.evaluation.retrieval import Retrieval, retrieval
from iptnet.features.backbone import EfficientNetLite0
from iptnet.features.lite_recipe import WIDTH, ProjectionShape
from iptnet.features.projection import Projection
from iptnet.losses.contrastive import caption_contrast
from iptnet.training.captioned import Captioned
from iptnet.training.clip_folds import fold_of
from iptnet.training.contrast import averaged, batches, epoch_of, members, optimisation
from iptnet.training.projection_config import ProjectionConfig

ROWS_AT_ONCE = 2048


def new_head(config: ProjectionConfig, classes: torch.Tensor) -> Projection:
    """Make a head with the vectors of the class names, otherwise freshly drawn."""
    head = Projection(
        ProjectionShape(config.hidden, config.evidence, config.input_dropout, config.hidden_dropout)
    )
    head.class_vectors.copy_(classes)
    return head


def start_from_ridge(
    head: Projection,
    sources: Sequence[Captioned],
    pooled: Sequence[Sequence[NDArray[np.float16]]],
    penalty: float,
) -> None:
    """Set the standardisation and the linear map to the ridge solution, the perceptron to nothing.

    Args:
        head: changed in place.
        sources: whose training pictures are regressed on their mean sentence.
        pooled: (R, 1504) of each source and view.
        penalty: of the squared weights, for each row of the regression's plain view of pictures.
    """
    inputs, targets = [], []
    for source, views in zip(sources, pooled, strict=True):
        for item in source.of("train"):
            rows = list(source.rows[item])[:: max(1, len(source.rows[item]) // 3)]
            mean = source.sentences[item].mean(dim=0)
            for view in views:
                inputs.append(np.asarray(view[rows]))
                targets.append(mean.expand(len(rows), -1))
    x, y = torch.from_numpy(np.concatenate(inputs)).float(), torch.cat(targets)
    scaled = penalty * len(x) / max(len(sources[0].of("train")), 1)
    with torch.no_grad():
        head.mean.copy_(x.mean(dim=0))
        head.scale.copy_(1 / (x.std(dim=0) + 1e-4))
        x = (x - head.mean) * head.scale
        centre = y.mean(dim=0)
        gram = (x.T @ x).double() + scaled * torch.eye(x.shape[1], dtype=torch.float64)
        solution = torch.linalg.solve(gram, (x.T @ (y - centre)).double())
        head.linear.weight.copy_(solution.T)
        head.linear.bias.copy_(centre)
        head.caption_centre.copy_(centre)
        for parameter in head.perceptron[-1].parameters():
            parameter.zero_()


def fit(
    head: Projection,
    backbone: EfficientNetLite0,
    sources: Sequence[Captioned],
    pooled: Sequence[Sequence[NDArray[np.float16]]],
    config: ProjectionConfig,
    *,
    on_progress: Callable[[int, int], None],
    without: int | None = None,
) -> Projection:
    """Contrast with a frozen network; returns the moving average, in evaluation mode.

    Args:
        head: where it starts from.
        backbone: whose classifier gives the class evidence.
        sources, pooled: see :func:`start_from_ridge`.
        config: epochs, rates, loss.
        on_progress: called with steps done and in all.
        without: fold whose clips are left out.
    """
    draws = {"pictures": 1, "stills": config.still_draws, "clips": config.clip_draws}
    pairs = members(sources, [draws[s.name] for s in sources], config.share)
    if without is not None:
        clips = next(s for s, source in enumerate(sources) if source.name == "clips")
        left = [
            s != clips or fold_of(sources[s].items[i], config.folds) != without for s, i in pairs
        ]
        pairs = pairs[np.array(left)]
    size = min(config.batch, len(pairs))
    steps = config.epochs * (len(pairs) // size)
    optimiser, schedule = optimisation(
        [
            (list(head.linear.parameters()), config.linear_rate),
            (list(head.perceptron.parameters()), config.rate),
        ],
        config.decay,
        steps,
    )
    average = {n: p.detach().clone() for n, p in head.named_parameters()}
    head.train()
    done = 0
    for epoch in range(config.epochs):
        done = epoch_of(
            head,
            average,
            (optimiser, schedule),
            batches(sources, pooled, pairs, size, (config.seed, epoch)),
            lambda batch: caption_contrast(
                head(batch.inputs, backbone.classifier(batch.inputs[:, :WIDTH])),
                batch.sentences,
                config.temperature,
                config.softness,
            ),
            keep=config.average,
            start=done,
            on_step=lambda step, loss: on_progress(step, steps),
        )
    found = averaged(head, average)
    assert isinstance(found, Projection)
    return found


def set_centres(
    head: Projection,
    backbone: EfficientNetLite0,
    sources: Sequence[Captioned],
    pooled: Sequence[Sequence[NDArray[np.float16]]],
) -> None:
    """Set the mean output and mean sentence of what was trained on; each source weighs alike."""
    seen, said = [], []
    for source, views in zip(sources, pooled, strict=True):
        items = source.of("train")
        rows = [r for i in items for r in source.rows[i]]
        seen.append(vectors_of(head, backbone, views[0][rows]).mean(dim=0))
        said.append(torch.stack([source.sentences[i].mean(dim=0) for i in items]).mean(dim=0))
    head.picture_centre.copy_(torch.stack(seen).mean(dim=0))
    head.caption_centre.copy_(torch.stack(said).mean(dim=0))


def vectors_of(
    head: Projection, backbone: EfficientNetLite0, pooled: NDArray[np.float16]
) -> torch.Tensor:
    """Map pooled activations (N, 1504) to frame vectors (N, 256) of length one."""
    with torch.inference_mode():
        x = torch.from_numpy(np.array(pooled)).float()
        return torch.cat(
            [
                head(part, backbone.classifier(part[:, :WIDTH]))
                for part in torch.split(x, ROWS_AT_ONCE)
            ]
        ).clone()


def measure(
    head: Projection,
    backbone: EfficientNetLite0,
    source: Captioned,
    pooled: NDArray[np.float16],
    part: str,
) -> Retrieval | None:
    """Rank the items of a part for each of their sentences; None where the part is empty."""
    items = source.of(part)
    if not items:
        return None
    vectors = vectors_of(head, backbone, pooled)
    gallery = torch.stack([vectors[list(source.rows[i])].mean(dim=0) for i in items])
    queries = torch.cat([source.sentences[i] for i in items])
    own = np.repeat(np.arange(len(items)), [len(source.sentences[i]) for i in items])
    return retrieval(queries.numpy(), F.normalize(gallery, dim=1).numpy(), own)
