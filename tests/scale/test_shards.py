"""Shares of an archive: each name in exactly one, and always in the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.errors import UsageError
from iptnet.scale.shards import Shard, parse_shard

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.binary(min_size=1).map(
    lambda b: b.decode("utf-8", "surrogateescape")
)


@given(NAMES, st.integers(1, 50))
def test_every_name_is_in_exactly_one_share(name: str, count: int) -> None:
    assert sum(Shard(i, count).has(name) for i in range(1, count + 1)) == 1


def test_shares_are_the_same_on_every_machine() -> None:
    """Known by heart: a change here would redo every archive."""
    names = [f"{n}.mp4" for n in range(12)]
    assert [i for n in names for i in (1, 2, 3) if Shard(i, 3).has(n)] == [
        2,
        2,
        3,
        1,
        3,
        2,
        3,
        2,
        2,
        2,
        2,
        2,
    ]


def test_shares_are_of_similar_size() -> None:
    sizes = [sum(Shard(i, 4).has(f"{n}.mp4") for n in range(2000)) for i in range(1, 5)]
    assert max(sizes) < 1.25 * min(sizes)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "-1/4", "1/4/2", "１/2", ""])
def test_what_is_no_share_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="--shard"):
        parse_shard(text)


def test_a_share_is_read() -> None:
    assert parse_shard("2/4") == Shard(2, 4)
    assert Shard(2, 4).suffix == "-2-of-4" and Shard().suffix == ""
