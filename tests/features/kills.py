"""Kill writers of one cache folder at random moments; every entry is whole, whoever wrote it.

``python -m tests.features.kills FOLDER KILLS SEED``.
"""

from __future__ import annotations

import json
import random
import sys
from itertools import count
from pathlib import Path

import numpy as np

from iptnet.atomic import OURS as TEMPORARY
from iptnet.features.cache import FeatureCache, Features
from tests.killing import killed
from tests.training.toys import RECIPE

VIDEOS = [f"{k:064x}" for k in range(4)]


def made(video: str, version: int) -> Features:
    """Features that say which video and version they are, in every number."""
    steps = 200 + 50 * version
    value = int(video, 16) * 100 + version
    return Features(
        np.arange(steps, dtype=np.float64),
        np.full((steps, RECIPE.width), value, np.float32),
        RECIPE,
        {"version": version},
    )


def whole(cache: FeatureCache, video: str) -> bool:
    """Whether there is an entry; it is then of one video and one version throughout."""
    path = cache.path(video, RECIPE)
    there = path.is_file()
    found = cache.get(video, RECIPE)
    assert (found is not None) == there, "an entry was there, but not whole"
    if found is None:
        return False
    expected = made(video, found.metadata["version"])
    assert np.array_equal(found.vectors, expected.vectors)
    return True


def work(folder: Path, seed: int) -> None:
    """Write versions of all videos for ever."""
    cache, draw = FeatureCache(folder), random.Random(seed)
    for _ in count():
        video = draw.choice(VIDEOS)
        assert cache.put(video, made(video, draw.randrange(10)))


def main(folder: Path, kills: int, seed: int) -> dict[str, int]:
    """Do as the module says; the counts of kills, whole entries and temporaries left by kills."""
    draw = random.Random(seed)
    counts = {"kills": 0, "entries": 0, "left": 0}
    cache = FeatureCache(folder)
    while counts["kills"] < kills:
        assert killed(
            lambda: work(folder, counts["kills"]), folder, draw, seconds=0.06, operations=40
        )
        counts["kills"] += 1
        counts["entries"] += sum(whole(cache, video) for video in VIDEOS)
        counts["left"] += len([p for p in cache.folder.iterdir() if TEMPORARY.match(p.name)])
        cache.put(VIDEOS[0], made(VIDEOS[0], 0))
        assert not [p for p in cache.folder.iterdir() if TEMPORARY.match(p.name)]
    return counts


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
