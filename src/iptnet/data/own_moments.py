"""Your own moments: a CSV with the columns ``video,start,end,sentence`` (docs/your-data.md)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from iptnet.data.annotation_file import short
from iptnet.data.moments import MAX_BAD, BadRowError, Ledger, MomentQuery, MomentSet, clipped_window
from iptnet.data.spreadsheet import read_table
from iptnet.data.times import decimal_marks, seconds
from iptnet.timeline import Span

COLUMNS = ("video", "start", "end", "sentence")

GUESSED = "not UTF-8, read as Windows-1252"
"""What a report says of such a file, since sentences and names may have come out wrong."""


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
        path: a table as spreadsheets write it (:func:`iptnet.data.spreadsheet.read_table`); the
            first line names the columns, in any order; other columns are ignored. Times are seconds
            or ``[h:]mm:ss``, with a decimal point or comma.
        durations: seconds of each video; with it, rows about other videos are rejected.
        max_bad: share of rejected rows from which on the file is refused.
        slack: seconds by which an end may exceed its video and is clipped rather than rejected.

    Raises:
        InputError: unreadable, no such columns, an open quote, a row longer than the first line, or
            too many rows are unusable.
    """
    ledger, table = Ledger(path), read_table(Path(path), COLUMNS)
    if table.guessed:
        ledger.repair(GUESSED)
    times = (time for _, (_, start, end, _) in table.rows for time in (start, end))
    marks = decimal_marks(times, table.separator)
    merged: dict[tuple[str, str], list[tuple[Span, int]]] = {}
    for line, (video, start, end, sentence) in table.rows:
        with ledger.row(line):
            for name, value in (("video", video), ("sentence", sentence)):
                if not value:
                    raise BadRowError("empty text", name)
            if durations is not None and video not in durations:
                raise BadRowError("unknown video", short(video))
            duration = None if durations is None else durations[video]
            first, last = seconds(start, marks), seconds(end, marks)
            span = clipped_window(first, last, duration, slack=slack, ledger=ledger)
            spans = merged.setdefault((video, sentence), [])
            for other, before in spans:
                if other == span:
                    raise BadRowError("duplicate row", f"same as line {before}")
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
