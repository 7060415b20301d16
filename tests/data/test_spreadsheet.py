"""Tables of moments as spreadsheets of several languages save them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.data.own_moments import COLUMNS, GUESSED, load_moments_csv
from iptnet.data.spreadsheet import is_table, read_table
from iptnet.data.times import decimal_marks, seconds
from iptnet.errors import InputError
from iptnet.timeline import Span

HEAD = "video,start,end,sentence"
GERMAN = (
    "video;start;end;sentence\r\ngarten.mp4;2,0;7,5;a dog runs\r\nküche.mp4;3;9,25;she cuts\r\n"
)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def moments(path: Path) -> list[tuple[str, Span, str]]:
    return [(q.video, q.windows[0], q.query) for q in load_moments_csv(path, max_bad=0).queries]


@pytest.mark.fault(12)
def test_a_comma_without_quotes_is_refused_by_line(cases: Path) -> None:
    with pytest.raises(InputError, match=r"line 2: 5 cells.* names 4 columns") as refused:
        load_moments_csv(cases / "moments_comma_in_sentence.csv")
    assert "double quotes" in refused.value.remedy and '"a dog runs, barks"' in refused.value.remedy


def test_a_german_table_is_read(cases: Path) -> None:
    assert moments(cases / "moments_excel_german.csv") == [
        ("garden.mp4", Span(2.0, 7.5), "a dog runs"),
        ("garden.mp4", Span(12.0, 20.0), "a child laughs"),
        ("kitchen.mp4", Span(3.0, 9.0), "someone cuts bread"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_encodings_line_ends_and_separators(
    tmp_path: Path, encoding: str, end: str, separator: str
) -> None:
    text = GERMAN.replace("\r\n", end).replace(";", separator) + end + separator * 3 + end
    path = write(tmp_path / "m.csv", text.encode(encoding))
    assert moments(path) == [
        ("garten.mp4", Span(2.0, 7.5), "a dog runs"),
        ("küche.mp4", Span(3.0, 9.25), "she cuts"),
    ]
    repaired = load_moments_csv(path).report.repaired
    assert repaired == ({GUESSED: 1} if encoding == "cp1252" else {})


@pytest.mark.fault(12)
def test_sixteen_bits_without_a_mark_are_refused(tmp_path: Path) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        with pytest.raises(InputError, match=r"looks like UTF-16.*CSV UTF-8"):
            load_moments_csv(write(tmp_path / "m.csv", GERMAN.encode(encoding)))
    with pytest.raises(InputError, match="looks like UTF-16"):
        load_moments_csv(write(tmp_path / "m.csv", b"\xff\xfe" + GERMAN.encode("utf-16-le")[:-1]))
    with pytest.raises(InputError, match="line 2: not UTF-8"):  # Windows-1252 has no such byte
        load_moments_csv(write(tmp_path / "m.csv", HEAD.encode() + b"\na,0,1,\x81\n"))


@pytest.mark.parametrize(
    "text",
    [
        f'{HEAD}\na.mp4,"2,5","7,25",a dog\n',
        '\n\n"Video", START ,  End,Sentence\na.mp4, 2.5, 7.25, "a dog"\n',
        f"sep=;\r\n{HEAD.replace(',', ';')}\r\na.mp4;2,5;7,25;a dog\r\n",
        f"{HEAD},,\na.mp4,2.5,7.25,a dog,,\n",
        f"{HEAD},note\na.mp4,2.5,7.25,a dog\n",
        f",{HEAD}\n0,a.mp4,2.5,7.25,a dog\n",
        f'{HEAD}\na.mp4,00:00:02.5,"00:00:07,250",a dog\n',
        f"{HEAD}\na.mp4,0:02.5,0:07.25,a dog\n\n,,,\n   \n",
    ],
)
def test_what_else_says_the_same(tmp_path: Path, text: str) -> None:
    assert moments(write(tmp_path / "m.csv", text)) == [("a.mp4", Span(2.5, 7.25), "a dog")]


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{HEAD}\na,0,1,fine\n\na,2,5,7,5,a dog\n", 4),
        (f"{HEAD}\na,0,1,fine\na,2,7,one, two, three\n", 3),
        (f"{HEAD},\na,0,1,one, two\n", 2),
        (f"{HEAD},,,\na,0,1,one, two\n", 2),
        (f'{HEAD}\na,0,1,"one\ntwo"\na,0,1,one, two\n', 4),
        (f"sep=,\n{HEAD}\na,0,1,one, two\n", 3),
        ("video;start;end;sentence\na;0;1;one; two\n", 2),
        ("video\tstart\tend\tsentence\na\t0\t1\tone\ttwo\n", 2),
    ],
)
def test_a_row_longer_than_the_first_is_refused(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(InputError, match=rf"m\.csv, line {line}: \d cells.*double quotes"):
        load_moments_csv(write(tmp_path / "m.csv", text), max_bad=1.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{HEAD}\ng.mp4,1,2,a dog runs, barks\n", ', such as "a dog runs, barks"'),
        ("sentence,video,start,end\na dog, barks,g.mp4,1,2\n", ', such as "a dog, barks"'),
        (f"{HEAD}\nmy, video.mp4,1,2,a dog\n", ', such as "my, video.mp4"'),
        (f"{HEAD}\ng.mp4,1,5,2,5,a dog\n", "double quotes"),  # nothing but words: no example
    ],
)
def test_the_example_is_what_was_torn_apart(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as refused:
        load_moments_csv(write(tmp_path / "m.csv", text))
    assert str(refused.value).endswith(told)


def test_one_long_row_in_a_thousand_is_refused_too(tmp_path: Path) -> None:
    rows = "".join(f"a,0,1,s {k}\n" for k in range(1000))
    with pytest.raises(InputError, match="line 1002: 5 cells"):
        load_moments_csv(write(tmp_path / "m.csv", f"{HEAD}\n{rows}a,0,1,one, two\n"))


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        ("1.234", "7.5", Span(1.234, 7.5)),
        ("1.234", "2.345", Span(1.234, 2.345)),
        ('"1,234"', '"7,5"', Span(1.234, 7.5)),
        ('"0,250"', '"1,234"', Span(0.25, 1.234)),
        ('"1234,567"', '"2345,678"', Span(1234.567, 2345.678)),
        ("1234", "2345", Span(1234, 2345)),
        ('"0:01,234"', "2:00", Span(1.234, 120)),
    ],
)
def test_three_digits_are_read_where_the_file_tells(
    tmp_path: Path, start: str, end: str, span: Span
) -> None:
    path = write(tmp_path / "m.csv", f"{HEAD}\na,{start},{end},x\n")
    assert moments(path) == [("a", span, "x")]


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ('"1,234"', '"2,345"', r"'1,234' may be 1.234 s or 1234 s"),
        ("1.234", '"7,5"', r"'1.234' may be 1.234 s or 1234 s"),
        ('"1,234"', "2.5", r"'1,234' may be 1.234 s or 1234 s"),
        ('"1,234.5"', '"2,345.5"', "groups thousands"),
        ('"1.234,5"', '"2.345,5"', "groups thousands"),
        ("1 234", "2 345", "groups thousands"),
        ("1'234", "2'345", "groups thousands"),
        ("1\u00a0234", "2\u00a0345", "groups thousands"),
    ],
)
def test_what_may_be_thousands_is_refused(tmp_path: Path, start: str, end: str, why: str) -> None:
    with pytest.raises(InputError, match=f"line 2: not a time: .*{why}"):
        load_moments_csv(write(tmp_path / "m.csv", f"{HEAD}\na,{start},{end},x\n"))


@pytest.mark.fault(12)
def test_points_among_semicolons_may_be_thousands(tmp_path: Path) -> None:
    text = "video;start;end;sentence\na;1.234;2.345;x\n"
    with pytest.raises(InputError, match=r"may be 1\.234 s or 1234 s"):
        load_moments_csv(write(tmp_path / "m.csv", text))
    told = write(tmp_path / "m.csv", text + "a;0.5;1.5;y\n")
    assert moments(told)[0] == ("a", Span(1.234, 2.345), "x")


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3_000_000), min_size=1, max_size=6),
    st.sampled_from([".", ","]),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([",", ";"]),
)
def test_a_number_is_read_right_or_refused(
    thousandths: list[int], mark: str, digits: int, grouped: bool, separator: str
) -> None:
    """However a locale writes numbers, none comes out as another number."""
    values = [round(t / 1000, digits) for t in thousandths]
    other = "." if mark == "," else ","
    texts = [f"{v:,.{digits}f}" if grouped else f"{v:.{digits}f}" for v in values]
    swapped = [t.translate(str.maketrans({",": other, ".": mark})) for t in texts]
    marks = decimal_marks(swapped, separator)
    for value, text in zip(values, swapped, strict=True):
        try:
            read = seconds(text, marks)
        except ValueError:
            continue
        # A comma table of whole numbers alone, grouped by points, is what nothing can tell.
        if not (grouped and digits == 0 and other == "." and separator == ","):
            assert read == pytest.approx(value), (text, marks)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=4, max_size=4),
        max_size=5,
    ),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_any_table_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows([COLUMNS, *rows])
    path = write(tmp_path_factory.getbasetemp() / "t.csv", out.getvalue())
    assert is_table(path, COLUMNS)
    expected = [tuple(c.strip() for c in row) for row in rows]
    assert [cells for _, cells in read_table(path, COLUMNS).rows] == [r for r in expected if any(r)]


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (HEAD, True),
        ("\n SEP=;\n", False),
        ("a.mp4 0 1##video,start,end,sentence", False),
        ('{"video": 1, "start": 2, "end": 3, "sentence": 4}', False),
        ("", False),
    ],
)
def test_tables_are_told_from_other_files(tmp_path: Path, text: str, table: bool) -> None:
    assert is_table(write(tmp_path / "m.txt", text), COLUMNS) is table
