"""The data of a joint run, read once and prepared once for all splits and seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from iptnet.data.qvhighlights import fold_of
from iptnet.features.recipe import Recipe
from iptnet.model.summarization import SummarizationModule
from iptnet.teaching import Phase
from iptnet.training.joint_arguments import JointArguments
from iptnet.training.joint_samples import JointBatch, moment_batches, summary_batches
from iptnet.training.joint_second import load_second
from iptnet.training.joint_views import MomentView, SummaryView, moment_views, summary_view
from iptnet.training.localization_arguments import LocalizationArguments
from iptnet.training.loop import seed_of
from iptnet.training.moment_batches import Target, target_of
from iptnet.training.moment_examples import Example
from iptnet.training.moment_sources import FOLDS, STEPS, MomentSources, load_sources
from iptnet.training.samples import Library, Sample, prepared_sample

OnProgress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class JointData:
    """Benchmark videos and annotated moments.

    Attributes:
        arguments: of the run.
        library: the benchmark videos.
        sources: the annotated moments; None where nothing learns from them.
        targets: of each example, in order.
        summaries: the localizer's view of each benchmark video.
        moments: the summarizer's view of each localization video, filled when first needed.
        second: digest of the features that only the other module reads, where there are any.
        prepared: benchmark samples, filled when first needed.
    """

    arguments: JointArguments
    library: Library
    sources: MomentSources | None
    examples: tuple[Example, ...]
    targets: tuple[Target, ...]
    summaries: dict[str, SummaryView]
    moments: dict[int, MomentView] = field(default_factory=dict)
    prepared: dict[tuple[str, int], Sample] = field(default_factory=dict)
    second: str = ""

    @property
    def digest(self) -> str:
        """Of the annotated moments, and of second features."""
        return (self.sources.digest if self.sources else "") + self.second

    def sample(self, name: str, module: SummarizationModule, seed: int) -> Sample:
        """A benchmark video as a sample; seeds share it where there is no noise."""
        noise = self.arguments.augmentation
        return prepared_sample(self.prepared, self.library, name, module, how=noise, seed=seed)

    def shown(self, fold: int | None) -> list[int]:
        """Indices of the examples outside a fold of QVHighlights.

        Moments of other sources have test files of their own and are all shown.
        """
        return [
            i
            for i, e in enumerate(self.examples)
            if fold is None
            or e.kind != "captions"
            or (e.source is not None and fold_of(e.source.video, FOLDS) != fold)
        ]

    def batches(
        self, phase: Phase, samples: Sequence[Sample], fold: int | None, seed: int, epoch: int
    ) -> list[JointBatch]:
        """One pass of the schedule."""
        how = self.arguments
        if phase.data == "summarization":
            return summary_batches(samples, self.summaries, how.optimiser.batch, seed, epoch)
        own = self.shown(fold)
        return moment_batches(
            [self.examples[i] for i in own],
            [self.targets[i] for i in own],
            self.moments,
            how.localizer.batch,
            seed_of(seed, epoch),
            step=how.view,
            null=0.0 if phase.role == "pretrain" else how.mixture.query_dropout,
            cap=how.schedule.cap,
        )


def load_joint_data(
    arguments: JointArguments,
    library: Library,
    recipes: Sequence[Recipe],
    module: SummarizationModule,
    on_progress: OnProgress | None = None,
) -> JointData:
    """Read and prepare.

    Args:
        arguments: of the run.
        library: the benchmark videos.
        recipes: of their features, and what else the checkpoints accept.
        module: any summarizer of the configuration, which prepares features.
        on_progress: told what is read.

    Raises:
        UsageError: moments whose features live in another space than the videos', and no second
            features of both.
        InputError: data that cannot be read, or a video without its second features.
    """
    if not (arguments.teaching.localize or arguments.schedule.pretrain):
        summaries = {n: summary_view(v, STEPS) for n, v in library.videos.items()}
        return JointData(arguments, library, None, (), (), summaries)
    how = LocalizationArguments(
        seed=0,
        sources=arguments.sources,
        module=arguments.module,
        mixture=arguments.mixture,
    )
    sources = load_sources(how, on_progress)
    second = load_second(arguments, library, recipes, sources.recipes)
    summaries = {
        n: summary_view(v, STEPS, second.summaries.get(n)) for n, v in library.videos.items()
    }
    examples = tuple(sources.examples())
    targets = tuple(target_of(e, arguments.loss.extension) for e in examples)
    views: dict[int, MomentView] = {}
    if any((arguments.schedule.cycles, arguments.schedule.pretrain)):
        views = moment_views(examples, module, arguments.view, second.moments)
    return JointData(
        arguments, library, sources, examples, targets, summaries, views, second=second.digest
    )
