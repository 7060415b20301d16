"""Score a joint run folder: summarizers on their test videos, localizers on their unseen fold.

The localizer of split k never saw fold k of QVHighlights, so R@1 and mIoU of its span predictor on
that fold say what the summarization data did for it. Student and teacher stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from iptnet.data.qvhighlights import fold_of
from iptnet.errors import InputError, UsageError
from iptnet.evaluation.localization import sources_of
from iptnet.evaluation.moment_table import MomentTable, rows_of
from iptnet.evaluation.own_moments import own_examples
from iptnet.evaluation.results import Figure, record
from iptnet.evaluation.summarization import evaluate
from iptnet.evaluation.table import Table
from iptnet.model.localization.module import LocalizationModule
from iptnet.model.localizer import load_localizer
from iptnet.protocol.moments import moment_metrics
from iptnet.selection.moments import decode_span
from iptnet.training.joint import LOCALIZER
from iptnet.training.joint_arguments import load_joint
from iptnet.training.moment_batches import collate, target_of
from iptnet.training.moment_examples import Example
from iptnet.training.moment_sources import FOLDS, read_caption_examples
from iptnet.training.summarization import LAST

OnProgress = Callable[[str, int, int | None], None]
METRICS = ("MR-full-R1@0.3", "MR-full-R1@0.5", "MR-full-R1@0.7", "MR-full-mIoU")
"""Of the first answer alone: the literature's table for this method has no lists."""

BATCH = 32


def evaluate_joint(
    run: Path,
    data: Sequence[Path],
    selection: str = "last",
    *,
    results: Path | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Table | None, MomentTable | None]:
    """The tables of a joint run folder.

    Args:
        run: what `iptnet train` left.
        data: benchmark h5 files, and the folder of localization data if localizers are wanted.
        selection: which summarizers; see :data:`iptnet.evaluation.summarization.FILES`.
        results: CSV file that receives every single figure.
        on_progress: told (stage, done, total).

    Returns:
        the summarizers' table and the localizers', ``None`` where there are none.

    Raises:
        InputError: the run is not finished, or data that cannot be read.
        UsageError: nothing to score.
    """
    arguments = load_joint(run / "config.yaml")
    files, folders = [p for p in data if not p.is_dir()], [p for p in data if p.is_dir()]
    summaries, moments = None, None
    if files and any(run.glob(f"*/split-*/seed-*/{LAST}")):
        summaries = evaluate(
            run,
            files,
            arguments.setting,
            selection,
            results=results,
            variant=arguments.variant,
            on_progress=on_progress,
        )
    if folders and any(run.glob(f"*/split-*/seed-*/{LOCALIZER}")):
        figures = localizer_figures(run, folders[0], arguments.variant, on_progress)
        if results is not None:
            record(results, figures)
        moments = MomentTable(rows_of(figures))
    if summaries is None and moments is None:
        raise UsageError(
            f"{run} and the data given have nothing to score",
            "name the h5 files and the folder of moments with --data, and finish the training",
        )
    return summaries, moments


def localizer_figures(
    run: Path, root: Path, variant: str, on_progress: OnProgress | None = None
) -> list[Figure]:
    """R@1 and mIoU of every localizer of a run on the fold that it never saw, and on the test file.

    Raises:
        InputError: a localizer that was trained on everything.
    """
    captions: list[Example] = []
    figures: list[Figure] = []
    paths = sorted(run.glob(f"*/split-*/seed-*/{LOCALIZER}"))
    for done, path in enumerate(paths):
        localizer = load_localizer(path, "torch")
        about = localizer.checkpoint.provenance
        sources = sources_of(localizer.checkpoint, root)
        module = localizer.module
        assert isinstance(module, LocalizationModule)
        judged: dict[str, Sequence[Example]] = {}
        if sources.queries:
            if about.get("fold") is None:
                raise InputError(
                    f"{path} was trained on all annotated moments", "score another run"
                )
            captions = captions or read_caption_examples(sources, 1)
            fold = int(about["fold"])
            judged["qvhighlights"] = [
                e for e in captions if e.source and fold_of(e.source.video, FOLDS) == fold
            ]
        if sources.test:
            judged[Path(sources.test).name] = own_examples(localizer, sources, whole=False)[0]
        place = (str(about["split"]), str(about["seed"]), "last")
        for name, own in judged.items():
            found = first_answers(module, own)
            table = moment_metrics([w[None] for w in found], [e.windows for e in own])
            with_what = (f"{name} with {about['dataset']}", str(about["setting"]), variant)
            figures += [
                Figure(*with_what, *place, m, value)
                for m in METRICS
                if (value := table[m]) is not None
            ]
        if on_progress:
            on_progress("scoring localizers", done + 1, len(paths))
    return figures


def first_answers(
    module: LocalizationModule, examples: Sequence[Example]
) -> list[NDArray[np.float64]]:
    """The span predictor's answer to each example, ``(3,)``: start, end, probability."""
    found = []
    for at in range(0, len(examples), BATCH):
        part = examples[at : at + BATCH]
        batch = collate(part, [target_of(e, 0.0) for e in part])
        with torch.inference_mode():
            out = module(
                batch.video,
                batch.mask,
                batch.query,
                batch.words,
                unknown=batch.unknown,
                characters=batch.characters,
            )
        starts, ends = out.start.softmax(dim=1).numpy(), out.end.softmax(dim=1).numpy()
        for example, start, end in zip(part, starts, ends, strict=True):
            first, last = decode_span(start, end)
            edges = example.video.edges
            found.append(np.array([edges[first], edges[last + 1], start[first] * end[last]]))
    return found
