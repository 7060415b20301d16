"""A user's CSV as spreadsheets and editors really write it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.data.moments import BadRowError
from iptnet.data.own_moments import load_moments_csv
from iptnet.data.times import seconds
from iptnet.errors import InputError
from iptnet.timeline import Span

HEAD = "video,start,end,sentence"


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines), encoding=encoding)
    return path


def test_reads_what_a_spreadsheet_writes(tmp_path: Path) -> None:
    path = write(
        tmp_path / "m.csv",
        " Sentence ;END;note;start;Video\r",
        '"She said ""hi"";\nthen left.";0:01:23.5;x;1:02;a b.mp4\r',
        "Zweiter Satz, größer;12.5;;3;b.mp4",
        ";;;;",
        encoding="utf-8-sig",
    )
    first, second = load_moments_csv(path).queries
    assert first.query == 'She said "hi";\nthen left.'
    assert (first.video, first.windows, first.line) == ("a b.mp4", (Span(62.0, 83.5),), 2)
    assert (second.query, second.windows, second.line) == (
        "Zweiter Satz, größer",
        (Span(3.0, 12.5),),
        4,
    )


def test_rows_of_one_sentence_are_one_query(tmp_path: Path) -> None:
    path = write(tmp_path / "m.csv", HEAD, "a,0,2,dog", "a,3,4,cat", "a,5,7,dog", "b,0,2,dog")
    found = load_moments_csv(path)
    assert [(q.qid, q.video, len(q.windows)) for q in found.queries] == [
        (2, "a", 2),
        (3, "a", 1),
        (5, "b", 1),
    ]
    assert found.report.kept == 4


def test_ends_a_little_late_are_clipped(tmp_path: Path) -> None:
    found = load_moments_csv(write(tmp_path / "m.csv", HEAD, "a,1,10.4,x"), {"a": 10.0})
    assert found.queries[0].windows == (Span(1, 10.0),)
    assert found.report.repaired == {"end beyond duration, clipped": 1}


BAD = [
    ("end beyond duration", "a,1,10.6,x"),
    ("end not after start", "a,3,2,x"),
    ("end not after start", "a,3,3,x"),
    ("start beyond duration", "a,10.1,10.3,x"),
    ("unknown video", "c,1,2,x"),
    ("empty text", "a,1,2, "),
    ("empty text", ",1,2,x"),
    ("empty text", "a,1,2"),
    ("not a time", "a,-1,2,x"),
    ("not a time", "a,one,2,x"),
    ("not a time", "a,nan,2,x"),
    ("not a time", "a,0:61,2,x"),
    ("not a time", "a,1:60:00,2,x"),
    ("duplicate row", "a,0,1,s 0"),
]


@pytest.mark.fault(12)
@pytest.mark.parametrize(("kind", "line"), BAD, ids=[f"{i}-{k}" for i, (k, _) in enumerate(BAD)])
def test_bad_rows_are_counted_and_named(tmp_path: Path, kind: str, line: str) -> None:
    path = write(tmp_path / "m.csv", HEAD, *(f"a,0,1,s {i}" for i in range(30)), line)
    found = load_moments_csv(path, {"a": 10.0})
    assert len(found.queries) == 30
    assert found.report.counts == {kind: 1}
    assert found.report.problems[0].line == 32
    with pytest.raises(InputError, match=f"line 32: {kind}"):
        load_moments_csv(path, {"a": 10.0}, max_bad=0.0)


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["a,0,1,x"], "line 1: no column video, start, end, sentence"),
        (["video,start,end,end,sentence", "a,0,1,1,x"], "no column end"),
        ([HEAD, "a,0,1,fine", 'a,0,1,"open', "a,1,2,x"], "line 3: not CSV"),
        ([HEAD, 'a,0,1,"shut"x'], "line 2: not CSV"),
        ([HEAD, f"a,0,1,{'x' * 200_000}"], "line 2: not CSV"),
        ([HEAD], "no rows"),
        ([""], "no column"),
    ],
)
def test_files_that_are_no_table(tmp_path: Path, lines: list[str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        load_moments_csv(write(tmp_path / "m.csv", *lines))


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("83.5", 83.5), ("1:23.5", 83.5), ("90:00", 5400), ("1:00:00", 3600)],
)
def test_times(text: str, value: float) -> None:
    assert seconds(text) == value


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_time_is_read_or_refused(text: str) -> None:
    try:
        assert 0 <= seconds(text) < float("inf")
    except BadRowError as bad:
        assert bad.kind == "not a time"


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
            .map(str.strip)
            .filter(bool),
            st.integers(0, 9999),
            st.integers(1, 99),
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
            .map(str.strip)
            .filter(bool),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda r: (r[0], r[3]),
    )
)
def test_what_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, int, str]]
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(HEAD.split(","))
    writer.writerows((v, s, s + d, t) for v, s, d, t in rows)
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(buffer.getvalue().encode())
    found = load_moments_csv(path)
    assert [(q.video, q.windows[0].start, q.query) for q in found.queries] == [
        (v, s, t) for v, s, _, t in rows
    ]
