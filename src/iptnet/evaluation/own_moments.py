"""Score a localizer on the test moments that its configuration names: Charades-STA's, your own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from iptnet.baselines.cosine_threshold import threshold_moments
from iptnet.baselines.plain_run import plain_moments
from iptnet.data.feature_folder import FeatureFolder
from iptnet.evaluation.localization_figures import PLAIN, RANKED, THRESHOLD, figures_of, index_of
from iptnet.evaluation.results import Figure
from iptnet.features.known import WORDLLAMA_SPACE
from iptnet.features.recipe import require_recipe
from iptnet.model.localizer import Localizer
from iptnet.protocol.moments import moment_metrics
from iptnet.training.localization_arguments import SourceArguments
from iptnet.training.moment_examples import Example
from iptnet.training.moment_sources import read_own_examples

OnProgress = Callable[[str, int, int | None], None]


def own_figures(
    localizer: Localizer, sources: SourceArguments, on_progress: OnProgress | None = None
) -> list[Figure]:
    """Figures of the test moments that the configuration names: ours and, in one space, the floor.

    Raises:
        IntegrityError: the features are of another recipe than the localizer was made for.
    """
    examples, alike = own_examples(localizer, sources, whole=True)
    ours, floor, plain = [], [], []
    for done, example in enumerate(examples):
        ranked = index_of(localizer, example).rank(example.query, RANKED)
        ours.append(np.column_stack([ranked.windows, ranked.scores]))
        if alike:
            video, sentence = example.video, example.tokens.mean(axis=0)
            floor.append(threshold_moments(video.edges, video.vectors, sentence, RANKED))
            plain.append(plain_moments(video.edges, video.vectors, sentence, RANKED))
        if on_progress:
            on_progress("test moments", done + 1, len(examples))
    truths = [e.windows for e in examples]
    variant = str(localizer.checkpoint.provenance.get("variant", "ours"))
    name = Path(sources.test).name
    figures = figures_of(name, "test", variant, "test", dict(moment_metrics(ours, truths)))
    for rival, windows in ((THRESHOLD, floor), (PLAIN, plain)) if alike else ():
        figures += figures_of(name, "test", rival, "test", dict(moment_metrics(windows, truths)))
    return figures


def own_examples(
    localizer: Localizer, sources: SourceArguments, *, whole: bool
) -> tuple[list[Example], bool]:
    """The test moments, and whether their features share the sentences' space.

    Args:
        localizer: reads the sentences as it was trained to.
        sources: names the files.
        whole: leave long videos whole; else they come in windows within the module's reach.

    Raises:
        IntegrityError: the features are of another recipe than the localizer was made for.
    """
    folder = FeatureFolder(Path(sources.root) / sources.features)
    require_recipe(folder.recipe, localizer.recipes, "the localizer")
    own = read_own_examples(sources, sources.test, folder, 1, words=localizer.words, whole=whole)
    alike = folder.recipe.space == WORDLLAMA_SPACE and localizer.words is None
    return own.examples, alike
