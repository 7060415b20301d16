"""Train iPTNet: every split and seed of a joint configuration into one run folder, resumable.

RUN/config.yaml  log.txt
RUN/<dataset>/split-<k>/seed-<s>/{state,last,best,legacy,teacher,localizer}.safetensors, metrics.csv
RUN/summarizer.safetensors                       with setting: shipped
RUN/../warm-up/<digest>/state.safetensors        localizers trained alone, shared by runs beside it

The localizer of split k never sees fold k of the annotated moments, so both modules of a run can be
judged on data that neither was trained on.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from iptnet import checkpoint as files_of
from iptnet.atomic import write_bytes
from iptnet.checkpoint import Checkpoint
from iptnet.features.recipe import Recipe
from iptnet.model.iptnet import Iptnet
from iptnet.model.summarizer import Summarizer, to_checkpoint
from iptnet.teaching import Phase, schedule
from iptnet.training.joint_arguments import JointArguments, to_yaml
from iptnet.training.joint_build import (
    build_model,
    build_optimiser,
    build_summarizer,
    localizer_checkpoint,
    warm_up,
)
from iptnet.training.joint_data import JointData, load_joint_data
from iptnet.training.joint_log import TermLog
from iptnet.training.joint_objective import joint_terms
from iptnet.training.loop import Stop, seed_of, stop_on_signal, train
from iptnet.training.moment_sources import FOLDS
from iptnet.training.run_folder import claimed, finished, note
from iptnet.training.samples import Library, load_library
from iptnet.training.summarization import (
    BEST,
    LAST,
    SHIPPED,
    Run,
    TrainingReport,
    accepted,
    agreement,
    plan,
)

OnProgress = Callable[[str, int, int | None], None]
OnRow = Callable[[str, Mapping[str, float]], None]
LEGACY, TEACHER, LOCALIZER = "legacy.safetensors", "teacher.safetensors", "localizer.safetensors"


def train_joint(
    arguments: JointArguments,
    out: Path,
    data: Sequence[Path],
    on_progress: OnProgress | None = None,
    on_row: OnRow | None = None,
) -> TrainingReport:
    """Train, or go on where ``out`` stands.

    Args:
        arguments: the configuration.
        out: run folder; one of another configuration is refused.
        data: benchmark h5 files.
        on_progress: told (run, passes done, passes).
        on_row: told (run, the pass's figures).

    Raises:
        UsageError: no data, unfit data, or a folder of another configuration.
        Interrupted: a signal asked to stop; the state is kept.
        IntegrityError: broken data or state.
        LimitError: a loss that is not finite.
        MachineError: another process trains in ``out``, or it cannot be written.
    """
    started = time.monotonic()
    library = load_library(list(data))
    runs = list(plan(arguments, library))
    recipes = accepted(arguments, library)
    out = Path(out)
    paths = tuple(run.folder(out) / LAST for run in runs)
    trained = 0
    with claimed(out, to_yaml(arguments)):
        preparing = build_summarizer(arguments, recipes[0].width)
        joint = load_joint_data(arguments, library, recipes, preparing, on_progress)
        session = _Session(arguments, library, recipes, joint, out, on_progress, on_row)
        with stop_on_signal() as stop:
            for run in runs:
                trained += _train_one(session, run, stop)
        if arguments.setting == "shipped":
            write_bytes(out / SHIPPED, paths[0].read_bytes())
    return TrainingReport(out, paths, trained, len(runs) - trained, time.monotonic() - started)


@dataclass(frozen=True)
class _Session:
    """What all runs of one command share."""

    arguments: JointArguments
    library: Library
    recipes: tuple[Recipe, ...]
    data: JointData
    out: Path
    on_progress: OnProgress | None
    on_row: OnRow | None

    def fold(self, run: Run) -> int | None:
        """The fold of annotated moments that a run's localizer never sees."""
        return None if self.arguments.setting == "shipped" else run.index % FOLDS


def _train_one(session: _Session, run: Run, stop: Stop) -> bool:
    arguments, folder = session.arguments, run.folder(session.out)
    identity = _digest(session, run)
    phases = phases_of(arguments)
    done = (LAST, "summarization") if phases else (LOCALIZER, "localization")
    if finished(folder / done[0], done[1], identity):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    one = _One(session, run, identity, folder, _model(session, run, stop))
    if phases:
        _teach(one, phases, stop)
    if arguments.teaching.localize:
        net = one.model.student.localization
        about = one.provenance() | {"fold": session.fold(run)}
        files_of.save(folder / LOCALIZER, localizer_checkpoint(net, session.data, about))
    note(session.out, one.name, f"{len(phases)} passes")
    if phases:
        one.keep(TEACHER, "teacher", len(phases), teacher=True)
        one.keep(LAST, "last", len(phases))
    return True


def _model(session: _Session, run: Run, stop: Stop) -> Iptnet:
    """Fresh modules of the run's seed; the localizer warmed up where that is asked for."""
    arguments = session.arguments
    torch.manual_seed(seed_of(run.seed, 10**6 - 1))
    model = build_model(arguments, session.recipes[0].width, session.data)
    if arguments.schedule.warm_up and arguments.teaching.localize:
        ready = warm_up(
            arguments,
            session.data,
            beside=session.out.parent / "warm-up",
            fold=session.fold(run),
            seed=run.seed,
            stop=stop,
            on_progress=session.on_progress,
        )
        for net in (model.student, model.teacher):
            net.localization.load_state_dict(ready.state_dict())
    return model


@dataclass(frozen=True)
class _One:
    """One run: where it lies, what it is, and how it is judged and kept."""

    session: _Session
    run: Run
    identity: str
    folder: Path
    model: Iptnet

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.run.dataset} split {self.run.index + 1} seed {self.run.seed}"

    @property
    def learnt(self) -> tuple[str, ...]:
        """The videos that the summarizer learns from: all of the training part, or a few."""
        names, count = self.run.split.train, self.session.arguments.labelled
        if not count or count >= len(names):
            return tuple(names)
        rng = np.random.default_rng([self.run.seed, self.run.index])
        return tuple(names[i] for i in sorted(rng.permutation(len(names))[:count]))

    def provenance(self) -> dict[str, Any]:
        """What a checkpoint says of where it comes from."""
        run, session = self.run, self.session
        return {
            "run": self.identity,
            "setting": session.arguments.setting,
            "variant": session.arguments.variant,
            "dataset": run.dataset,
            "split": run.index,
            "seed": run.seed,
            "train": list(self.learnt),
            "validation": list(run.split.val),
            "test": list(run.split.test),
            "data_sha256": session.library.digest,
            "moments_sha256": session.data.digest,
            "arguments": json.loads(json.dumps(asdict(session.arguments))),
        }

    def checkpoint(self, about: dict[str, Any], *, teacher: bool = False) -> Checkpoint:
        """The summarizer as it would be served."""
        how, net = self.session.arguments, self.model.teacher if teacher else self.model.student
        return to_checkpoint(net.summarization, how.decode, self.session.recipes, about, how.serve)

    def keep_legacy(self, figure: float) -> None:
        """Write the summarizer as the best on the test videos so far."""
        about = {**self.provenance(), "selection": "test", "figure": figure}
        files_of.save(self.folder / LEGACY, self.checkpoint(about))

    def keep(self, file: str, selection: str, epoch: int, *, teacher: bool = False) -> None:
        """Write the summarizer as it is now."""
        about = {**self.provenance(), "selection": selection, "epoch": epoch}
        files_of.save(self.folder / file, self.checkpoint(about, teacher=teacher))

    def judged(self, videos: Sequence[str]) -> float:
        """Mean τ of the student on videos."""
        how, module = self.session.arguments, self.model.student.summarization
        judge = Summarizer(module, how.decode, self.checkpoint({}), how.serve)
        return agreement(judge, self.session.library, videos)


def _teach(one: _One, phases: Sequence[Phase], stop: Stop) -> None:
    """All passes of one run, from wherever its state stands."""
    session, run, model = one.session, one.run, one.model
    arguments, data = session.arguments, session.data
    samples = [data.sample(n, model.student.summarization, run.seed) for n in one.learnt]
    log = TermLog()

    def passed(row: Mapping[str, float]) -> None:
        if session.on_row:
            session.on_row(one.name, row)
        if session.on_progress:
            session.on_progress(one.name, int(row["epoch"]), len(phases))

    def row() -> dict[str, float]:
        figures = log.row()
        if arguments.legacy:
            figures["test"] = one.judged(run.split.test)
            if figures["test"] > _legacy_so_far(one.folder / LEGACY):
                one.keep_legacy(figures["test"])
        return figures

    train(
        model,
        replace(arguments.optimiser, epochs=len(phases)),
        lambda epoch: [
            (phases[epoch], batch)
            for batch in data.batches(phases[epoch], samples, session.fold(run), run.seed, epoch)
        ],
        lambda _, item: log.total(joint_terms(model, item[1], item[0], arguments)),
        folder=one.folder,
        run=one.identity,
        seed=run.seed,
        stop=stop,
        validate=(lambda _: one.judged(run.split.val)) if run.split.val else None,
        on_best=lambda _, epoch: one.keep(BEST, "validation", epoch),
        optimiser=build_optimiser(model, arguments),
        after_step=lambda: model.follow(arguments.teaching.momentum),
        row_of=row,
        on_row=passed,
    )


def _legacy_so_far(path: Path) -> float:
    """The test figure of the checkpoint that is kept for being best on the test videos."""
    if not path.is_file():
        return -np.inf
    return float(files_of.load(path, "summarization").provenance["figure"])


def phases_of(arguments: JointArguments) -> tuple[Phase, ...]:
    """The schedule of a configuration, without the warm-up."""
    how = arguments.schedule
    return tuple(
        schedule(
            how.alone,
            how.cycles,
            pretrain=how.pretrain,
            repeats=how.repeats,
            finish=how.finish,
            localize=arguments.teaching.localize,
        )
    )


def _digest(session: _Session, run: Run) -> str:
    """What has to be equal for a run to be gone on with."""
    asked = asdict(session.arguments)
    del asked["seeds"], asked["sources"]["root"]
    recipes = [r.to_dict() for r in session.recipes]
    whole = [asked, session.library.digest, session.data.digest, asdict(run), recipes]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
