"""curve.svg: valid, self-contained, and true to the timeline."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from iptnet.outputs.curve import PAD, curve_svg, thinned, write_curve
from iptnet.timeline import Curve, Moment, Source
from tests.outputs.timelines import HOSTILE, hostile, timeline

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "desc", "style", "rect", "path", "text", "g", "defs", "clipPath", "use"}


def bars(root: ET.Element) -> list[tuple[float, float]]:
    groups = [g for g in root.iter(f"{SVG}g") if g.get("data-at")]
    rects = [g.findall(f"{SVG}rect")[0] for g in groups]
    return [(float(r.attrib["x"]), float(r.attrib["width"])) for r in rects]


def test_keyshots_stand_where_they_are_and_know_when_they_play(tmp_path: Path) -> None:
    write_curve(timeline(), tmp_path / "curve.svg")
    root = ET.parse(tmp_path / "curve.svg").getroot()
    scale = (960 - 2 * PAD) / 80
    expected = [(PAD + 20 * k * scale, 6 * scale) for k in range(4)]
    np.testing.assert_allclose(bars(root), expected, atol=0.02)
    plays = [g.get("data-at") for g in root.iter(f"{SVG}g") if g.get("data-at")]
    assert plays == ["0.000", "6.000", "12.000", "18.000"]
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert "film.mp4" in texts
    assert "summary: 0:24 of 1:20 (30 %), 4 keyshots" in texts
    assert {"0:00", "0:10", "1:20"} <= set(texts)
    assert "0:20 to 0:26" in (root.findtext(f"{SVG}desc") or "")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out_of_the_drawing(name: str) -> None:
    text = curve_svg(hostile(name))
    root = ET.fromstring(text.encode("utf-8"))
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= ELEMENTS
    assert not re.search(r"(?i)https?:(?!//www\.w3\.org/2000/svg\")|url\((?!#)|@import|nan", text)


def test_the_drawing_says_its_colours_for_light_and_dark_without_variables() -> None:
    text = curve_svg(timeline())
    assert "prefers-color-scheme:dark" in text
    assert "var(" not in text
    assert 'role="img"' in text


def test_moments_get_a_lane_a_query() -> None:
    moments = [Moment(5.0 * k, 5.0 * k + 2, f"query {k % 9}", 1.0 - k / 20) for k in range(12)]
    root = ET.fromstring(curve_svg(timeline(moments=tuple(moments))))
    plain = ET.fromstring(curve_svg(timeline()))
    texts = [t.text or "" for t in root.iter(f"{SVG}text")]
    assert sum(t.startswith("“") for t in texts) == 6
    assert any("and 3 more queries" in t for t in texts)
    assert float(root.attrib["height"]) > float(plain.attrib["height"])


@pytest.mark.parametrize("count", [0, 1, 2])
def test_almost_nothing_can_be_drawn(count: int) -> None:
    curve = Curve(tuple(0.5 * k for k in range(count)), (0.0,) * count)
    source = Source("/a", "a", "", 0.04, 25.0, 2, 2)
    for width in (400, 960):
        root = ET.fromstring(
            curve_svg(timeline(0, source=source, importance=curve, shots=()), width)
        )
        assert "nan" not in ET.tostring(root, "unicode").lower()


def test_a_long_curve_keeps_its_peaks_when_thinned() -> None:
    values = np.random.default_rng(0).random(20000) * 0.5
    values[12345] = 1.0
    curve = Curve(tuple(np.arange(20000) / 2), tuple(values.tolist()))
    points = thinned(curve, 900)
    assert len(points) <= 900
    assert (12345 / 2, 1.0) in points
    assert points == sorted(points)
    long = replace(timeline(), importance=curve)
    assert len(curve_svg(long)) < 60_000
