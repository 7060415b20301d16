"""Your own moments: a CSV with the columns ``video,start,end,sentence`` (docs/your-data.md)."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from iptnet.data.annotation_file import read_text, short
from iptnet.data.moments import MAX_BAD, BadRowError, Ledger, MomentQuery, MomentSet, clipped_window
from iptnet.errors import InputError
from iptnet.timeline import Span

COLUMNS = ("video", "start", "end", "sentence")

_TIME = re.compile(r"(?:(?:([0-9]+):)?([0-9]{1,2}):)?([0-9]+(?:\.[0-9]*)?)")


def load_moments_csv(
    path: Path,
    durations: Mapping[str, float] | None = None,
    *,
    max_bad: float = MAX_BAD,
    slack: float = 0.5,
) -> MomentSet:
    """Read a CSV of moments.

    Rows with the same video and sentence become one query with several windows, named by the line
    of its first row.

    Args:
        path: UTF-8 (a byte mark is fine), comma, semicolon or tab, quoted as spreadsheets do; the
            first line names the columns, in any order; other columns are ignored. Times are seconds
            or ``[h:]mm:ss``.
        durations: seconds of each video; with it, rows about other videos are rejected.
        max_bad: share of rejected rows from which on the file is refused.
        slack: seconds by which an end may exceed its video and is clipped rather than rejected.

    Raises:
        InputError: unreadable, no such columns, an open quote, or too many rows are unusable.
    """
    ledger = Ledger(path)
    merged: dict[tuple[str, str], list[tuple[Span, int]]] = {}
    for line, cells in _rows(Path(path)):
        with ledger.row(line):
            video, start, end, sentence = cells
            for name, value in (("video", video), ("sentence", sentence)):
                if not value:
                    raise BadRowError("empty text", name)
            if durations is not None and video not in durations:
                raise BadRowError("unknown video", short(video))
            duration = None if durations is None else durations[video]
            span = clipped_window(
                seconds(start), seconds(end), duration, slack=slack, ledger=ledger
            )
            spans = merged.setdefault((video, sentence), [])
            for other, first in spans:
                if other == span:
                    raise BadRowError("duplicate row", f"same as line {first}")
            spans.append((span, line))
    queries = [
        MomentQuery(
            qid=spans[0][1],
            video=video,
            query=sentence,
            windows=tuple(span for span, _ in spans),
            duration=None if durations is None else durations[video],
            line=spans[0][1],
        )
        for (video, sentence), spans in merged.items()
        if spans
    ]
    return ledger.close(queries, max_bad)


def seconds(text: str) -> float:
    """A time as seconds (``83.5``) or as a clock shows it (``1:23.5``, ``0:01:23.5``).

    Raises:
        BadRowError: it is neither.
    """
    parts = _TIME.fullmatch(text)
    if parts is None:
        raise BadRowError("not a time", f"{short(text)} is neither seconds nor [h:]mm:ss")
    hours, minutes, rest = float(parts[1] or 0), float(parts[2] or 0), float(parts[3])
    if (parts[2] and rest >= 60) or (parts[1] and minutes >= 60):
        raise BadRowError("not a time", f"{short(text)} has 60 or more in a lower place")
    total = 3600 * hours + 60 * minutes + rest
    if not math.isfinite(total):
        raise BadRowError("not a time", f"{short(text)} is not finite")
    return total


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and the four cells, stripped, in the order of COLUMNS; blank rows left out."""
    text = read_text(path)
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        if missing := [c for c in COLUMNS if names.count(c) != 1]:
            raise InputError(
                f"{path}, line 1: no column {', '.join(missing)} among {short(head)}",
                f"begin the file with {','.join(COLUMNS)}",
            )
        places = [names.index(c) for c in COLUMNS]
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                # A row too short has empty cells, which the checks of each column name.
                padded = [*cells, *[""] * len(names)]
                yield line, [padded[p].strip() for p in places]
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: not CSV: {error}", "close the quotes, or export it again"
        ) from error
