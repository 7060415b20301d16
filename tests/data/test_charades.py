"""Charades-STA lines and durations, made up and real."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.data.charades import load_charades, load_durations, parse_line
from iptnet.data.moments import BadRowError
from iptnet.errors import InputError
from iptnet.timeline import Span


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_reads_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "AO8RW 0.0 6.9##a person ## jumps. ", "AO8RW 3 8##sits.")
    found = load_charades(path, {"AO8RW": 7.5})
    first, second = found.queries
    assert (first.video, first.query, first.windows) == (
        "AO8RW",
        "a person ## jumps.",
        (Span(0.0, 6.9),),
    )
    assert second.windows == (Span(3.0, 7.5),)
    assert found.report.repaired == {"end beyond duration, clipped": 1}
    assert load_charades(path).queries[1].windows == (Span(3.0, 8.0),)


BAD = [
    ("not a Charades-STA line", "AO8RW 0.0 6.9 a person"),
    ("not a Charades-STA line", "AO8RW 0.0##a person"),
    ("not a Charades-STA line", "AO8RW -1 6.9##a person"),
    ("not a Charades-STA line", "AO8RW nan 6.9##a person"),
    ("not a Charades-STA line", "AO8RW 0 1e3##a person"),
    ("not a Charades-STA line", f"AO8RW 0 {'9' * 400}##a person"),
    ("empty text", "AO8RW 0.0 6.9##  "),
    ("end not after start", "AO8RW 6.9 0.0##a person"),
    ("end beyond duration", "AO8RW 0.0 600.0##a person"),
    ("start beyond duration", "AO8RW 30.5 31.0##a person"),
    ("end not after start", "AO8RW 31 30.5##a person"),
    ("unknown video", "ZZZZZ 0.0 6.9##a person"),
    ("duplicate row", "AO8RW 0.0 1.0##x 0"),
]


@pytest.mark.fault(12)
@pytest.mark.parametrize(("kind", "line"), BAD, ids=[f"{i}-{k}" for i, (k, _) in enumerate(BAD)])
def test_bad_lines_are_counted_and_named(tmp_path: Path, kind: str, line: str) -> None:
    good = [f"AO8RW 0.0 1.0##x {i}" for i in range(30)]
    path = write(tmp_path / "a.txt", *good, line)
    report = load_charades(path, {"AO8RW": 30.0}).report
    assert report.counts == {kind: 1}
    assert (report.problems[0].kind, report.problems[0].line) == (kind, 31)
    with pytest.raises(InputError, match="line 31"):
        load_charades(path, {"AO8RW": 30.0}, max_bad=0.0)


@pytest.mark.fault(12)
@settings(deadline=None)
@given(st.text())
def test_any_line_parses_or_says_why(text: str) -> None:
    try:
        video, _, _, sentence = parse_line(text)
    except BadRowError as bad:
        assert bad.kind
    else:
        assert video and sentence.strip() == sentence != ""


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    "content", [[], {"a": "x"}, {"a": {}}, {"a": 0}, {"a": -1}, {"a": {"duration": True}}]
)
def test_durations_of_another_shape(tmp_path: Path, content: object) -> None:
    with pytest.raises(InputError, match=r"d\.json"):
        load_durations(write(tmp_path / "d.json", json.dumps(content)))


def test_durations_of_both_shapes(tmp_path: Path) -> None:
    path = write(tmp_path / "d.json", '{"a": 3, "b": {"duration": 4.5, "subset": "x"}}')
    assert load_durations(path) == {"a": 3.0, "b": 4.5}


@pytest.mark.data
@pytest.mark.parametrize(
    ("split", "lines", "videos", "clipped"),
    [("train", 12408, 5338, 1802), ("test", 3720, 1334, 562)],
)
def test_the_real_files(
    research_data: Path, split: str, lines: int, videos: int, clipped: int
) -> None:
    folder = research_data / "localization"
    durations = load_durations(folder / "charades_durations.json.gz")
    found = load_charades(folder / f"charades_sta_{split}.txt", durations)
    assert len(found.queries) == found.report.rows == lines
    assert len({q.video for q in found.queries}) == videos
    # One line in seven ends after its video, by 1.54 s at most.
    assert found.report.repaired == {"end beyond duration, clipped": clipped}
    assert all(q.windows[0].end <= durations[q.video] for q in found.queries)
