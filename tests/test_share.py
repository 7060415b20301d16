"""The length of a summary as people write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.share import share_of


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("0.15", 0.15),
        (".15", 0.15),
        ("0,15", 0.15),
        ("15%", 0.15),
        ("15 %", 0.15),
        (" 15\u00a0% ", 0.15),
        ("2,5%", 0.025),
        (".5%", 0.005),
        ("100%", 1.0),
        ("1", 1.0),
        ("1e-1", 0.1),
    ],
)
def test_shares_are_read(text: str, share: float) -> None:
    assert share_of(text) == pytest.approx(share)


@pytest.mark.parametrize(
    "text", ["", "%", "0", "0%", "15", "101%", "-5%", "nan", "inf", "nan%", "1/4", "15%%", "a"]
)
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        share_of(text)


@given(st.floats(0.001, 1))
def test_a_share_and_its_percentage_are_the_same(share: float) -> None:
    assert share_of(f"{share:.9f}") == pytest.approx(share_of(f"{100 * share:.7f} %"))


@given(st.text(max_size=8))
def test_any_text_is_a_share_or_refused(text: str) -> None:
    try:
        assert 0 < share_of(text) <= 1
    except ValueError as error:
        assert "is not a share" in str(error)
