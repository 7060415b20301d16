"""docs/formats.md says what the code does."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

from iptnet import checkpoint, timeline
from iptnet.cli.export import PICTURED
from iptnet.data import benchmark, digest, validate
from iptnet.features import cache
from iptnet.features.known import FILE_MARKS
from iptnet.features.recipe import Recipe
from iptnet.outputs.exports import FORMATS
from iptnet.timeline import Timeline

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "formats.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The part of the page under a heading."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    assert found, title
    return found[1]


def example() -> str:
    """The timeline that the page shows."""
    found = re.search(r"```json timeline\.json\n(.*?)```", TEXT, re.S)
    assert found
    return found[1]


def test_the_example_is_a_timeline_and_comes_back_as_it_is() -> None:
    shown = Timeline.from_json(example())
    assert json.loads(shown.to_json()) == json.loads(example())
    assert list(json.loads(shown.to_json())) == list(json.loads(example()))
    assert Recipe.from_dict(shown.recipe).name == "lite"


def test_every_field_of_a_timeline_is_shown_and_explained() -> None:
    raw = json.loads(example())
    table = section("timeline.json")
    assert set(raw) == {f.name for f in fields(Timeline)} | {"schema"}
    for name, kind in [
        ("source", timeline.Source),
        ("shots", timeline.Shot),
        ("keyshots", timeline.Keyshot),
        ("moments", timeline.Moment),
    ]:
        one = raw[name] if name == "source" else raw[name][0]
        assert set(one) == {f.name for f in fields(kind)}
        for field in one:
            line = rf"^\|.*`{name}(\[\])?\.[^|]*`?.*\b{field}`.*\|"
            assert re.search(line, table, re.M), f"{name}.{field}"
    # Exactly the ones said to be optional may be left out.
    for name, field in [
        ("source", "start"),
        ("source", "audio"),
        ("source", "timecode"),
        ("shots", "selected"),
        ("keyshots", "picture"),
        ("moments", "confidence"),
        ("moments", "present"),
    ]:
        one = raw[name] if name == "source" else raw[name][0]
        del one[field]
    Timeline.from_json(json.dumps(raw))


def test_every_key_of_the_layout_is_explained() -> None:
    table = section("Feature files: the benchmark h5 layout")
    for key in (*validate.REQUIRED, *validate.OPTIONAL, *benchmark.TEXTS, *digest.ATTRIBUTES):
        assert re.search(rf"^\| .*`{key}`.*\|", table, re.M), key
    for key in validate.REQUIRED:
        assert re.search(rf"^\| `{key}` \|[^|]*\| required \|", table, re.M), key
    for key in validate.OPTIONAL:
        assert re.search(rf"^\| `{key}` \|[^|]*\| optional \|", table, re.M), key


def test_every_export_is_listed() -> None:
    table = section("Exports")
    suffixes = {name: one.suffix for name, one in FORMATS.items()} | PICTURED
    found = re.findall(r"^\| `([a-z-]+)` \| `([^`]+)` \| [^|]+ \| [^|]+ \|$", table, re.M)
    assert dict(found) == suffixes


def test_recipes_marks_and_schemas() -> None:
    recipes = section("Recipes")
    for field in fields(Recipe):
        assert f"| `{field.name}` |" in recipes
    for mark in FILE_MARKS:
        assert f"`{mark}`" in recipes
    for schema in (
        timeline.SCHEMA,
        timeline.SCHEMA_2,
        digest.SCHEMA,
        checkpoint.SCHEMA,
        cache.SCHEMA,
    ):
        assert f"`{schema}`" in TEXT
