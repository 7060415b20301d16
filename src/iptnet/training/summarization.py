"""Train the summarizer: every split and seed of a configuration into one run folder, resumable.

RUN/config.yaml  log.txt
RUN/<dataset>/split-<k>/seed-<s>/{state,last,best}.safetensors, metrics.csv
RUN/all/split-0/seed-<s>/…                            with setting: shipped
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from iptnet import checkpoint as files_of
from iptnet.atomic import write_bytes
from iptnet.errors import UsageError
from iptnet.features.cache import FeatureCache
from iptnet.features.recipe import Recipe
from iptnet.model.summarization import SummarizationConfig, SummarizationModule
from iptnet.model.summarizer import Summarizer, load_summarizer, to_checkpoint
from iptnet.protocol.correlation import rank_correlation
from iptnet.protocol.splits import Setting, Split, load_splits, resolve
from iptnet.training.arguments import SummarizationArguments, to_yaml
from iptnet.training.loop import Stop, seed_of, stop_on_signal, train
from iptnet.training.objective import summarization_loss
from iptnet.training.rated import with_pictures
from iptnet.training.run_folder import claimed, finished, note
from iptnet.training.samples import Library, Sample, batches_of, load_library, prepared_sample

OnProgress = Callable[[str, int, int | None], None]
LAST, BEST = "last.safetensors", "best.safetensors"
EVERYTHING = "all"
SHIPPED = "summarizer.safetensors"


@dataclass(frozen=True)
class TrainingReport:
    """What a training command did.

    Attributes:
        out: the run folder.
        checkpoints: the last checkpoint of every split and seed.
        trained: how many of them this call trained, wholly or to their end.
        found: how many were already there.
        seconds: wall time.
    """

    out: Path
    checkpoints: tuple[Path, ...]
    trained: int
    found: int
    seconds: float


@dataclass(frozen=True)
class Run:
    """One split and seed of a configuration."""

    dataset: str
    index: int
    seed: int
    split: Split

    def folder(self, out: Path) -> Path:
        """Where it lies in a run folder."""
        return out / self.dataset / f"split-{self.index}" / f"seed-{self.seed}"


def train_summarization(
    arguments: SummarizationArguments,
    out: Path,
    data: Sequence[Path | str] | None = None,
    on_progress: OnProgress | None = None,
) -> TrainingReport:
    """Train, or go on where ``out`` stands.

    Args:
        arguments: the configuration.
        out: run folder; one of another configuration is refused.
        data: benchmark files instead of the configuration's, and with ``pictures`` the folder of
            rated videos.
        on_progress: told (run, epochs done, epochs).

    Raises:
        UsageError: no data, unfit data, or a folder of another configuration.
        Interrupted: a signal asked to stop; the state is kept.
        IntegrityError: broken data or state.
        LimitError: a loss that is not finite.
        MachineError: another process trains in ``out``, or it cannot be written.
    """
    started = time.monotonic()
    named = [Path(one) for one in data or arguments.data]
    folders = [one for one in named if one.is_dir()]
    if len(folders) != (arguments.pictures > 0):
        raise UsageError(
            f"{len(folders)} folders among the data, pictures: {arguments.pictures:g}",
            "name one folder of rated videos for pictures, and none without",
        )
    library = load_library([one for one in named if not one.is_dir()])
    runs = list(plan(arguments, library))
    recipes = accepted(arguments, library)
    out = Path(out)
    trained = 0
    session = _Session(arguments, library, recipes, out, {})
    paths = tuple(run.folder(out) / LAST for run in runs)
    with claimed(out, to_yaml(arguments)):
        with stop_on_signal() as stop:
            for run in runs:
                trained += _train_one(session, run, stop, on_progress)
        if folders:
            judge, strength = load_summarizer(paths[0]), arguments.pictures
            made, told = with_pictures(judge, folders[0], strength, FeatureCache(), on_progress)
            files_of.save(out / SHIPPED, made)
            note(out, "pictures", told)
        elif arguments.setting == "shipped":
            write_bytes(out / SHIPPED, paths[0].read_bytes())
    seconds = time.monotonic() - started
    return TrainingReport(out, paths, trained, len(runs) - trained, seconds)


class Planned(Protocol):
    """What a configuration says of splits, seeds and recipes."""

    @property
    def setting(self) -> Setting: ...  # noqa: D102
    @property
    def datasets(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def seeds(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def use_validation(self) -> bool: ...  # noqa: D102
    @property
    def accepts(self) -> tuple[str, ...]: ...  # noqa: D102


def plan(arguments: Planned, library: Library) -> Iterator[Run]:
    """The runs of a configuration, on the videos at hand.

    Raises:
        UsageError: a tested set has no videos for some split.
    """
    shipped = arguments.setting == "shipped"
    for dataset in (EVERYTHING,) if shipped else arguments.datasets:
        try:
            splits = load_splits(arguments.setting, None if shipped else dataset)
            resolved = [resolve(s, library.videos, allow_missing=True) for s in splits]
        except ValueError as error:
            raise UsageError(
                f"{dataset}: {error}", "name the data files of that set, or leave it out"
            ) from error
        for index, split in enumerate(resolved):
            if arguments.use_validation:
                split = replace(split, train=split.train + split.val, val=())  # noqa: PLW2901
            for seed in arguments.seeds:
                yield Run(dataset, index, seed, split)


def accepted(arguments: Planned, library: Library) -> tuple[Recipe, ...]:
    """The recipes that the checkpoints will accept: the data's and those named, of one space.

    Raises:
        UsageError: an unknown name, or another space.
    """
    from iptnet.features.encoders import load_encoder
    from iptnet.features.known import KNOWN

    recipes = list(library.recipes)
    for name in arguments.accepts:
        if name not in KNOWN and name != "lite":
            raise UsageError(f"accepts: no recipe {name!r}", f"there are {', '.join(KNOWN)}, lite")
        recipe = KNOWN[name] if name in KNOWN else load_encoder(name).recipe
        if recipe not in recipes:
            recipes.append(recipe)
    if len(spaces := {r.space for r in recipes}) > 1:
        raise UsageError(f"features of the spaces {', '.join(sorted(spaces))}", "train on one")
    return tuple(recipes)


@dataclass(frozen=True)
class _Session:
    """What all runs of one command share."""

    arguments: SummarizationArguments
    library: Library
    recipes: tuple[Recipe, ...]
    out: Path
    prepared: dict[tuple[str, int], Sample]

    def sample(self, name: str, module: SummarizationModule, seed: int) -> Sample:
        """A video as a sample; splits share it, and seeds too where there is no noise."""
        noise = self.arguments.augmentation
        return prepared_sample(self.prepared, self.library, name, module, how=noise, seed=seed)


def _train_one(session: _Session, run: Run, stop: Stop, on_progress: OnProgress | None) -> bool:
    arguments, library, recipes = session.arguments, session.library, session.recipes
    folder, how = run.folder(session.out), arguments.optimiser
    stage = f"{run.dataset} split {run.index + 1} seed {run.seed}"
    identity = _digest(session, run)
    if finished(folder / LAST, "summarization", identity):
        return False
    torch.manual_seed(seed_of(run.seed, 10**6 - 1))
    config = SummarizationConfig(width=recipes[0].width, **asdict(arguments.model))
    module = SummarizationModule(config)
    samples = [session.sample(name, module, run.seed) for name in run.split.train]
    provenance: dict[str, Any] = {
        "run": identity,
        "setting": arguments.setting,
        "dataset": run.dataset,
        "split": run.index,
        "seed": run.seed,
        "train": list(run.split.train),
        "validation": list(run.split.val),
        "test": list(run.split.test),
        "data_sha256": library.digest,
        "arguments": json.loads(json.dumps(asdict(arguments))),
    }

    def keep(name: str, selection: str, epoch: int) -> None:
        noted = {**provenance, "selection": selection, "epoch": epoch}
        made = to_checkpoint(module, arguments.decode, recipes, noted, arguments.serve)
        files_of.save(folder / name, made)

    def validate(_: nn.Module) -> float:
        made = to_checkpoint(module, arguments.decode, recipes, {})
        judge = Summarizer(module, arguments.decode, made, arguments.serve)
        return agreement(judge, library, run.split.val)

    state = train(
        module,
        how,
        lambda epoch: batches_of(samples, how.batch, run.seed, epoch),
        lambda m, batch: summarization_loss(
            m(batch.prepared, batch.mask), batch, arguments.objective
        ),
        folder=folder,
        run=identity,
        seed=run.seed,
        stop=stop,
        validate=validate if run.split.val else None,
        on_best=lambda _, epoch: keep(BEST, "validation", epoch),
        on_epoch=lambda n: on_progress(stage, n, how.epochs) if on_progress else None,
    )
    best = f", best validation τ {state.best[0]:.4f} in epoch {state.best[1]}" if state.best else ""
    loss = state.history[-1]["loss"]
    # The checkpoint says that all is done, so it comes last.
    note(session.out, stage, f"{state.epoch} epochs, loss {loss:.5f}{best}")
    keep(LAST, "last", state.epoch)
    return True


def agreement(judge: Summarizer, library: Library, names: Sequence[str]) -> float:
    """Mean τ on the named videos, of the scores as they would be served; NaN without labels."""
    taus = []
    for name in names:
        video = library.videos[name]
        users = video.user_scores if video.user_scores is not None else video.user_summary
        if users is not None:
            scores = judge.importance(video.features, judge.recipes[0])
            taus.append(rank_correlation(scores, users[:, video.picks]).tau)
    return float(np.nanmean(taus)) if taus else float("nan")


def _digest(session: _Session, run: Run) -> str:
    """What has to be equal for a run to be gone on with."""
    asked = {k: v for k, v in asdict(session.arguments).items() if k not in ("data", "seeds")}
    recipes = [r.to_dict() for r in session.recipes]
    whole = [asked, session.library.digest, asdict(run), recipes]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
