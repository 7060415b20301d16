"""Cues of the picture, held against plain loops and against pictures whose motion is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from iptnet.features import cues
from iptnet.features.extract import repeated
from tests.oracles import cues as slow

SIDE = 224


def scene(seed: int, height: int = 320, width: int = 320) -> NDArray[np.uint8]:
    """A picture with structure at every scale, as photographs have it."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for scale in (2, 4, 8, 16, 32, 64):
        coarse = rng.normal(0, scale, (height // scale + 2, width // scale + 2, 3))
        total += np.kron(coarse, np.ones((scale, scale, 1)))[:height, :width]
    return np.clip(128 + total / 2, 0, 255).astype(np.uint8)


def of(*pictures: NDArray[np.uint8]) -> dict[str, float]:
    """The cues of the last picture."""
    row = cues.CueMeter().measure(np.stack(pictures))[-1]
    return dict(zip(cues.NAMES, map(float, row), strict=True))


def view(picture: NDArray[np.uint8], y: int, x: int) -> NDArray[np.uint8]:
    return picture[y : y + SIDE, x : x + SIDE]


@given(st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_identical_pictures_have_zero_motion_and_so_has_the_first(seed: int) -> None:
    picture = view(scene(seed), 0, 0)
    rows = cues.CueMeter().measure(np.stack([picture, picture, picture]))
    assert (rows[:, : cues.MOVING] == 0).all()
    assert (rows[0] == rows[2]).all()


@given(st.integers(0, 10**6), st.lists(st.integers(1, 4), min_size=1, max_size=5))
@settings(max_examples=10, deadline=None)
def test_batches_of_any_size_give_the_same_cues(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (sum(sizes), 40, 48, 3), dtype=np.uint8)
    whole = cues.CueMeter().measure(pictures)
    meter, parts, at = cues.CueMeter(), [], 0
    for size in sizes:
        parts += [meter.measure(pictures[at : at + size]), meter.measure(pictures[:0])]
        at += size
    assert np.concatenate(parts) == pytest.approx(whole, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("shift", [(0, 4), (8, 0), (8, 12), (-12, 20), (40, -32)])
def test_a_turning_camera_is_told_from_moving_things(shift: tuple[int, int]) -> None:
    picture = scene(1)
    found = of(view(picture, 48, 48), view(picture, 48 - shift[0], 48 - shift[1]))
    assert found["camera"] == pytest.approx(np.hypot(*shift) / np.hypot(SIDE, SIDE), rel=0.15)
    assert found["motion"] < 0.1 * found["change"] and found["unlike"] < 0.1


def test_half_a_cell_of_camera_is_not_motion() -> None:
    picture = scene(2)
    for pixels in (1, 2, 3):
        found = of(view(picture, 48, 48), view(picture, 48, 48 + pixels))
        assert found["motion"] < 0.2 * found["change"] and found["moving"] < 0.05


def test_a_thing_that_moves_before_a_still_camera_is_motion_without_a_camera() -> None:
    before = view(scene(3), 0, 0).copy()
    after = before.copy()
    before[80:140, 40:80] = 255
    after[80:140, 100:140] = 255
    found = of(before, after)
    assert found["camera"] == 0
    share = 2 * 60 * 40 / SIDE**2
    assert 0.5 * share < found["moving"] < 1.2 * share
    assert found["unlike"] < 0.6


def test_a_cut_to_another_scene_is_unlike() -> None:
    found = of(view(scene(4), 0, 0), view(scene(5), 0, 0))
    assert found["unlike"] > 0.6 and found["moving"] > 0.3


def test_noise_of_the_codec_is_no_motion() -> None:
    picture = view(scene(6), 0, 0)
    noise = np.random.default_rng(0).normal(0, 4, picture.shape)
    found = of(picture, np.clip(picture + noise, 0, 255).astype(np.uint8))
    assert found["change"] > 0 and found["motion"] < 0.02


def test_a_blurred_picture_has_less_focus_whatever_its_contrast() -> None:
    sharp = view(scene(7), 0, 0)
    blurred = sharp.astype(float)
    for _ in range(4):
        blurred = (blurred + np.roll(blurred, 1, 0) + np.roll(blurred, 1, 1)) / 3
    pale = (sharp.astype(float) - 128) / 2 + 128
    focus = {
        name: of(np.asarray(p).astype(np.uint8))["focus"]
        for name, p in (("sharp", sharp), ("blurred", blurred), ("pale", pale))
    }
    assert focus["blurred"] < 0.6 * min(focus["pale"], focus["sharp"])


def test_grey_has_no_colour_and_colours_have_some() -> None:
    grey = np.repeat(view(scene(8), 0, 0)[..., :1], 3, axis=2)
    assert of(grey)["colour"] == 0 < of(view(scene(8), 0, 0))["colour"]


@pytest.mark.parametrize("colour", cues.CONCEALED)
def test_blocks_that_a_decoder_filled_are_damage(colour: tuple[int, int, int]) -> None:
    picture = view(scene(9), 0, 0).copy()
    assert of(picture)["damage"] < 0.01
    picture[64:128, 32:192] = colour
    assert of(picture)["damage"] == pytest.approx(64 * 160 / SIDE**2, rel=0.2)


def test_an_empty_picture_is_flat_and_not_damaged() -> None:
    black = np.zeros((SIDE, SIDE, 3), np.uint8)
    found = of(black, black)
    assert found["flat"] == 1 and found["damage"] == 0 and found["sharpness"] == 0


@given(st.integers(0, 10**6), st.sampled_from([(56, 64), (120, 113), (227, 227)]))
@settings(max_examples=8, deadline=None)
def test_what_stands_still_agrees_with_plain_loops(seed: int, size: tuple[int, int]) -> None:
    picture = scene(seed)[: size[0], : size[1]]
    found = of(picture)
    small = cues.shrunk(cues.brightness(picture[None]))[0]
    assert small == pytest.approx(slow.shrunk(picture, max(1, min(size) // cues.CELLS)), abs=1e-3)
    assert found["sharpness"] == pytest.approx(slow.second_difference(picture), rel=1e-4)
    expected = slow.emptiness(picture, cues.FLAT, cues.CONCEALED, cues.NEAR)
    assert (found["flat"], found["damage"]) == pytest.approx(expected, abs=1e-6)


@given(
    st.integers(0, 10**6),
    st.tuples(*[st.one_of(st.integers(-4, 4), st.floats(-4, 4, width=16))] * 2),
)
@settings(max_examples=30, deadline=None)
def test_what_a_shift_leaves_agrees_with_plain_loops(seed: int, shift: tuple[float, float]) -> None:
    rng = np.random.default_rng(seed)
    before, after = rng.uniform(0, 255, (2, 12, 14)).astype(np.float32)
    found = cues.unexplained(before, after, shift)
    expected = slow.unexplained(before, after, shift, cues.TOLERANCE, cues.STEEP)
    assert found.shape == expected.shape
    assert found == pytest.approx(expected, abs=1e-2)


def test_a_picture_still_on_show_repeats_its_cues_without_motion() -> None:
    measured = np.arange(1, 2 * len(cues.NAMES) + 1, dtype=np.float32).reshape(2, -1)
    before = -np.ones((1, len(cues.NAMES)), np.float32)
    rows = repeated(measured, np.array([False, True, False, True]), before)
    assert (rows[1] == measured[0]).all() and (rows[3] == measured[1]).all()
    assert (rows[[0, 2], : cues.MOVING] == 0).all()
    assert (rows[0, cues.MOVING :] == -1).all()
    assert (rows[2, cues.MOVING :] == measured[0, cues.MOVING :]).all()


def test_the_first_picture_has_the_motion_of_the_second() -> None:
    rows = cues.started(np.stack([np.zeros(len(cues.NAMES)), np.arange(len(cues.NAMES)) + 1.0]))
    assert (rows[0, : cues.MOVING] == rows[1, : cues.MOVING]).all()
    assert (rows[0, cues.MOVING :] == 0).all()
    assert len(cues.started(rows[:1])) == 1
