"""What scores that know nothing reach: the row every table needs beside the model's.

The keyshot F is dominated by shot lengths (Otani et al., CVPR 2019): the shot mean of noise is
about the same everywhere, so the knapsack prefers short shots, and users' summaries, made from the
same shots, do too. Random importance therefore reaches a respectable F; its τ and ρ are 0.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from iptnet.protocol.rules import Labels, Protocol, VideoScore, mean_score, score_video

DRAWS = 20  # the mean F of SumMe then has a standard error of 0.4 points, of TVSum 0.2


def random_importance(n_steps: int, video: str, draw: int, seed: int = 0) -> NDArray[np.float64]:
    """Uniform importance ``(n_steps,)`` in [0, 1).

    The stream depends on ``video``, ``draw`` and ``seed`` alone, so a video's row is the same
    whichever others are scored with it.

    Raises:
        ValueError: less than one step.
    """
    if n_steps < 1:
        raise ValueError(f"importance of {n_steps} steps")
    digest = sha256(f"{seed}/{draw}/{video}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little")).random(n_steps)


def random_baseline(
    labels: Labels, protocol: Protocol, video: str, *, draws: int = DRAWS, seed: int = 0
) -> VideoScore:
    """The mean score of ``draws`` random predictions for one video.

    Raises:
        ValueError: less than one draw.
    """
    steps = len(labels.picks)
    return mean_score(
        [
            score_video(random_importance(steps, video, draw, seed), labels, protocol)
            for draw in range(draws)
        ]
    )
