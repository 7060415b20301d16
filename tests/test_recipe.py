"""Recipes compare by everything they say, never by width; undeclared files follow one rule."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from iptnet.errors import IntegrityError
from iptnet.features.known import (
    BLIP_WORDLLAMA256,
    DINO768,
    GOOGLENET_POOL5,
    KNOWN,
    WORDLLAMA_SPACE,
    recipe_of_file,
)
from iptnet.features.recipe import Recipe, require_recipe


@pytest.mark.parametrize("name", [f.name for f in fields(Recipe)])
def test_every_field_changes_the_fingerprint_and_is_refused(name: str) -> None:
    value = 255 if name == "width" else "other"
    other = replace(BLIP_WORDLLAMA256, **{name: value})
    assert other.fingerprint != BLIP_WORDLLAMA256.fingerprint
    assert len(other.fingerprint) == 16
    with pytest.raises(IntegrityError, match=f"{name}: {value} != "):
        require_recipe(other, [BLIP_WORDLLAMA256], "model.safetensors")


def test_an_accepted_recipe_passes() -> None:
    require_recipe(replace(DINO768), [BLIP_WORDLLAMA256, DINO768], "m")


def test_the_nearest_recipe_is_compared() -> None:
    other = replace(DINO768, rate="1/s")
    with pytest.raises(IntegrityError, match=r"\(rate: 1/s != every 15th frame, nearest .*\)"):
        require_recipe(other, [GOOGLENET_POOL5, DINO768], "m")


def test_nothing_accepted_is_its_own_message() -> None:
    with pytest.raises(IntegrityError, match="no recipe at all"):
        require_recipe(DINO768, [], "m")


def test_plain_values_and_back() -> None:
    raw = json.loads(json.dumps(DINO768.to_dict()))
    assert Recipe.from_dict(raw) == DINO768


@pytest.mark.parametrize(
    "raw",
    [
        {},
        [],
        None,
        "dino",
        {**DINO768.to_dict(), "extra": 1},
        {k: v for k, v in DINO768.to_dict().items() if k != "space"},
        {**DINO768.to_dict(), "width": "768"},
        {**DINO768.to_dict(), "width": True},
        {**DINO768.to_dict(), "name": None},
    ],
)
def test_other_things_are_no_recipe(raw: object) -> None:
    with pytest.raises(IntegrityError, match="not a feature recipe"):
        Recipe.from_dict(raw)


def test_the_shared_space_has_its_published_name() -> None:
    assert WORDLLAMA_SPACE == BLIP_WORDLLAMA256.space == "wordllama-l2-supercat-256"
    assert {r.name: r.width for r in KNOWN.values()} == {
        "googlenet-pool5": 1024,
        "blip-wordllama256": 256,
        "dino768": 768,
    }


@pytest.mark.parametrize(
    ("name", "width", "text", "expected"),
    [
        ("eccv16_dataset_summe_google_pool5.h5", 1024, None, GOOGLENET_POOL5),
        ("eccv16_dataset_youtube_google_pool5.h5", 1024, None, GOOGLENET_POOL5),
        ("tvsum_blip_wordllama256.h5", 256, None, BLIP_WORDLLAMA256),
        ("x.h5", 256, "blip-wordllama256", BLIP_WORDLLAMA256),
        ("x.h5", 768, "dino-vitb16-cls, L2-normalised, nearest sampled frame", DINO768),
        ("x.h5", 1024, json.dumps(GOOGLENET_POOL5.to_dict()), GOOGLENET_POOL5),
    ],
)
def test_known_files(name: str, width: int, text: str | None, expected: Recipe) -> None:
    assert recipe_of_file(Path(name), width, text) == expected


def test_width_alone_decides_nothing() -> None:
    one = recipe_of_file(Path("a.h5"), 1024, None)
    two = recipe_of_file(Path("b.h5"), 1024, None)
    assert one.name == two.name == "undeclared"
    assert len({one, two, GOOGLENET_POOL5}) == 3
    assert recipe_of_file(Path("a.h5"), 5, "mine") == recipe_of_file(Path("b.h5"), 5, "mine")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("summe_google_pool5.h5", None),
        ("x.h5", "dino768"),
        ("x.h5", json.dumps(DINO768.to_dict())),
    ],
)
def test_a_recipe_of_another_width_is_refused(name: str, text: str | None) -> None:
    with pytest.raises(IntegrityError, match="of width 512"):
        recipe_of_file(Path(name), 512, text)


def test_the_callers_word_counts_unless_the_file_declares_another() -> None:
    mine = replace(DINO768, name="mine")
    assert recipe_of_file(Path("summe_dino768.h5"), 768, None, mine) == mine
    assert recipe_of_file(Path("x.h5"), 768, json.dumps(mine.to_dict()), mine) == mine
    with pytest.raises(IntegrityError, match="declares another recipe than mine: name: dino768"):
        recipe_of_file(Path("x.h5"), 768, json.dumps(DINO768.to_dict()), mine)
    with pytest.raises(IntegrityError, match="width 5"):
        recipe_of_file(Path("x.h5"), 5, None, mine)


@pytest.mark.parametrize("text", ["{", '{"name": 1}', "{" * 100_000])
def test_broken_declarations_are_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        recipe_of_file(Path("x.h5"), 5, text)
