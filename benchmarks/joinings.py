"""Videos joined from short clips, so that it is known how many scenes there are and where.

Features of a joined video are those of its clips, one after the other; only at a joint does a
sample differ, as a cut does. ``benchmarks.judgement --really`` joins two with ffmpeg and compares.
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.api import Model
from iptnet.encoded import Encoded
from iptnet.features.cache import Features
from iptnet.video.ffmpeg import executable

CUT: dict[str, float] = {
    "change": 60.0,
    "motion": 40.0,
    "moving": 0.7,
    "camera": 0.0,
    "unlike": 1.0,
}
"""Cues of a sample that follows a cut."""


@dataclass(frozen=True)
class Joining:
    """A joined video.

    Attributes:
        encoded: as :meth:`Model.encode` would give it.
        edges: (N + 1,) seconds at which clips begin, and the end.
        clips: their files.
    """

    encoded: Encoded
    edges: NDArray[np.float64]
    clips: tuple[Path, ...]


def draws(folder: Path, counts: Sequence[int], seed: int, every: int = 2) -> list[list[Path]]:
    """Clips for joinings: of different categories as far as there are, each joining its own.

    Args:
        folder: of the clips and captions.json.gz.
        counts: clips of each joining.
        seed: of the draw.
        every: use every so many of the clips only.
    """
    with gzip.open(folder / "captions.json.gz") as file:
        known: dict[str, Any] = json.load(file)
    rng = np.random.default_rng(seed)
    paths = sorted(folder.glob("*.mp4"))[every - 1 :: every]
    joinings = []
    for count in counts:
        chosen: list[Path] = []
        used: dict[Any, int] = {}
        for k in rng.permutation(len(paths)):
            kind = known[paths[k].stem]["category"]
            if used.get(kind, 0) <= len(chosen) // 20 or len(chosen) >= len(used) >= 18:
                chosen.append(paths[k])
                used[kind] = used.get(kind, 0) + 1
            if len(chosen) == count:
                break
        joinings.append(chosen)
    return joinings


def join(model: Model, clips: Sequence[Path]) -> Joining:
    """Join clips by their features."""
    parts = [model.encode(clip) for clip in clips]
    lengths = [part.source.duration for part in parts]
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    metadata: dict[str, Any] = {"warnings": [], "cues": {}, "indices": [], "n_frames": 0}
    for key in ("cuts", "contrast"):
        metadata[key] = []
    for k, part in enumerate(parts):
        kept = part.features.metadata
        first = None if k == 0 else float(edges[k])
        rest = [None if c is None else c + float(edges[k]) for c in kept["cuts"][1:]]
        metadata["cuts"] += [first, *rest]
        metadata["contrast"] += kept["contrast"]
        metadata["indices"] += [i + metadata["n_frames"] for i in kept["indices"]]
        metadata["n_frames"] += kept["n_frames"]
        for name, row in kept["cues"].items():
            head = [CUT[name]] if k and name in CUT else row[:1]
            metadata["cues"].setdefault(name, []).extend([*head, *row[1:]])
    times = np.concatenate([p.features.times + e for p, e in zip(parts, edges, strict=False)])
    vectors = np.concatenate([p.features.vectors for p in parts])
    features = Features(times, vectors, model.encoder.recipe, metadata)
    # Clips differ in their rate; an odd one has the grid of milliseconds used.
    source = replace(parts[0].source, name="joined", duration=float(edges[-1]), fps=0.0)
    return Joining(Encoded(model, clips[0], source, features), edges, tuple(clips))


def really_join(clips: Sequence[Path], out: Path) -> None:
    """Join clips with ffmpeg to one file of 320 by 240, without sound."""
    inputs = [word for clip in clips for word in ("-i", str(clip))]
    fit = "scale=320:240:force_original_aspect_ratio=decrease,pad=320:240:-1:-1,setsar=1,fps=12"
    chains = "".join(f"[{k}:v]{fit}[v{k}];" for k in range(len(clips)))
    order = "".join(f"[v{k}]" for k in range(len(clips)))
    subprocess.run(
        [executable(), "-v", "error", "-y", *inputs, "-filter_complex",
         f"{chains}{order}concat=n={len(clips)}[v]", "-map", "[v]", "-c:v", "libx264",
         "-preset", "veryfast", str(out)],
        check=True,
    )  # fmt: skip
