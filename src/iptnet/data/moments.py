"""Sentences with the moments they describe, and the ledger of rows that could not be used.

Every loader of moments returns a :class:`MomentSet`: the queries, and a :class:`Report` that counts
each kind of problem and names the first few by file and line. A file with more bad rows than its
threshold (5 % by default) is refused whole, since then the file is wrong and not its rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import InputError
from iptnet.timeline import Span

MAX_BAD = 0.05
"""Share of unusable rows from which on a file is refused."""

NAMED = 5
"""Problems that a report names one by one."""

CLIP_SECONDS = 2.0
"""Length of the clips that QVHighlights grades."""


@dataclass(frozen=True, slots=True)
class MomentQuery:
    """A sentence about a video, and where in it the sentence is true.

    Attributes:
        qid: the query's name, unique in its file.
        video: the video's name as the annotation file gives it.
        query: the sentence.
        windows: true windows in seconds; at least one.
        duration: the video's seconds, or ``None`` where the file does not say.
        clips: indices of two-second clips that annotators graded.
        saliency: their grades 0–4, one tuple (one grade an annotator) per entry of ``clips``.
        line: line of the file, from 1; 0 for queries made in memory.
    """

    qid: int | str
    video: str
    query: str
    windows: tuple[Span, ...]
    duration: float | None = None
    clips: tuple[int, ...] = ()
    saliency: tuple[tuple[int, ...], ...] = ()
    line: int = 0

    @property
    def window_array(self) -> NDArray[np.float64]:
        """(G, 2) starts and ends, seconds."""
        return np.array([[w.start, w.end] for w in self.windows], dtype=np.float64).reshape(-1, 2)


def clip_saliency(query: MomentQuery) -> NDArray[np.float64]:
    """(C, A) grades of every two-second clip of the video; 0 where nobody graded.

    Raises:
        ValueError: the query has no grades or no duration.
    """
    if not query.saliency or query.duration is None:
        raise ValueError(f"query {query.qid!r} has no graded clips")
    grades = np.zeros((int(query.duration / CLIP_SECONDS), len(query.saliency[0])))
    grades[list(query.clips)] = query.saliency
    return grades


@dataclass(frozen=True, slots=True)
class Problem:
    """One row that could not be used: what kind, on which line, and what it said."""

    kind: str
    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a loader met.

    Attributes:
        path: the file.
        rows: rows seen, blank lines not counted.
        kept: rows that became (part of) a query.
        counts: rejected rows by kind.
        repaired: rows that were kept after a change, by kind.
        problems: the first few rejected rows.
    """

    path: Path
    rows: int
    kept: int
    counts: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def rejected(self) -> int:
        """Rows that were left out."""
        return self.rows - self.kept

    @property
    def text(self) -> str:
        """The report in words: a line for the file, then one for each named problem."""
        parts = [f"{self.path}: {self.kept} of {self.rows} rows"]
        parts += [f"{count} × {kind}" for kind, count in {**self.counts, **self.repaired}.items()]
        named = [f"{self.path}, line {p.line}: {p.kind}: {p.detail}" for p in self.problems]
        return "\n".join(["; ".join(parts), *named])


@dataclass(frozen=True, slots=True)
class MomentSet:
    """The queries of one file, in file order, with the report on it."""

    queries: tuple[MomentQuery, ...]
    report: Report


class BadRowError(ValueError):
    """A row that cannot be used; loaders raise it inside :meth:`Ledger.row`."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind = kind
        super().__init__(detail)


class Ledger:
    """Counts rows while a file is read, and decides in the end whether the file stands."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._rows = 0
        self._rejected: Counter[str] = Counter()
        self._repaired: Counter[str] = Counter()
        self._problems: list[Problem] = []

    @contextmanager
    def row(self, line: int) -> Iterator[None]:
        """Work on one row; a :class:`BadRowError` rejects it and is not passed on."""
        self._rows += 1
        try:
            yield
        except BadRowError as bad:
            self._rejected[bad.kind] += 1
            if len(self._problems) < NAMED:
                self._problems.append(Problem(bad.kind, line, str(bad)))

    def repair(self, kind: str) -> None:
        """Note that the current row is kept with a change."""
        self._repaired[kind] += 1

    def close(self, queries: list[MomentQuery], max_bad: float) -> MomentSet:
        """The result, unless too much of the file is bad.

        Raises:
            InputError: no row is usable, or more than ``max_bad`` of them are not.
        """
        bad = self._rejected.total()
        report = Report(
            path=self.path,
            rows=self._rows,
            kept=self._rows - bad,
            counts=dict(self._rejected.most_common()),
            repaired=dict(self._repaired.most_common()),
            problems=tuple(self._problems),
        )
        if self._rows == 0:
            raise InputError(f"{self.path} holds no rows", "check that it is the right file")
        if bad == self._rows or bad > max_bad * self._rows:
            kinds = ", ".join(f"{count} × {kind}" for kind, count in report.counts.items())
            first = "; ".join(f"line {p.line}: {p.kind}: {p.detail}" for p in self._problems)
            raise InputError(
                f"{self.path}: {bad} of {self._rows} rows are unusable ({kinds}): {first}",
                f"correct them, or allow more than {max_bad:.0%}",
            )
        return MomentSet(tuple(queries), report)


def window(start: float, end: float, duration: float | None) -> Span:
    """A true window, checked.

    Raises:
        BadRowError: it starts before 0, does not end after its start, or leaves the video.
    """
    if start < 0:
        raise BadRowError("start before 0", f"{start:g} s")
    if end <= start:
        raise BadRowError("end not after start", f"{start:g} s to {end:g} s")
    if duration is not None and end > duration:
        raise BadRowError("end beyond duration", f"{end:g} s in a video of {duration:g} s")
    return Span(start, end)


def clipped_window(
    start: float, end: float, duration: float | None, *, slack: float, ledger: Ledger
) -> Span:
    """A true window whose end may exceed the duration by ``slack`` seconds and is then clipped.

    Raises:
        BadRowError: as :func:`window`, or it starts at or after the video's end.
    """
    if duration is None or not duration < end <= duration + slack or end <= start:
        return window(start, end, duration)
    if start >= duration:
        raise BadRowError("start beyond duration", f"{start:g} s in a video of {duration:g} s")
    ledger.repair("end beyond duration, clipped")
    return window(start, duration, duration)
