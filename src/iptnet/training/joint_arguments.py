"""One published row of the joint model, as frozen dataclasses read from YAML (``task: iptnet``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from iptnet.errors import UsageError
from iptnet.teaching import TeachingConfig
from iptnet.training.arguments import (
    AugmentationArguments,
    ModelArguments,
    ObjectiveArguments,
    OptimiserArguments,
    from_dict,
    read_yaml,
)
from iptnet.training.localization_arguments import (
    LossArguments,
    MixtureArguments,
    ModuleArguments,
    SourceArguments,
)


@dataclass(frozen=True)
class PropagationArguments:
    """PM; see :class:`iptnet.model.propagation.PropagationConfig` for what each means."""

    hidden: int = 64
    """Width of Γ."""

    seconds: float = 5.0
    """s, the reach to either side."""

    gamma: Literal["softplus", "linear", "none"] = "softplus"
    """How Γ is made positive, or that it is left out."""

    bias: float = -4.0
    """Of Γ's output at the start."""

    cosine: Literal["clamped", "signed"] = "clamped"
    """What a negative similarity counts."""

    divisor: Literal["window", "similarity"] = "window"
    """What stage 1 divides by."""

    update: Literal["simultaneous", "in-place"] = "simultaneous"
    """Whether a step reads the old map or the half-updated one."""

    decay: Literal["density", "none"] = "density"
    """Whether influence decays with the distance from the window's peak."""


@dataclass(frozen=True)
class ScheduleArguments:
    """Section 3.7, in passes over the data; the defaults are the paper's where it names any."""

    warm_up: int = 0
    """Passes of the localizer alone before everything (ambiguity 17)."""

    pretrain: int = 0
    """Passes in which the summarizer learns annotated moments as if they were summaries: the crude
    transfer that the paper's has to earn its keep beside."""

    alone: int = 20
    """Passes of the summarizer alone."""

    cycles: int = 10
    """[Localization data, summarization data] passes of a round."""

    repeats: int = 1
    """Rounds."""

    finish: int = 0
    """Passes of the summarizer alone at the very end."""

    cap: int = 0
    """Most batches of a localization pass (ambiguity 18); 0: all of them."""


@dataclass(frozen=True)
class PairedArguments:
    """Each task's videos in the other task's recipe, below ``sources.root`` (ambiguity 12).

    Needed where the modules read different features, as in the paper (GoogLeNet and I3D): every
    video passes through both of them.
    """

    summaries: tuple[str, ...] = ()
    """Benchmark h5 files of the summarization videos, in the localizer's recipe."""

    moments: str = ""
    """Folder or h5 file of the localization videos, in the summarizer's recipe."""


@dataclass(frozen=True)
class JointArguments:
    """Data, three modules, teaching, schedule, optimisers."""

    task: Literal["iptnet"] = "iptnet"
    """Which room trains this file."""

    variant: str = "full"
    """Name of the row in result files."""

    setting: Literal[
        "canonical",
        "validated",
        "augmented",
        "augmented-validated",
        "transfer",
        "transfer-validated",
        "shipped",
    ] = "canonical"
    """Which splits of the summarization data; see :class:`SummarizationArguments`."""

    datasets: tuple[str, ...] = ("summe", "tvsum")
    """Sets that are tested, each with its own splits; not for shipped."""

    seeds: tuple[int, ...] = (0, 1, 2)
    """One run a split and seed."""

    labelled: int = 0
    """Train on so many videos of each training part only (drawn by seed and split); 0: on all."""

    use_validation: bool = False
    """Train on the validation videos, too, once everything is chosen."""

    accepts: tuple[str, ...] = ()
    """Further recipes that the checkpoints accept, by name."""

    legacy: bool = False
    """Also keep the epoch that is best on the test videos, as the literature does."""

    view: float = 0.5
    """Seconds of a step in which the summarizer sees localization data; 0: the localizer's grid."""

    weight: float = 1.0
    """Of all teaching terms beside L_SM and L_LM."""

    cross: bool = True
    """Whether samples without a query pass the cross-attention with the null query, or skip it."""

    serve: float = 0.0
    """Seconds of propagation with which the summary is read (stage 1, divided by similarity)."""

    model: ModelArguments = field(default_factory=ModelArguments)
    """SM."""

    objective: ObjectiveArguments = field(default_factory=ObjectiveArguments)
    """L_SM."""

    propagation: PropagationArguments = field(default_factory=PropagationArguments)
    """PM."""

    teaching: TeachingConfig = field(default_factory=TeachingConfig)
    """TM."""

    schedule: ScheduleArguments = field(default_factory=ScheduleArguments)
    """The passes."""

    optimiser: OptimiserArguments = field(
        default_factory=lambda: OptimiserArguments(lr=1e-5, weight_decay=0.0)
    )
    """Of SM and PM; ``epochs`` follows from the schedule."""

    augmentation: AugmentationArguments = field(default_factory=AugmentationArguments)
    """Noise on the summarizer's training features."""

    sources: SourceArguments = field(default_factory=SourceArguments)
    """Localization data."""

    mixture: MixtureArguments = field(default_factory=MixtureArguments)
    """The examples made of them."""

    paired: PairedArguments = field(default_factory=PairedArguments)
    """Second features of every video; empty: both modules read the same ones."""

    module: ModuleArguments = field(default_factory=ModuleArguments)
    """LM."""

    loss: LossArguments = field(default_factory=LossArguments)
    """L_LM."""

    localizer: OptimiserArguments = field(
        default_factory=lambda: OptimiserArguments(lr=5e-4, weight_decay=0.0, batch=16, clip=1.0)
    )
    """Of LM."""

    decode: Literal["boxes", "importance"] = "boxes"
    """From SM's outputs to step scores."""


def load_joint(path: Path | str, data: Sequence[Path] = ()) -> JointArguments:
    """Read a joint configuration.

    Args:
        path: the YAML file.
        data: of the command; a folder among them replaces ``sources.root``.

    Raises:
        InputError: no such file, or not YAML.
        UsageError: an unknown key, a value of the wrong type or beyond its range.
    """
    arguments = from_dict(JointArguments, read_yaml(Path(path)), str(path))
    folders = [p for p in data if p.is_dir()]
    if len(folders) > 1:
        raise UsageError("two folders of localization data", "give one folder and the h5 files")
    if folders:
        sources = replace(arguments.sources, root=str(folders[0]))
        arguments = replace(arguments, sources=sources)
    _check(arguments, str(path))
    return arguments


def to_yaml(arguments: JointArguments) -> str:
    """The arguments as YAML that :func:`load_joint` reads; where the data lies is left out."""
    import yaml

    raw = json.loads(json.dumps(asdict(arguments)))
    del raw["sources"]["root"]
    return yaml.safe_dump(raw, sort_keys=False)


def _check(a: JointArguments, where: str) -> None:
    s, t = a.schedule, a.teaching
    rules = {
        "seeds: name one at least, each once": len(set(a.seeds)) == len(a.seeds) > 0,
        "datasets: name one at least": len(a.datasets) > 0,
        "sources: name queries, clips or moments": bool(
            a.sources.queries or a.sources.clips or a.sources.moments
        )
        or not (t.localize or s.pretrain),
        "paired.moments: joined clips have one recipe; leave clips and sentences out": not (
            a.paired.moments and (a.sources.clips or a.sources.sentences)
        ),
        "schedule: no number below 0": min(asdict(s).values()) >= 0,
        "schedule: at least one pass": sum(asdict(s).values()) > s.repeats + s.cap,
        "teaching.momentum: from 0 to 1": 0 <= t.momentum <= 1,
        "teaching.truth, weight, serve, view, labelled: not negative": min(
            t.truth, a.weight, a.serve, a.view, a.labelled
        )
        >= 0,
        "optimiser.lr, localizer.lr: positive": min(a.optimiser.lr, a.localizer.lr) > 0,
        "model.dropout, module.dropout: from 0 to below 1": min(a.model.dropout, a.module.dropout)
        >= 0
        and max(a.model.dropout, a.module.dropout) < 1,
        "model.context: sees two steps a second: view: 0.5": not a.model.context or a.view == 0.5,
        "objective.importance: focal and bce need 0/1 keyshots": a.objective.target == "keyshots"
        or a.objective.importance in ("mse", "correlation"),
        "legacy: only with a test part": not (a.legacy and a.setting == "shipped"),
    }
    for rule, good in rules.items():
        if not good:
            raise UsageError(f"{where}: {rule}", "correct the configuration")
