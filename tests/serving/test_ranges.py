"""Byte ranges: those of players, and those of nobody's player."""

from __future__ import annotations

import pytest

from iptnet.serving.failures import RefusedError
from iptnet.serving.ranges import ByteRange, parse_range

pytestmark = pytest.mark.fault(19)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", ByteRange(0, 99)),
        ("bytes=0-0", ByteRange(0, 0)),
        ("bytes=10-19", ByteRange(10, 19)),
        ("bytes=90-1000", ByteRange(90, 99)),
        ("bytes=99-", ByteRange(99, 99)),
        ("bytes=-1", ByteRange(99, 99)),
        ("bytes=-1000", ByteRange(0, 99)),
        (" bytes=5-6 ", ByteRange(5, 6)),
    ],
)
def test_a_single_range_is_served(header: str, expected: ByteRange) -> None:
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize(
    "header",
    [None, "", "items=0-5", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-3", "bytes=0x1-2",
     "bytes=１-２", "bytes=1-2-3", "bytes=+1-2", "bytes=1e1-"],
)  # fmt: skip
def test_what_is_no_range_is_ignored(header: str | None) -> None:
    assert parse_range(header, 100) is None


@pytest.mark.parametrize(
    "header",
    ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=999999999999999999-", "bytes=0-1,3-4",
     "bytes=" + ",".join(f"{i}-{i}" for i in range(10_000)), "bytes=0-" + "9" * 5000],
)  # fmt: skip
def test_what_cannot_or_should_not_be_served_is_refused(header: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_range(header, 100)
    assert caught.value.status == 416


def test_an_empty_file_has_no_ranges() -> None:
    with pytest.raises(RefusedError):
        parse_range("bytes=0-", 0)
