"""Importance where pictures are at hand: SM's map and four cues, weighed by what people marked.

An extension of the paper's SM. SM learns from captions, and two things keep what it learned from
holding on pixels (docs/summarization.md, "Importance on pixels"): two thirds of a picture's vector
are not what its caption says, and captions say neither how much moves nor how sharp it is. So where
the cues of the picture come along, the score of a step is a weighted sum of

    SM's map, novelty, change of the picture, its sharpness, and subject against scenery,

each brought to zero mean and unit variance within the video. The five weights are fitted on videos
whose parts people marked (:mod:`iptnet.training.rated`). Without cues, SM's map stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.nn.functional import normalize

from iptnet.errors import InputError, IntegrityError
from iptnet.model.context import SMALL, blur, novelty

MEASURED = ("change", "sharpness")
"""Cues that come from :mod:`iptnet.features.cues`; both are read by their logarithm."""
INPUTS = ("map", "novelty", *MEASURED, "subject")
"""What is weighed, in the order of the weights."""
SMOOTHED = 1
"""Steps to either side over which the four are blurred; SM's map is smooth already."""
ROUNDING = 1e-6
"""Spread below which an input is still and its differences are those of rounding."""
WEIGHTS, SUBJECT = "pictures.weights", "pictures.subject"
"""Names of the tensors in a checkpoint."""


@dataclass(frozen=True, eq=False)
class PictureReading:
    """Weights of the inputs, and the direction of a picture's subject.

    Attributes:
        weights: ``(len(INPUTS),)`` float32.
        subject: ``(D,)`` float32; a step's vector times it is high where someone is seen and low
            where nothing but scenery is.
    """

    weights: NDArray[np.float32]
    subject: NDArray[np.float32]

    def scores(
        self,
        importance: NDArray[np.float64],
        features: NDArray[np.float32],
        cues: Mapping[str, ArrayLike],
    ) -> NDArray[np.float64]:
        """Scores of every step, on no particular scale.

        Args:
            importance: ``(T,)`` SM's map before it is displayed.
            features: ``(T, D)``, two a second.
            cues: ``(T,)`` of each name in :data:`MEASURED`; others are ignored.

        Returns:
            ``(T,)`` float64.

        Raises:
            InputError: cues are missing, of another length, or not finite.
        """
        rows = inputs(importance, features, self.subject, cues)
        total: NDArray[np.float64] = rows @ self.weights.astype(np.float64)
        return total

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """What a checkpoint keeps."""
        return {WEIGHTS: self.weights, SUBJECT: self.subject}


def inputs(
    importance: ArrayLike,
    features: NDArray[np.float32],
    subject: NDArray[np.float32],
    cues: Mapping[str, ArrayLike],
) -> NDArray[np.float64]:
    """What is weighed: ``(T, len(INPUTS))``, zero mean and unit variance within the video.

    Raises:
        InputError: as :meth:`PictureReading.scores`.
    """
    map_ = np.asarray(importance, np.float64)
    measured = [np.log1p(np.maximum(_cue(cues, name, len(map_)), 0)) for name in MEASURED]
    mask = torch.ones(1, len(map_), dtype=torch.bool)
    unit = normalize(torch.from_numpy(features)[None], dim=-1)
    new = novelty(unit, mask)[0].double().numpy()
    rows = np.stack([new, *measured, (features @ subject).astype(np.float64)], axis=1)
    smooth = blur(torch.from_numpy(rows)[None], mask, SMOOTHED)[0].numpy()
    rows = np.column_stack([map_, smooth])
    centred = rows - rows.mean(axis=0)
    spread = centred.std(axis=0)
    standard: NDArray[np.float64] = centred / (spread + SMALL)
    standard[:, spread < ROUNDING] = 0
    return standard


def restored(tensors: Mapping[str, Any], width: int, where: str) -> PictureReading:
    """The reading that a checkpoint keeps.

    Raises:
        IntegrityError: tensors of another shape, or none.
    """
    found = [tensors.get(name) for name in (WEIGHTS, SUBJECT)]
    shapes = [None if one is None else tuple(one.shape) for one in found]
    if shapes != [(len(INPUTS),), (width,)]:
        raise IntegrityError(f"{where} is of another version", "train it again")
    weights, subject = (torch.as_tensor(one).float().numpy() for one in found)
    return PictureReading(weights, subject)


def _cue(cues: Mapping[str, ArrayLike], name: str, steps: int) -> NDArray[np.float64]:
    row = np.asarray(cues.get(name, ()), np.float64)
    if row.shape != (steps,) or not np.isfinite(row).all():
        raise InputError(f"no cue {name!r} of {steps} finite numbers", "extract the features again")
    return row
