"""What stands where an annotation file should: refused with its name, never a hang or a crash."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.data import annotation_file
from iptnet.data.annotation_file import number, parse_json, read_json, short, text_lines
from iptnet.errors import InputError, LimitError


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"\xef\xbb\xbfone\r\n\n  \ntwo\xe2\x80\xa8three")
    # U+2028 inside a line is text, not a line end.
    assert list(text_lines(path)) == [(1, "one"), (4, "two\u2028three")]


def test_gzip_is_told_by_content(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", gzip.compress(b"one\ntwo\n"))
    assert list(text_lines(path)) == [(1, "one"), (2, "two")]


@pytest.mark.fault(12)
def test_names_the_line_that_is_not_utf8(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"fine\ncaf\xe9\n")
    with pytest.raises(InputError, match=r"a\.txt, line 2: not UTF-8"):
        list(text_lines(path))


@pytest.mark.fault(1)
def test_refuses_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "pipe", Path("/dev/zero"), Path("\0")):
        with pytest.raises(InputError):
            list(text_lines(path))


@pytest.mark.fault(12)
@pytest.mark.parametrize("keep", [3, 11, 20, -1])
def test_refuses_half_a_gzip(tmp_path: Path, keep: int) -> None:
    whole = gzip.compress(os.urandom(200))
    with pytest.raises(InputError, match="gzip"):
        list(text_lines(write(tmp_path / "a.gz", whole[:keep])))


@pytest.mark.fault(12)
def test_refuses_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotation_file, "LARGEST", 1 << 20)
    path = write(tmp_path / "a.gz", gzip.compress(b"0" * (3 << 20)))
    with pytest.raises(LimitError, match="more than 1 MiB"):
        list(text_lines(path))


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    "text", ["", "{", "[NaN]", "[-Infinity]", "[" * 100_000, "[1,]", "1" * 5000]
)
def test_json_is_strict(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)
    with pytest.raises(InputError, match="not JSON"):
        read_json(write(tmp_path / "a.json", text.encode()))


@pytest.mark.parametrize("value", [True, "1", None, [1], float("nan"), float("inf"), 10**400])
def test_number_refuses(value: Any) -> None:
    with pytest.raises(ValueError, match="not"):
        number(value)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_short_is_short(value: Any) -> None:
    assert 0 < len(short(value)) <= 61


def test_short_does_not_render_the_huge() -> None:
    assert short("x" * 10_000_000).startswith("'xxx")
    assert short(10**100_000) == "a int"
    assert short([0] * 1_000_000) == "a list"
