"""Score localizers: QVHighlights by folds, and clips nobody trained on joined into long videos.

A run folder of ``setting: folds`` is scored on each fold's own queries. A single localizer is
scored on the held-out clips, joined eight a video several times over, one caption a clip asking;
QVHighlights queries that it was trained on are refused. Beside each stands the untrained cosine
threshold on the same features and grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.baselines.cosine_threshold import cosine_map, threshold_moments
from iptnet.checkpoint import Checkpoint
from iptnet.data.moments import clip_saliency
from iptnet.data.qvhighlights import fold_of
from iptnet.errors import InputError, UsageError
from iptnet.evaluation.localization_figures import RANKED, THRESHOLD, figures_of, index_of
from iptnet.evaluation.moment_table import MomentTable, rows_of
from iptnet.evaluation.own_moments import own_figures
from iptnet.evaluation.results import Figure, record
from iptnet.model.localizer import Localizer, load_localizer
from iptnet.protocol.highlights import highlight_metrics
from iptnet.protocol.moments import moment_metrics
from iptnet.training.localization_arguments import SourceArguments
from iptnet.training.moment_examples import Example
from iptnet.training.moment_sources import (
    FOLDS,
    held_out_examples,
    read_caption_examples,
    validation_examples,
)

OnProgress = Callable[[str, int, int | None], None]
JOININGS = 6
"""Times that the held-out clips are joined anew, with other captions; one seed each."""

VALIDATED = 6
"""Times that the training clips are joined anew for validation."""

NAME = "localizer.safetensors"


def evaluate_localization(
    checkpoint: Path,
    data: Sequence[Path],
    *,
    selection: str = "last",
    allow_seen: bool = False,
    results: Path | None = None,
    on_progress: OnProgress | None = None,
) -> MomentTable:
    """The table of a localizer or of a run folder.

    Args:
        checkpoint: a localizer, or the run folder of ``iptnet train``.
        data: the folder that its configuration's sources lie in.
        selection: ``validation`` scores each member with its rankers on the part of the training
            data that they never saw: what constants are chosen by, before anything held out.
        allow_seen: score queries that the localizer was trained on, too.
        results: CSV file that receives every single figure.
        on_progress: told (stage, queries done, queries).

    Raises:
        InputError: no such checkpoint or data.
        UsageError: not exactly one data folder, another selection, or nothing to score.
    """
    if selection not in ("last", "validation"):
        raise UsageError(
            f"a localizer has no selection {selection!r}", "give --selection last or validation"
        )
    if len(data) != 1:
        raise UsageError("the localizer's data is one folder", "give --data once")
    checkpoint = Path(checkpoint)
    warnings: list[str] = []
    figures: list[Figure] = []
    if checkpoint.is_dir() and not (checkpoint / NAME).is_file():
        figures = _by_folds(checkpoint, data[0], selection, on_progress)
    else:
        path = checkpoint / NAME if checkpoint.is_dir() else checkpoint
        localizer = load_localizer(path)
        sources = sources_of(localizer.checkpoint, data[0])
        if selection == "validation":
            figures += unseen_figures(localizer, sources, None, on_progress)
        elif sources.clips:
            figures += joined_figures(localizer, sources, on_progress)
        if sources.test and selection == "last":
            figures += own_figures(localizer, sources, on_progress)
        if sources.queries and allow_seen and selection == "last":
            warnings.append(
                "QVHighlights queries were in the training data; their row means little"
            )
            examples = read_caption_examples(sources, 1)
            figures += _captions(localizer, examples, "all", "shipped, seen", on_progress)
    if not figures:
        raise UsageError(f"{checkpoint} was trained on all that it could be scored on", "see docs")
    if results is not None:
        record(results, figures)
    return MomentTable(rows_of(figures), tuple(warnings))


def sources_of(checkpoint: Checkpoint, root: Path) -> SourceArguments:
    """The sources that a localizer was trained on, below another root."""
    raw = dict(checkpoint.provenance.get("arguments", {}).get("sources", {}))
    if not raw:
        raise InputError("the checkpoint does not say what it was trained on", "train it again")
    return SourceArguments(**{**raw, "root": str(root)})


def _by_folds(
    run: Path,
    root: Path,
    selection: str,
    on_progress: OnProgress | None,
) -> list[Figure]:
    paths = [run / f"fold-{f}" / NAME for f in range(FOLDS)]
    if not all(p.is_file() for p in paths):
        raise InputError(f"{run} does not hold {FOLDS} trained folds", "finish the training first")
    figures = []
    examples: list[Example] = []
    for fold, path in enumerate(paths):
        localizer = load_localizer(path)
        if selection == "validation":
            sources = sources_of(localizer.checkpoint, root)
            figures += unseen_figures(localizer, sources, fold, on_progress)
            continue
        examples = examples or read_caption_examples(sources_of(localizer.checkpoint, root), 1)
        own = [e for e in examples if e.source and fold_of(e.source.video, FOLDS) == fold]
        figures += _captions(localizer, own, str(fold), "folds", on_progress)
    return figures


def _captions(
    localizer: Localizer,
    examples: Sequence[Example],
    split: str,
    setting: str,
    on_progress: OnProgress | None,
) -> list[Figure]:
    """Figures of one fold of QVHighlights: ours and the threshold's."""
    truths = [e.windows for e in examples]
    grades = [clip_saliency(e.source) for e in examples if e.source]
    ours, salient = [], []
    for done, example in enumerate(examples):
        ranked = index_of(localizer, example).rank(example.query, RANKED)
        ours.append(np.column_stack([ranked.windows, ranked.scores]))
        salient.append(ranked.saliency)
        if on_progress:
            on_progress(f"QVHighlights {split}", done + 1, len(examples))
    variant = str(localizer.checkpoint.provenance.get("variant", "ours"))
    sentences = [e.tokens.mean(axis=0) for e in examples]
    pairs = list(zip(examples, sentences, strict=True))
    floor = [threshold_moments(e.video.edges, e.video.vectors, s, RANKED) for e, s in pairs]
    maps = [cosine_map(e.video.vectors, s) for e, s in pairs]
    figures = []
    for name, windows, scores in ((variant, ours, salient), (THRESHOLD, floor, maps)):
        table = {**moment_metrics(windows, truths), **highlight_metrics(scores, grades)}
        figures += figures_of("qvhighlights", setting, name, split, table)
    return figures


def joined_figures(
    localizer: Localizer, sources: SourceArguments, on_progress: OnProgress | None = None
) -> list[Figure]:
    """Figures of the held-out clips, one set a joining: ours and the threshold's."""
    figures = []
    variant = str(localizer.checkpoint.provenance.get("variant", "ours"))
    for seed, examples in enumerate(held_out_examples(sources, JOININGS, on_progress)):
        truths = [e.windows for e in examples]
        ours, floor = [], []
        peaks = {variant: list[bool](), THRESHOLD: list[bool]()}
        for example in examples:
            ranked = index_of(localizer, example).rank(example.query, RANKED)
            ours.append(np.column_stack([ranked.windows, ranked.scores]))
            peaks[variant].append(_inside(example, ranked.highlight))
            sentence = example.tokens.mean(axis=0)
            video = example.video
            floor.append(threshold_moments(video.edges, video.vectors, sentence, RANKED))
            peaks[THRESHOLD].append(_inside(example, cosine_map(video.vectors, sentence)))
        for name, windows in ((variant, ours), (THRESHOLD, floor)):
            table: dict[str, float | None] = dict(moment_metrics(windows, truths))
            table["peak"] = 100 * float(np.mean(peaks[name]))
            figures += figures_of("joined clips", "held out", name, str(seed), table)
    return figures


def unseen_figures(
    localizer: Localizer,
    sources: SourceArguments,
    fold: int | None,
    on_progress: OnProgress | None = None,
) -> list[Figure]:
    """Figures of each member on the part of the training data that it never saw.

    Of a localizer trained on pixels, training clips joined anew and moved as in training; else the
    queries of the other folds. The splits are ``<fold>/<part>``.

    Raises:
        UsageError: a single member saw everything.
    """
    parts = len(localizer.modules)
    if parts < 2 or not (sources.clips or sources.queries):
        raise UsageError("no part of the data was kept from a member", "train members: 2 or more")
    if sources.clips:
        moved = float(localizer.checkpoint.provenance["arguments"]["mixture"]["misalign"])
        examples = validation_examples(sources, parts, VALIDATED, moved, on_progress)
        dataset = "joined clips"
    else:
        every = read_caption_examples(sources, parts)
        examples = [e for e in every if e.source and fold_of(e.source.video, FOLDS) != fold]
        dataset = "qvhighlights"
    figures = []
    for part in range(parts):
        own = [e for e in examples if e.part == part]
        member = member_of(localizer, part)
        ranked = [index_of(member, e).rank(e.query, RANKED) for e in own]
        windows = [np.column_stack([r.windows, r.scores]) for r in ranked]
        table: dict[str, float | None] = dict(moment_metrics(windows, [e.windows for e in own]))
        pairs = zip(own, ranked, strict=True)
        table["peak"] = 100 * float(np.mean([_inside(e, r.highlight) for e, r in pairs]))
        variant = str(localizer.checkpoint.provenance.get("variant", "ours"))
        split = f"{part}" if fold is None else f"{fold}/{part}"
        figures += figures_of(dataset, "validation", variant, split, table)
        if on_progress:
            on_progress(f"validation {split}", part + 1, parts)
    return figures


def member_of(localizer: Localizer, part: int) -> Localizer:
    """The member that never saw a part, with its rankers, alone."""
    each = len(localizer.rankers) // len(localizer.modules)
    rankers = localizer.rankers[part * each : (part + 1) * each]
    return replace(localizer, modules=(localizer.modules[part],), rankers=rankers)


def _inside(example: Example, values: NDArray[np.float64]) -> bool:
    peak = int(np.argmax(values))
    middle = float(example.video.edges[peak] + example.video.edges[peak + 1]) / 2
    return any(start <= middle < end for start, end in example.windows)
