"""What the samples of a video show, as far as choosing keyshots asks: content, motion, quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.selection.pieces import jumps

Floats = NDArray[np.float64]

ANOTHER = 0.4
"""Of the cue ``unlike``: from here on the picture before shows another scene."""
PASSING = 0.3
"""Of the cue ``unlike``: a picture that differs more from both neighbours is one in passing."""
DAMAGED = 0.1
"""Share of a picture in a decoder's filling colour at which it is worth nothing."""
EMPTY, BARE = 0.995, 0.9
"""Share of a picture with nothing in it: of the first nothing is there, below the second enough."""
BLANK, VISIBLE = 1.0, 4.0
"""Grey levels of contrast: a black screen, also with a line of text, is below the first; a dim
night scene is above the second."""
BLURRED = 0.5
"""Of the focus usual in a video: below half of it, pictures lose worth."""
BAD = 0.02
"""What a picture is worth that is damaged, empty or black: something, if nothing else is there."""


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What samples show, one row or number for each.

    Attributes:
        vectors: (T, D) relative to the features' mean.
        scene: (T,) a number that rises where the picture changes to another and stays.
        motion: (T,) difference to the sample before beyond camera and codec, grey levels.
        moving: (T,) share of the picture that moved.
        quality: (T,) from :data:`BAD` to 1.
        telling: (T,) how good a picture of what is around it: sharp, at rest, undamaged; 0 to 1.
    """

    vectors: Floats
    scene: NDArray[np.int64]
    motion: Floats
    moving: Floats
    quality: Floats
    telling: Floats


def content_of(
    vectors: ArrayLike, cues: Mapping[str, Any], contrast: ArrayLike | None = None
) -> Content:
    """Content from vectors and the cues of the picture (:mod:`iptnet.features.cues`).

    Args:
        vectors: (T, D) relative to the features' mean.
        cues: (T,) of each name.
        contrast: (T,) grey levels of how much there is to see, if known.
    """
    cue = {name: np.asarray(row, np.float64) for name, row in cues.items()}
    motion, unlike = cue["motion"], cue["unlike"]
    cuts = unlike >= ANOTHER
    cuts[jumps(motion)] = True
    cuts[:1] = False
    moving = cue["moving"].copy()
    moving[cuts] = 0.0
    quality = np.clip(1 - cue["damage"] / DAMAGED, 0, 1)
    quality *= np.clip((EMPTY - cue["flat"]) / (EMPTY - BARE), 0, 1)
    # Emptiness has no meaning where all that a video shows is text on plain ground.
    usual = float(np.median(cue["focus"]))
    quality *= np.clip(cue["focus"] / max(BLURRED * usual, 1e-9), 0, 1)
    if contrast is not None:
        seen = np.asarray(contrast, np.float64)
        quality *= np.clip((seen - BLANK) / (VISIBLE - BLANK), 0, 1)
    sharp = cue["focus"] / max(float(np.quantile(cue["focus"], 0.9)), 1e-9)
    # A picture at a cut or in a dissolve differs from both neighbours.
    after = np.append(unlike[1:], 0.0)
    change = np.minimum(unlike, after)
    rest = 1 - np.clip((change - PASSING) / PASSING, 0, 1)
    telling = np.clip(sharp, 0, 1) * rest * quality
    return Content(
        np.asarray(vectors, np.float64),
        np.cumsum(cuts).astype(np.int64),
        motion,
        moving,
        BAD + (1 - BAD) * quality,
        telling,
    )
