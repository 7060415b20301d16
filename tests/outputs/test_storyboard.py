"""storyboard.jpg: the right number of tiles, whatever the video."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from iptnet.outputs import lettering
from iptnet.outputs.pictures import once, picture_time, tiles
from iptnet.outputs.storyboard import (
    CAPTION,
    GAP,
    HEADER,
    MARGIN,
    MAX_TILES,
    draw_storyboard,
    grid,
    write_storyboard,
)
from tests.outputs.timelines import HOSTILE, coloured, hostile, timeline


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (4000, 100), (480, 480)])
@pytest.mark.parametrize("count", [1, 2, 5, 31, 150])
def test_every_keyshot_has_its_picture_in_its_place(
    count: int, size: tuple[int, int], tmp_path: Path
) -> None:
    made = timeline(count, size=size)

    def pictures(times: list[float]) -> list[np.ndarray]:
        return [np.full((size[1] // 4, size[0] // 4, 3), (200, 30, 90), np.uint8) for _ in times]

    write_storyboard(made, tmp_path / "storyboard.jpg", pictures)
    with Image.open(tmp_path / "storyboard.jpg") as sheet:
        assert sheet.format == "JPEG"
        pixels = np.asarray(sheet).astype(int)
    shown = min(count, MAX_TILES)
    columns, wide, high = grid(shown, size[0] / size[1])
    rows = math.ceil(shown / columns)
    assert pixels.shape[0] == HEADER + MARGIN + rows * (high + CAPTION + GAP) - GAP
    assert pixels.shape[1] < 2000
    left = (pixels.shape[1] - wide) // 2 if columns == 1 else MARGIN
    for k in range(rows * columns):
        x = left + k % columns * (wide + GAP) + wide // 2
        y = HEADER + k // columns * (high + CAPTION + GAP) + high // 2
        there = np.abs(pixels[y, x] - (200, 30, 90)).max() < 40
        assert there == (k < shown)


@given(st.integers(1, 96), st.floats(0.3, 4))
def test_grids_are_wide_enough_to_read_and_not_too_tall(count: int, aspect: float) -> None:
    columns, wide, high = grid(count, aspect)
    assert 1 <= columns <= min(count, 10)
    assert wide >= 120
    assert high >= 60
    assert math.ceil(count / columns) * columns - count < columns


def test_missing_pictures_leave_their_places() -> None:
    made = timeline(3)
    whole = draw_storyboard(made, tiles(made, coloured, 9))
    holes = draw_storyboard(made, tiles(made, lambda times: [None] * len(times), 9))
    assert whole.size == holes.size
    assert np.asarray(whole).std() > np.asarray(holes).std()


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_can_be_drawn(name: str, tmp_path: Path) -> None:
    write_storyboard(hostile(name), tmp_path / "s.jpg", coloured)
    with Image.open(tmp_path / "s.jpg") as sheet:
        pixels = np.asarray(sheet.convert("L")).astype(int)
    # Nothing of the name runs into the right margin.
    assert np.ptp(pixels[:60, -MARGIN + 4 :]) < 12


def test_a_summary_without_keyshots_is_a_header(tmp_path: Path) -> None:
    write_storyboard(timeline(0), tmp_path / "s.jpg", coloured)
    with Image.open(tmp_path / "s.jpg") as sheet:
        assert sheet.size[1] == HEADER + MARGIN


def test_letters_that_no_font_has_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "FALLBACKS", ())
    assert lettering.lettering("Café 猫.mp4", 20)[0] == "Cafe ?.mp4"
    assert lettering.lettering("plain.mp4", 20)[0] == "plain.mp4"


def test_of_too_many_keyshots_the_best_are_shown_in_order() -> None:
    made = timeline(10)
    shown = tiles(made, coloured, 3)
    assert [t.number for t in shown] == [8, 9, 10]
    assert [t.plays_at for t in shown] == [42.0, 48.0, 54.0]


def test_a_picture_shows_the_most_important_moment_away_from_the_cuts() -> None:
    made = timeline(4)
    for keyshot in made.keyshots:
        at = picture_time(made, keyshot)
        assert keyshot.start + 0.3 <= at < keyshot.end - 0.3
        inside = [
            v
            for t, v in zip(made.importance.times, made.importance.values, strict=True)
            if keyshot.start + 0.3 <= t < keyshot.end - 0.3
        ]
        assert made.importance.values[round(at * 2)] == max(inside)


def test_pictures_are_asked_for_once() -> None:
    asked: list[float] = []

    def provider(times: list[float]) -> list[None]:
        asked.extend(times)
        return [None] * len(times)

    remembered = once(provider)
    assert remembered([1.0, 2.0, 1.0]) == [None] * 3
    assert remembered([2.0, 3.0]) == [None] * 2
    assert asked == [1.0, 2.0, 3.0]
