"""Second features of a joint run's videos, where the modules read different recipes.

Every sample passes through both modules, whatever its source. The paper's summarizer reads
GoogLeNet, its localizer I3D; then every benchmark video is needed in the localizer's recipe, too,
and every localization video in the summarizer's (METHOD.md, ambiguity 12).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from iptnet.data.benchmark import BenchmarkVideo
from iptnet.data.feature_folder import FeatureFolder
from iptnet.errors import InputError, UsageError
from iptnet.features.recipe import Recipe
from iptnet.model.summarizer import STEP
from iptnet.training.joint_arguments import JointArguments
from iptnet.training.joint_views import times_of
from iptnet.training.samples import Library, load_library

TOLERANCE = 0.05
"""Share by which two samplings of one video may differ in length."""


@dataclass(frozen=True)
class Second:
    """What the other module reads.

    Attributes:
        summaries: benchmark videos in the localizer's recipe, by id; empty: in their own.
        moments: localization videos in the summarizer's recipe; None: in their own.
        digest: of both; empty without any.
    """

    summaries: Mapping[str, BenchmarkVideo] = field(default_factory=dict)
    moments: FeatureFolder | None = None
    digest: str = ""


def load_second(
    arguments: JointArguments,
    library: Library,
    summarizers: Sequence[Recipe],
    localizers: Sequence[Recipe],
) -> Second:
    """Read what ``paired`` names and check that each module gets one space of one width.

    Args:
        arguments: of the run.
        library: the benchmark videos.
        summarizers: recipes that the summarizer reads.
        localizers: recipes that the localizer reads.

    Raises:
        UsageError: one module would read two spaces.
        InputError: a benchmark video without second features, or with those of another video.
    """
    names, root = arguments.paired, Path(arguments.sources.root)
    other = load_library([root / p for p in names.summaries]) if names.summaries else None
    folder = FeatureFolder(root / names.moments) if names.moments else None
    read_by = {
        "summarizer": (*summarizers, *((folder.recipe,) if folder else localizers)),
        "localizer": (*localizers, *(other.recipes if other else summarizers)),
    }
    missing = [
        f"paired.{name}" for name, given in (("summaries", other), ("moments", folder)) if not given
    ]
    for module, recipes in read_by.items():
        spaces = {(r.space, r.width) for r in recipes}
        if len(spaces) > 1:
            raise UsageError(
                f"the {module} would read features of the spaces "
                f"{', '.join(f'{space} ({width})' for space, width in sorted(spaces))}",
                "give both tasks features of one space (equal widths do not make them comparable)"
                + (f", or every video in both recipes: {' and '.join(missing)}" if missing else ""),
            )
    for name, video in library.videos.items() if other else ():
        _require_same(name, video, other)
    digest = (other.digest if other else "") + (folder.recipe.fingerprint if folder else "")
    return Second(other.videos if other else {}, folder, digest)


def _require_same(name: str, video: BenchmarkVideo, other: Library | None) -> None:
    assert other is not None
    if name not in other.videos:
        raise InputError(
            f"{name} is in none of the files of paired.summaries",
            "extract its features with the localizer's recipe, too",
        )
    mine, theirs = (float(times_of(v)[-1]) + STEP for v in (video, other.videos[name]))
    if abs(mine - theirs) > max(2 * STEP, TOLERANCE * max(mine, theirs)):
        raise InputError(
            f"{name} lasts {mine:.1f} s in one recipe and {theirs:.1f} s in the other",
            "check that both are features of the same video, and that both say their times",
        )
