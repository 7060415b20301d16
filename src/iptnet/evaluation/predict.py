"""From a summarizer to step scores, and from step scores to the protocol's figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from iptnet.data.benchmark import BenchmarkVideo
from iptnet.errors import InputError
from iptnet.features.recipe import Recipe
from iptnet.model.summarizer import Summarizer
from iptnet.protocol.rules import PROTOCOLS, Labels, Protocol, VideoScore, score_video

Scores = NDArray[np.float32]


def predict(
    summarizer: Summarizer, videos: Mapping[str, BenchmarkVideo], recipe: Recipe
) -> dict[str, Scores]:
    """Importance ``(T,)`` of each video at its picks, as the library serves it.

    Raises:
        IntegrityError: the features are of a recipe that the summarizer was not made for.
    """
    return {name: summarizer.importance(v.features, recipe) for name, v in videos.items()}


def labels_of(name: str, video: BenchmarkVideo) -> Labels:
    """The video's human labels in the protocol's form.

    Raises:
        InputError: it has none.
    """
    try:
        return Labels.of(
            video.picks,
            video.change_points,
            video.n_frames,
            user_summary=video.user_summary,
            user_scores=video.user_scores,
        )
    except ValueError as error:
        raise InputError(f"{name}: {error}", "evaluation needs each user's labels") from error


def protocol_of(dataset: str) -> Protocol:
    """The set's own rules; sets without any are scored like TVSum, by the mean over users."""
    return PROTOCOLS.get(dataset, PROTOCOLS["tvsum"])


def score_predictions(
    predictions: Mapping[str, Scores], labels: Mapping[str, Labels], names: Iterable[str]
) -> list[VideoScore]:
    """Figures of the named videos (``dataset/name``), in order."""
    return [score_video(predictions[n], labels[n], protocol_of(n.partition("/")[0])) for n in names]
