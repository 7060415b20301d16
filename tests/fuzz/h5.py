"""Benchmark and feature files in h5: a whole video, or a refusal that names the file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from iptnet.data.benchmark import load_benchmark
from iptnet.data.feature_folder import FeatureFolder
from iptnet.errors import IptnetError
from tests.data.layout import eccv16
from tests.fuzz.runner import Target, run
from tests.training.toys import RECIPE, toy_video


def seeds(folder: Path) -> list[bytes]:
    """A file of ours, one in the public layout, and plain features."""
    import h5py

    from iptnet.data.write import write_benchmark

    write_benchmark(folder / "own.h5", [toy_video(k) for k in (1, 2)], RECIPE, "tvsum")
    with h5py.File(folder / "plain.h5", "w") as file:
        file["a/features"] = np.ones((4, 16), np.float32)
        file["a/times"] = [0.0, 1.0, 2.0, 3.5]
        file["a/video_name"] = "my video"
        file["a/alias"] = h5py.SoftLink("/a/features")
    paths = (folder / "own.h5", eccv16(folder), folder / "plain.h5")
    return [p.read_bytes() for p in paths]


def judge(path: Path) -> None:
    """Both readers; what comes out is finite and of one length."""
    refused: IptnetError | None = None
    try:
        for video in load_benchmark(path, recipe=None):
            assert len(video.features) == len(video.picks)
            assert np.isfinite(video.features).all()
            _ = video.importance, video.users
    except IptnetError as error:
        refused = error
    try:
        folder = FeatureFolder(path, RECIPE)
        for name in folder.videos:
            times, vectors = folder.read(name, 10.0)
            assert len(times) == len(vectors) and np.isfinite(vectors).all()
    except IptnetError:
        if refused is not None:
            raise


TARGET = Target("h5", seeds, judge)

if __name__ == "__main__":
    sys.exit(run(TARGET))
