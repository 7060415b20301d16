"""Fit the importance on pictures to what people marked, and tell its worth on videos left out.

Ridge regression of five inputs (:data:`iptnet.model.pictures.INPUTS`) on the mean of the raters'
ranks: a thousand marks on ten videos choose five weights, no more. Every video counts alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.checkpoint import Checkpoint
from iptnet.data.rated import RatedVideo, load_rated, per_segment
from iptnet.errors import UsageError
from iptnet.features.cache import FeatureCache, Features, content_sha256
from iptnet.features.encoders import Encoder, load_encoder
from iptnet.features.extract import METADATA, extract
from iptnet.features.text import TextEncoder
from iptnet.model.pictures import PictureReading, inputs
from iptnet.model.summarizer import Summarizer
from iptnet.protocol.correlation import rank_correlation
from iptnet.training.targets import user_ranks

OnProgress = Callable[[str, int, int | None], None]
RECIPE = "lite"
SUBJECTS = ("a man", "a woman", "people", "a person", "a face", "an animal", "a dog")
SCENERY = (
    "a landscape",
    "the sky",
    "grass and trees",
    "water",
    "an empty road",
    "an empty room",
)
"""What someone is, and what is left where nobody is: their mean vectors' difference points from one
to the other in the space that pictures share with sentences."""


@dataclass(frozen=True, eq=False)
class RatedSample:
    """A rated video, seen.

    Attributes:
        video: the film and its marks.
        features: vectors and cues of its pictures.
        rows: ``(S, len(INPUTS))`` inputs, means of each segment.
    """

    video: RatedVideo
    features: Features
    rows: NDArray[np.float64]

    @property
    def target(self) -> NDArray[np.float64]:
        """``(S,)`` mean of the raters' ranks, zero mean and unit variance."""
        ranks = user_ranks(self.video.marks.astype(np.float32)).astype(np.float64)
        spread = float(ranks.std())
        centred: NDArray[np.float64] = (ranks - ranks.mean()) / (spread if spread > 0 else 1.0)
        return centred


def seen(
    video: RatedVideo,
    encoder: Encoder,
    cache: FeatureCache | None,
    on_progress: OnProgress | None = None,
) -> Features:
    """Features of a rated video, from the cache where it has them."""
    digest = content_sha256(video.path)
    found = cache.get(digest, encoder.recipe) if cache else None
    if found is None or found.metadata.get("version") != METADATA:
        found = extract(video.path, digest, encoder, on_progress=on_progress)
        if cache and not found.metadata["warnings"]:
            cache.put(digest, found)
    return found


def subject() -> NDArray[np.float32]:
    """The direction from scenery to subjects, ``(D,)``."""
    encoder = TextEncoder()
    towards, away = (encoder.encode(words).mean(axis=0) for words in (SUBJECTS, SCENERY))
    direction: NDArray[np.float32] = (towards - away).astype(np.float32)
    return direction


def sample(
    video: RatedVideo, features: Features, summarizer: Summarizer, direction: NDArray[np.float32]
) -> RatedSample:
    """What the fit needs of one video."""
    vectors = features.vectors.astype(np.float32)
    map_ = summarizer.scores(vectors)
    steps = inputs(map_, vectors, direction, features.metadata["cues"])
    rows = per_segment(features.times, steps, video.marks.shape[1])
    return RatedSample(video, features, rows)


def fit(samples: Sequence[RatedSample], strength: float) -> NDArray[np.float32]:
    """Weights ``(K,)`` of the inputs.

    Args:
        samples: one video at least.
        strength: of the ridge, relative to one video's unit variance.
    """
    width = samples[0].rows.shape[1]
    gram, moment = np.zeros((width, width)), np.zeros(width)
    for one in samples:
        gram += one.rows.T @ one.rows / len(one.rows)
        moment += one.rows.T @ one.target / len(one.rows)
    gram += strength * len(samples) * np.eye(width)
    return np.linalg.solve(gram, moment).astype(np.float32)


def left_out(samples: Sequence[RatedSample], strength: float) -> dict[str, float]:
    """τ with the raters on each video, of weights fitted on the others."""
    found = {}
    for k, one in enumerate(samples):
        weights = fit([*samples[:k], *samples[k + 1 :]], strength)
        found[one.video.name] = rank_correlation(one.rows @ weights, one.video.marks).tau
    return found


def with_pictures(
    summarizer: Summarizer,
    folder: Path,
    strength: float,
    cache: FeatureCache | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Checkpoint, str]:
    """A summarizer's checkpoint with its reading on pictures, and a line that says its worth.

    The provenance gains the names of the videos and τ on each of them when it is left out.

    Args:
        summarizer: one that accepts the ``lite`` recipe.
        folder: of rated videos; two at least.
        strength: of the ridge.
        cache: where features are kept.
        on_progress: told of the videos done.

    Raises:
        InputError: the folder is not what it should be, or a film cannot be read.
        UsageError: a single video, or a summarizer of another recipe.
    """
    videos = load_rated(folder)
    if len(videos) < 2:
        raise UsageError(f"{folder} holds one rated video", "rate two at least")
    encoder, direction = load_encoder(RECIPE), subject()
    if encoder.recipe not in summarizer.recipes:
        raise UsageError("the summarizer does not accept the recipe lite", "add it to accepts:")
    samples, total = [], hashlib.sha256()
    for k, video in enumerate(videos, start=1):
        features = seen(video, encoder, cache)
        samples.append(sample(video, features, summarizer, direction))
        total.update(video.name.encode() + video.marks.tobytes() + features.vectors.tobytes())
        if on_progress:
            on_progress("rated videos", k, len(videos))
    taus = left_out(samples, strength)
    about = {
        "videos": [video.name for video in videos],
        "sha256": total.hexdigest(),
        "strength": strength,
        "left_out_tau": {name: round(tau, 4) for name, tau in taus.items()},
    }
    stored = summarizer.checkpoint
    made = replace(
        stored,
        config={**stored.config, "pictures": True},
        tensors={
            **summarizer.module.state_dict(),
            **PictureReading(fit(samples, strength), direction).tensors(),
        },
        provenance={**stored.provenance, "pictures": about},
    )
    values = list(taus.values())
    return made, f"τ {np.mean(values):.3f} ± {np.std(values):.3f} on {len(values)} videos left out"
