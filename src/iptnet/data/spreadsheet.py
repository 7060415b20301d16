"""Tables as spreadsheets write them: comma, semicolon, tab or bar, quotes where they are needed.

A row that is longer than the first line nearly always holds a sentence with a comma that lacks its
quotes. What such a file means can only be guessed, so it is refused, by line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from iptnet.data.annotation_file import read_spreadsheet_text, short
from iptnet.errors import InputError

if TYPE_CHECKING:
    from _csv import Reader

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

SHOWN = 60
"""Characters of a row that an error repeats."""

_SAID = re.compile(r'"?sep=([,;\t|])"?[ ]*(?:\r\n|\n|\r)', re.IGNORECASE)
"""The line with which a file for Excel states its separator."""


@dataclass(frozen=True, slots=True)
class Table:
    """The columns that were asked for.

    Attributes:
        separator: what stands between the cells of the file.
        rows: line number (from 1) and the cells, stripped, in the order of the columns asked for;
            blank rows are left out, and a row too short has empty cells.
        guessed: the file is not UTF-8, and was read as Windows-1252.
    """

    separator: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    guessed: bool


def read_table(path: Path, columns: Sequence[str]) -> Table:
    """Read some columns of a table by the names in its first line.

    Args:
        path: UTF-8, UTF-16 with a byte mark, or Windows-1252; plain or gzip.
        columns: their names in lower case. The file may have them in any case and order, and others
            besides.

    Raises:
        InputError: unreadable, a column is missing or comes twice, an open quote, or a row longer
            than the first line.
        LimitError: more text than 256 MiB.
    """
    text, guessed = read_spreadsheet_text(path)
    separator = separator_of(text, columns)
    rows = _rows(path, text, separator)
    at, head = next(rows, (1, []))
    names = [_name(cell) for cell in head]
    if missing := [c for c in columns if names.count(c) != 1]:
        raise InputError(
            f"{path}, line {at}: no column {', '.join(missing)} among "
            f"{short(separator.join(head))}",
            f"begin the file with {','.join(columns)}",
        )
    while not names[-1]:  # a trailing separator makes no column
        names.pop()
    places = [names.index(c) for c in columns]
    kept, long = [], list[tuple[int, list[str]]]()
    for line, cells in rows:
        if any(cell.strip() for cell in cells[len(names) :]):
            long.append((line, cells))
        padded = [*cells, *[""] * len(names)]
        kept.append((line, tuple(padded[p].strip() for p in places)))
    if long:
        raise _too_long(path, long, len(names), SEPARATORS[separator], separator)
    return Table(separator, tuple(kept), guessed)


def separator_of(text: str, columns: Sequence[str]) -> str:
    """The separator with which the first line names all columns; else its most frequent one."""
    if said := _SAID.match(text):
        return said[1]
    head = re.split(r"\r\n|\n|\r", text.lstrip("\r\n"), maxsplit=1)[0]
    for separator in SEPARATORS:
        try:
            names = [
                _name(cell)
                for cell in next(csv.reader([head], delimiter=separator, skipinitialspace=True), [])
            ]
        except csv.Error:
            continue
        if set(columns) <= set(names):
            return separator
    return max(SEPARATORS, key=head.count)


def is_table(path: Path, columns: Sequence[str]) -> bool:
    """Tell whether a file's first line names these columns.

    Raises:
        InputError, LimitError: as :func:`read_table`, of a file that cannot be read at all.
    """
    text, _ = read_spreadsheet_text(path)
    body = text[said.end() :] if (said := _SAID.match(text)) else text
    head = re.split(r"\r\n|\n|\r", body.lstrip(), maxsplit=1)[0].lower()
    return "##" not in head and not head.startswith("{") and all(c in head for c in columns)


def _reader(lines: Iterable[str], separator: str) -> Reader:
    return csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)


def _rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not blank."""
    before = 1 if (said := _SAID.match(text)) else 0
    body = io.StringIO(text[said.end() :] if said else text, newline="")
    reader = _reader(body, separator)
    line = before + 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = before + reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: not CSV: {error}", "close the quotes, or export it again"
        ) from error


def _too_long(
    path: Path, long: list[tuple[int, list[str]]], width: int, name: str, separator: str
) -> InputError:
    line, cells = long[0]
    more = f" ({len(long)} such lines)" if len(long) > 1 else ""
    row = separator.join(cells)
    return InputError(
        f"{path}, line {line}: {len(cells)} cells, but the first line names {width} columns{more}: "
        f"{row if len(row) <= SHOWN else row[:SHOWN] + '…'}",
        f"put a text or number that holds a {name} into double quotes"
        + _example(cells, width, separator),
    )


def _example(cells: list[str], width: int, separator: str) -> str:
    """The text that was probably torn apart, where one place has nothing but words."""
    torn = len(cells) - width + 1
    places = [cells[p : p + torn] for p in range(width)]
    worded = [place for place in places if all(any(map(str.isalpha, c)) for c in place)]
    if not worded:
        return ""
    # Sentences have more letters than names of files.
    best = max(worded, key=lambda place: sum(map(str.isalpha, "".join(place))))
    whole = f"{separator} ".join(best).strip().replace('"', '""')
    return f', such as "{whole}"' if len(whole) <= SHOWN else ""


def _name(cell: str) -> str:
    return " ".join(cell.strip("\ufeff\u200b \t\r\n").split()).lower()
