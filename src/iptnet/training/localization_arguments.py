"""One published row of the localizer, as frozen dataclasses read from YAML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from iptnet.errors import UsageError
from iptnet.training.arguments import OptimiserArguments, from_dict, read_yaml


@dataclass(frozen=True)
class SourceArguments:
    """Where the moments come from, below ``root``; empty: not used."""

    root: str = "."
    """Folder that the paths below start from; the command's --data replaces it."""

    queries: str = ""
    """QVHighlights JSONL."""

    clip_captions: str = ""
    """Captions of its two-second clips, which stand for the frames."""

    clips: str = ""
    """Folder of short videos to join."""

    captions: str = ""
    """JSON of their captions."""

    clip_vectors: str = ""
    """The clips' vectors, each by a projection that never saw the clip: an npz with NAME/times and
    NAME/vectors, or h5. From the current folder; empty: the clips are encoded as users' videos."""

    sentences: str = ""
    """JSON of captions by clip, without clips: text alone."""

    moments: str = ""
    """Charades-STA lines, or a CSV of video, start, end and sentence."""

    test: str = ""
    """The like of it that evaluation reports on and training never reads."""

    features: str = ""
    """Folder or h5 file of the videos' features, with their recipe (docs/your-data.md)."""

    durations: str = ""
    """JSON of the videos' seconds; needed where the features do not say their times."""

    words: str = ""
    """Word vectors (npz or GloVe's text): sentences are read with them and letters."""


@dataclass(frozen=True)
class ModuleArguments:
    """Which localization module; the defaults are the paper's."""

    hidden: int = 128
    """H."""

    heads: int = 8
    """Attention heads of the shared encoder."""

    dropout: float = 0.2
    """Everywhere but in the predictor."""

    similarity: int = 0
    """Learned similarity heads; 0: none, the literal module."""

    refine: int = 0
    """Separable convolutions after the similarity maps."""

    saliency: bool = False
    """A head of its own for highlight detection."""


@dataclass(frozen=True)
class MixtureArguments:
    """How much of each source, and what is done to it."""

    rounds: int = 4
    """Times that every clip is joined anew."""

    piece_videos: int = 0
    """Videos of clips' pieces of 2 to 15 seconds, which the ranker alone learns from."""

    trimmed: float = 0.0
    """Share of the annotated queries that the ranker also learns with their windows trimmed."""

    text_videos: int = 120
    """Joined videos of text alone."""

    noise: float = 1.0
    """Share of a real residual (frame minus caption) that is added to a caption's vector."""

    misalign: float = 0.0
    """How far joined clips are moved along another clip's residual: the projection knows them."""

    negatives: float = 0.2
    """Share of the queries that are also asked of a video that does not show them."""

    query_dropout: float = 0.05
    """Share of the queries that the null query replaces in training."""


@dataclass(frozen=True)
class LossArguments:
    """Weights of the losses; the defaults are the paper's."""

    span: float = 1.0
    """CE(start) + CE(end)."""

    highlight: float = 5.0
    """BCE of I_Loc."""

    saliency: float = 0.0
    """BCE of the saliency head against the mean grade."""

    extension: float = 0.1
    """Share of a moment's length that its foreground is extended by on each side."""


@dataclass(frozen=True)
class RankingArguments:
    """The ranker of ``decode: ranked``."""

    heads: int = 4
    """Parts of the data; each head of the ranker learns without one of them."""

    hidden: int = 64
    """Units of its two layers."""

    dropout: float = 0.2
    """Behind both."""

    maps: bool = False
    """Whether it reads I_Loc and saliency, too: for each head a module is trained without that
    head's part, so that the maps are as wrong as they will be."""

    plain: float = 0.0
    """Weight of the plain cosine beside what the ranker learned; see ``moments/ranker.py``."""

    candidates: int = 48
    """Candidates of a query that one epoch looks at, drawn anew each time: most are much alike."""


@dataclass(frozen=True)
class LocalizationArguments:
    """Data, module, objective, optimisers."""

    task: Literal["localization"] = "localization"
    """Which room trains this file."""

    variant: str = "literal"
    """Name of the row in result files."""

    setting: Literal["folds", "shipped"] = "folds"
    """Five folds of the QVHighlights queries by source video, or one model of everything."""

    decode: Literal["spans", "ranked"] = "spans"
    """The paper's span predictor, or candidates with a trained ranker."""

    seed: int = 0
    """Of the run."""

    sources: SourceArguments = field(default_factory=SourceArguments)
    """Data."""

    module: ModuleArguments = field(default_factory=ModuleArguments)
    """The module."""

    mixture: MixtureArguments = field(default_factory=MixtureArguments)
    """The examples made of the sources."""

    loss: LossArguments = field(default_factory=LossArguments)
    """The objective."""

    ranking: RankingArguments = field(default_factory=RankingArguments)
    """The ranker."""

    optimiser: OptimiserArguments = field(
        default_factory=lambda: OptimiserArguments(
            name="adam", lr=5e-4, weight_decay=0.0, epochs=20, batch=16, clip=1.0
        )
    )
    """Of the module."""

    ranker: OptimiserArguments = field(
        default_factory=lambda: OptimiserArguments(
            name="adamw", lr=2e-3, weight_decay=0.05, epochs=12, batch=32, clip=5.0, decay=True
        )
    )
    """Of the ranker."""


def load_localization(path: Path | str, data: Sequence[Path] = ()) -> LocalizationArguments:
    """Read a localizer's configuration.

    Args:
        path: the YAML file.
        data: a folder that replaces ``sources.root``; at most one.

    Raises:
        InputError: no such file, or not YAML.
        UsageError: an unknown key, a value of the wrong type or beyond its range.
    """
    arguments = from_dict(LocalizationArguments, read_yaml(Path(path)), str(path))
    if len(data) > 1:
        raise UsageError("the localizer takes one data folder", "give --data once")
    if data:
        sources = replace(arguments.sources, root=str(data[0]))
        arguments = replace(arguments, sources=sources)
    _check(arguments, str(path))
    return arguments


def to_yaml(arguments: LocalizationArguments) -> str:
    """The arguments as YAML that :func:`load_localization` reads."""
    import yaml

    return yaml.safe_dump(json.loads(json.dumps(asdict(arguments))), sort_keys=False)


def _check(a: LocalizationArguments, where: str) -> None:
    s = a.sources
    rules = {
        "sources: name queries, clips or moments": bool(s.queries or s.clips or s.moments),
        "sources: moments need features": bool(s.moments) == bool(s.features),
        "sources: test needs moments": bool(s.moments) or not s.test,
        "sources: moments stand alone, their features have a recipe of their own": (
            not (s.moments and (s.queries or s.clips or s.sentences))
        ),
        "sources: words need moments and decode spans": (
            not s.words or (bool(s.moments) and a.decode == "spans" and not a.module.similarity)
        ),
        "sources: queries need clip_captions": bool(s.queries) == bool(s.clip_captions),
        "sources: clips need captions": bool(s.clips) == bool(s.captions),
        "setting folds: needs sources.queries": a.setting != "folds" or bool(s.queries),
        "sources: words need decode spans": not s.words or a.decode == "spans",
        "sources: clip_vectors stand for clips": not s.clip_vectors or bool(s.clips),
        "mixture: misalign has no place beside clip_vectors, which no projection knows": (
            not (s.clip_vectors and a.mixture.misalign)
        ),
        "module.dropout: from 0 to below 1": 0 <= a.module.dropout < 1,
        "mixture: shares from 0 to 1": all(
            0 <= x <= 1 for x in (a.mixture.negatives, a.mixture.query_dropout, a.mixture.trimmed)
        ),
        "ranking: heads from 2, hidden and candidates from 1, dropout from 0 to below 1": (
            a.ranking.heads >= 2
            and min(a.ranking.hidden, a.ranking.candidates) >= 1
            and 0 <= a.ranking.dropout < 1
        ),
        "optimiser.lr: positive": min(a.optimiser.lr, a.ranker.lr) > 0,
        "optimiser.epochs, batch: at least 1": min(
            a.optimiser.epochs, a.optimiser.batch, a.ranker.epochs, a.ranker.batch
        )
        >= 1,
    }
    for rule, good in rules.items():
        if not good:
            raise UsageError(f"{where}: {rule}", "correct the configuration")
