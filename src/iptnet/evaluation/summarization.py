"""``iptnet evaluate`` for summarizers: a run folder by cross-validation, or one checkpoint.

A run folder's checkpoints are scored on the test videos of their own split, as their provenance
states them; a single checkpoint on every video it has not learnt from. Beside it stand random
scores, the people themselves and what others published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from iptnet.data.benchmark import BenchmarkVideo, load_benchmark
from iptnet.errors import InputError, UsageError
from iptnet.evaluation.predict import labels_of, predict, protocol_of, score_predictions
from iptnet.evaluation.published import NOTE, published
from iptnet.evaluation.results import Figure, record
from iptnet.evaluation.table import METRICS, Cell, Row, Table, summarise
from iptnet.features.recipe import Recipe
from iptnet.model.summarizer import Summarizer, load_summarizer
from iptnet.protocol.baseline import random_baseline
from iptnet.protocol.human import leave_one_out
from iptnet.protocol.rules import Labels, VideoScore, mean_score
from iptnet.protocol.splits import identity

OnProgress = Callable[[str, int, int | None], None]
FILES = {
    "last": "last.safetensors",
    "validation": "best.safetensors",
    "teacher": "teacher.safetensors",
    "test": "legacy.safetensors",
}
SELECTIONS = {
    "last": "last epoch",
    "validation": "best epoch on validation videos",
    "teacher": "mean teacher, last epoch",
    "test": "best epoch on the test videos: only to compare with the literature",
}
RANDOM, HUMAN = "random", "human"
REFERENCES = {
    RANDOM: ("random scores", "mean of 20 draws"),
    HUMAN: ("human", "each user against the others"),
}


class Evaluation:
    """Labelled videos of several files, and the figures of whoever is scored on them."""

    def __init__(self, data: Sequence[Path], on_progress: OnProgress | None = None) -> None:
        if not data:
            raise UsageError("no data files", "name them with --data")
        self.videos: dict[str, tuple[str, BenchmarkVideo, Recipe]] = {}
        for path in data:
            benchmark = load_benchmark(path)
            for video in benchmark.videos:
                name = f"{benchmark.dataset}/{video.name}"
                if identity(name) in self.videos:
                    raise InputError(f"{name} is in two files", "leave one of them out")
                self.videos[identity(name)] = (name, video, benchmark.recipe)
        self.on_progress = on_progress
        self._labels: dict[str, Labels] = {}

    def datasets(self) -> list[str]:
        """The sets at hand."""
        return sorted({n.partition("/")[0] for n in self.videos})

    def labels(self, same: str) -> Labels:
        """One video's labels, derived once."""
        if same not in self._labels:
            self._labels[same] = labels_of(same, self.videos[same][1])
        return self._labels[same]

    def score(self, summarizer: Summarizer, names: Iterable[str]) -> VideoScore:
        """Mean figures of a summarizer over videos, named by identity."""
        scores = []
        for name in names:
            _, video, recipe = self.videos[name]
            rows = predict(summarizer, {name: video}, recipe)
            scores += score_predictions(rows, {name: self.labels(name)}, [name])
        return mean_score(scores)

    def references(self, setting: str, names: Iterable[str]) -> list[Figure]:
        """Random and human figures on the named videos, per dataset."""
        out: list[Figure] = []
        todo = sorted(names)
        for dataset in sorted({n.partition("/")[0] for n in todo}):
            own = [n for n in todo if n.startswith(dataset + "/")]
            rules = protocol_of(dataset)
            chance, people = [], []
            for k, name in enumerate(own):
                self.tell(f"reference scores on {dataset}", k, len(own))
                chance.append(random_baseline(self.labels(name), rules, name))
                if len(self.labels(name).user_summaries) > 1:
                    people.append(leave_one_out(self.labels(name), rules))
            out += figures_of(mean_score(chance), dataset, setting, RANDOM)
            if people:
                out += figures_of(mean_score(people), dataset, setting, HUMAN)
        return out

    def tell(self, stage: str, done: int, total: int | None) -> None:
        """Progress, if anyone listens."""
        if self.on_progress:
            self.on_progress(stage, done, total)


def evaluate(
    checkpoint: Path,
    data: Sequence[Path],
    setting: str = "canonical",
    selection: str = "last",
    *,
    allow_seen: bool = False,
    results: Path | None = None,
    variant: str | None = None,
    on_progress: OnProgress | None = None,
) -> Table:
    """The protocol's table for a run folder or a checkpoint.

    Args:
        checkpoint: run folder of `iptnet train`, or a checkpoint file.
        data: benchmark files.
        setting: the splits that a run folder was trained on.
        selection: ``last`` epoch, best on ``validation``, its mean ``teacher``, or, as the
            literature does, best on the ``test`` videos themselves.
        allow_seen: also score videos that a single checkpoint was trained on.
        results: CSV file that receives every single figure.
        variant: its name there; the folder's or file's own by default.
        on_progress: told (stage, done, total).

    Raises:
        InputError: no checkpoints, no labels, or nothing but videos that were trained on.
        UsageError: the run is of another setting, or none of its data is given.
        IntegrityError: a broken file, or features of another recipe.
    """
    checkpoint = Path(checkpoint)
    name = variant or (checkpoint.name if checkpoint.is_dir() else checkpoint.stem)
    if selection not in FILES:
        raise UsageError(f"no selection {selection!r}", f"there are {', '.join(FILES)}")
    room = Evaluation([Path(p) for p in data], on_progress)
    if checkpoint.is_dir():
        own, tested, warnings = _run_folder(room, checkpoint, name, setting, selection)
    else:
        setting = "single checkpoint"
        own, tested, warnings = _single(room, checkpoint, name, setting, allow_seen=allow_seen)
    figures = own + room.references(setting, tested)
    if results is not None:
        record(Path(results), figures)
    rows: list[Row] = []
    notes = {name: (name, SELECTIONS[selection] if checkpoint.is_dir() else "")}
    measured = summarise(figures, notes | REFERENCES)
    for dataset in sorted({r.dataset for r in measured}):
        rows += [r for r in measured if r.dataset == dataset]
        for method, known in published(setting, dataset).items():
            rows.append(Row(dataset, method, {m: Cell(v) for m, v in known.items()}, 0, NOTE))
    return Table(setting, tuple(rows), tuple(warnings))


def figures_of(
    score: VideoScore,
    dataset: str,
    setting: str,
    variant: str,
    place: tuple[str, str, str] = ("", "", ""),
) -> list[Figure]:
    """A mean score as single figures; ``place`` is split, seed and selection."""
    values = asdict(score)
    return [Figure(dataset, setting, variant, *place, m, values[m]) for m in METRICS]


def _run_folder(
    room: Evaluation, run: Path, variant: str, setting: str, selection: str
) -> tuple[list[Figure], set[str], list[str]]:
    paths = sorted(run.glob(f"*/split-*/seed-*/{FILES[selection]}"))
    if not paths:
        raise InputError(
            f"no {FILES[selection]} in {run}", "train it to the end, or choose another selection"
        )
    figures: list[Figure] = []
    tested: set[str] = set()
    skipped: set[str] = set()
    for k, path in enumerate(paths):
        room.tell(f"scoring {variant}", k, len(paths))
        summarizer = load_summarizer(path)
        about = summarizer.checkpoint.provenance
        if about["setting"] != setting:
            raise UsageError(
                f"{run} was trained on {about['setting']} splits",
                f"say --setting {about['setting']}",
            )
        names = [identity(n) for n in about["test"]]
        seen = {identity(n) for n in (*about["train"], *about["validation"])}
        if leak := sorted(seen & set(names)):
            raise InputError(f"{path} was trained on its test video {leak[0]}", "do not use it")
        if not all(n in room.videos for n in names):
            skipped.add(str(about["dataset"]))
            continue
        score = room.score(summarizer, names)
        place = (str(about["split"]), str(about["seed"]), selection)
        figures += figures_of(score, str(about["dataset"]), setting, variant, place)
        tested |= set(names)
    if not figures:
        raise UsageError(
            f"none of {run}'s test videos are in the data", "name the files with --data"
        )
    warnings = [f"{d} was left out: not all of its test videos are given" for d in sorted(skipped)]
    return figures, tested, warnings


def _single(
    room: Evaluation, path: Path, variant: str, setting: str, *, allow_seen: bool
) -> tuple[list[Figure], set[str], list[str]]:
    summarizer = load_summarizer(path)
    about = summarizer.checkpoint.provenance
    seen = {identity(n) for n in (*about.get("train", ()), *about.get("validation", ()))}
    known = sorted(seen & set(room.videos))
    names = [n for n in room.videos if allow_seen or n not in seen]
    if not names:
        raise InputError(
            f"{path} was trained on all {len(known)} of these videos",
            "give others, or --allow-seen for figures that mean little",
        )
    if known:
        how = "figures on them mean little" if allow_seen else "they are left out"
    warnings = [f"{len(known)} videos were trained on: {how}"] if known else []
    figures: list[Figure] = []
    for dataset in room.datasets():
        own = [n for n in names if n.startswith(dataset + "/")]
        if own:
            figures += figures_of(room.score(summarizer, own), dataset, setting, variant)
    return figures, set(names), warnings
