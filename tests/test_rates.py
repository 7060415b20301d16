"""The rates at which editors count a source."""

from __future__ import annotations

from fractions import Fraction
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.rates import USUAL, edit_rate, is_own_rate

FILM, NTSC, NTSC60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
NTSC48 = Fraction(48000, 1001)


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (24000 / 1001, FILM), (23.976, FILM), (23.98, FILM), (24.0, Fraction(24)),
        (25.0, Fraction(25)), (29.97, NTSC), (30000 / 1001, NTSC), (30.0, Fraction(30)),
        (50.0, Fraction(50)), (59.94, NTSC60), (60.0, Fraction(60)),
        (48.0, Fraction(48)), (48000 / 1001, NTSC48), (47.952, NTSC48), (47.95, NTSC48),
        # Slower and faster ones lie on a multiple or a part.
        (10.0, Fraction(30)), (12.0, Fraction(24)), (12.5, Fraction(25)), (15.0, Fraction(30)),
        (15000 / 1001, NTSC), (1.0, Fraction(24)), (5.0, Fraction(25)), (20.0, Fraction(60)),
        (100.0, Fraction(50)), (120.0, Fraction(60)), (120000 / 1001, NTSC60),
        (240.0, Fraction(60)), (16.0, Fraction(48)), (96.0, Fraction(48)), (144.0, Fraction(48)),
        (96000 / 1001, NTSC48), (90.0, Fraction(30)), (75.0, Fraction(25)), (72.0, Fraction(24)),
        (1000.0, Fraction(50)), (0.1, Fraction(24)),
        # Means of variable rates: the lowest that is enough.
        (3840000 / 239239, FILM), (28.3, NTSC), (30.02, Fraction(30)), (24.01, Fraction(24)),
        (29.999, Fraction(30)), (41.0, Fraction(50)), (58.0, NTSC60), (60.3, Fraction(60)),
    ],
)  # fmt: skip
def test_rates(fps: float, rate: Fraction) -> None:
    assert edit_rate(fps) == rate


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_gives_a_usual_rate(fps: float) -> None:
    assert edit_rate(fps) in USUAL


@given(st.floats(0.5, 60.5))
def test_no_rate_is_much_too_low(fps: float) -> None:
    assert float(edit_rate(fps)) >= 0.99 * fps - 1e-9


@pytest.mark.parametrize(
    ("fps", "own"),
    [
        *[(float(rate), True) for rate in USUAL],
        (47.95, True), (59.94, True),
        *[(fps, False) for fps in (10.0, 12.0, 15.0, 41.0, 90.0, 96.0, 120000 / 1001, 0.0, nan)],
    ],
)  # fmt: skip
def test_only_usual_rates_are_counted_as_themselves(fps: float, own: bool) -> None:
    assert is_own_rate(fps) is own
