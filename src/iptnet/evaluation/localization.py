"""Score localizers: QVHighlights by folds, and clips nobody trained on joined into long videos.

A run folder of ``setting: folds`` is scored on each fold's own queries. A single localizer is
scored on the held-out clips, joined eight a video several times over, one caption a clip asking;
QVHighlights queries that it was trained on are refused. Beside each stand the untrained cosine
threshold and the plain run on the same features and grid. Of ours, ``peak`` is the first answer's
middle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.baselines.cosine_threshold import cosine_map, threshold_moments
from iptnet.baselines.plain_run import plain_moments, smoothed_cosine
from iptnet.checkpoint import Checkpoint
from iptnet.data.moments import clip_saliency
from iptnet.data.qvhighlights import fold_of
from iptnet.errors import InputError, UsageError
from iptnet.evaluation.localization_figures import PLAIN, RANKED, THRESHOLD, figures_of, index_of
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
)

OnProgress = Callable[[str, int, int | None], None]
JOININGS = 6
"""Times that the held-out clips are joined anew, with other captions; one seed each."""

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
        selection: only ``last``: a localizer keeps no other.
        allow_seen: score queries that the localizer was trained on, too.
        results: CSV file that receives every single figure.
        on_progress: told (stage, queries done, queries).

    Raises:
        InputError: no such checkpoint or data.
        UsageError: not exactly one data folder, another selection, or nothing to score.
    """
    if selection != "last":
        raise UsageError(f"a localizer has no selection {selection!r}", "give --selection last")
    if len(data) != 1:
        raise UsageError("the localizer's data is one folder", "give --data once")
    checkpoint = Path(checkpoint)
    warnings: list[str] = []
    figures: list[Figure] = []
    if checkpoint.is_dir() and not (checkpoint / NAME).is_file():
        figures = _by_folds(checkpoint, data[0], on_progress)
    else:
        path = checkpoint / NAME if checkpoint.is_dir() else checkpoint
        localizer = load_localizer(path)
        sources = sources_of(localizer.checkpoint, data[0])
        if sources.clips:
            figures += joined_figures(localizer, sources, on_progress)
        if sources.test:
            figures += own_figures(localizer, sources, on_progress)
        if sources.queries and allow_seen:
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


def _by_folds(run: Path, root: Path, on_progress: OnProgress | None) -> list[Figure]:
    paths = [run / f"fold-{f}" / NAME for f in range(FOLDS)]
    if not all(p.is_file() for p in paths):
        raise InputError(f"{run} does not hold {FOLDS} trained folds", "finish the training first")
    figures = []
    examples: list[Example] = []
    for fold, path in enumerate(paths):
        localizer = load_localizer(path)
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
    """Measure one fold of QVHighlights: ours and the untrained baselines."""
    truths = [e.windows for e in examples]
    grades = [clip_saliency(e.source) for e in examples if e.source]
    ours, salient = [], []
    for done, example in enumerate(examples):
        index = index_of(localizer, example)
        ranked = index.rank(example.query, RANKED)
        ours.append(np.column_stack([ranked.windows, ranked.scores]))
        salient.append(index.saliency(example.query))
        if on_progress:
            on_progress(f"QVHighlights {split}", done + 1, len(examples))
    variant = str(localizer.checkpoint.provenance.get("variant", "ours"))
    sentences = [e.tokens.mean(axis=0) for e in examples]
    pairs = list(zip(examples, sentences, strict=True))
    floor = [threshold_moments(e.video.edges, e.video.vectors, s, RANKED) for e, s in pairs]
    maps = [cosine_map(e.video.vectors, s) for e, s in pairs]
    plain = [plain_moments(e.video.edges, e.video.vectors, s, RANKED) for e, s in pairs]
    smooth = [smoothed_cosine(e.video.vectors, s, e.video.step) for e, s in pairs]
    figures = []
    for name, windows, scores in (
        (variant, ours, salient),
        (THRESHOLD, floor, maps),
        (PLAIN, plain, smooth),
    ):
        table = {**moment_metrics(windows, truths), **highlight_metrics(scores, grades)}
        figures += figures_of("qvhighlights", setting, name, split, table)
    return figures


def joined_figures(
    localizer: Localizer, sources: SourceArguments, on_progress: OnProgress | None = None
) -> list[Figure]:
    """Measure the held-out clips, one set a joining: ours and the untrained baselines."""
    figures = []
    variant = str(localizer.checkpoint.provenance.get("variant", "ours"))
    for seed, examples in enumerate(held_out_examples(sources, JOININGS, on_progress)):
        truths = [e.windows for e in examples]
        windows: dict[str, list[NDArray[np.float64]]] = {variant: [], THRESHOLD: [], PLAIN: []}
        peaks: dict[str, list[bool]] = {name: [] for name in windows}
        for example in examples:
            video, sentence = example.video, example.tokens.mean(axis=0)
            ranked = index_of(localizer, example).rank(example.query, RANKED)
            windows[variant].append(np.column_stack([ranked.windows, ranked.scores]))
            windows[THRESHOLD].append(
                threshold_moments(video.edges, video.vectors, sentence, RANKED)
            )
            windows[PLAIN].append(plain_moments(video.edges, video.vectors, sentence, RANKED))
            smooth = smoothed_cosine(video.vectors, sentence, video.step)
            peaks[THRESHOLD].append(_inside(example, cosine_map(video.vectors, sentence)))
            peaks[PLAIN].append(_inside(example, smooth))
            peaks[variant].append(_is_inside(example, float(ranked.windows[0].mean())))
        for name, answers in windows.items():
            table: dict[str, float | None] = dict(moment_metrics(answers, truths))
            table["peak"] = 100 * float(np.mean(peaks[name]))
            figures += figures_of("joined clips", "held out", name, str(seed), table)
    return figures


def _inside(example: Example, values: NDArray[np.float64]) -> bool:
    peak = int(np.argmax(values))
    return _is_inside(example, float(example.video.edges[peak : peak + 2].mean()))


def _is_inside(example: Example, time: float) -> bool:
    return any(start <= time < end for start, end in example.windows)
