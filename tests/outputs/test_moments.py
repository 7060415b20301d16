"""Reports, drawings and exports of moments without a summary, and of both together."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from iptnet.outputs.curve import curve_svg
from iptnet.outputs.exports import FORMATS, export
from iptnet.outputs.pictures import moment_tiles, tiles
from iptnet.outputs.report import MAX_MOMENTS, report_html, write_report
from iptnet.outputs.storyboard import draw_storyboard, write_storyboard
from iptnet.results import clip_names
from iptnet.timeline import Moment, Timeline
from tests.outputs.test_report import Page
from tests.outputs.timelines import HOSTILE, answered, coloured, timeline

SUMMARY = re.compile(r"\bSummary\b|\bKept\b|[Kk]eyshot|Cut list|Importance|Plays at")


def page_of(found: Timeline, **more: object) -> tuple[str, Page]:
    pictures = moment_tiles(found, coloured, MAX_MOMENTS)
    shown = tiles(found, coloured, 60)
    text = report_html(found, shown, None, pictures, **more)  # type: ignore[arg-type]
    return text, Page(text)


def test_a_report_of_moments_speaks_of_moments_alone() -> None:
    found = answered("a dog runs")
    text, page = page_of(found, clips=clip_names(found))
    body = text.split("</style>")[1].split("<script>")[0]
    assert not SUMMARY.search(body)
    assert page.texts["h1"] == ["“a dog runs”"]
    assert page.texts["title"][0] == "“a dog runs” in film.mp4"
    assert page.texts["h2"][0] == "Match with “a dog runs”"
    assert "match, 0 to 1" in body and "importance" not in body
    assert len(page.all("img")) == 3 and not page.all("video")
    assert page.texts["dt"][:5] == ["Video", "Length", "Moments", "Best", "Picture"]
    assert page.texts["dd"][:3] == ["1:20", "3", "0:00 – 0:05 (80 %)"]
    assert page.texts["th"] == ["#", "Start", "End", "Length", "Confidence", "Score"]
    assert page.texts["td"][:4] == ["1", "0:05.00", "5.00 s", "80 %"]
    hrefs = [a["href"] for a in page.all("a")]
    assert hrefs == [f"./moment-1-{k}.mp4" for k in (1, 2, 3)] * 2


def test_each_sentence_has_a_section_and_says_when_it_is_in_doubt() -> None:
    found = answered("a dog", "a cat")
    doubted = tuple(
        Moment(m.start, m.end, m.query, m.score, 0.3, m.query != "a cat") for m in found.moments
    )
    text, page = page_of(answered("a dog", "a cat", moments=doubted))
    assert page.texts["h2"] == ["Match with “a dog”", "“a dog”", "“a cat”"]
    first, second = text.index('id="m1"'), text.index('id="m2"')
    assert text.index("Probably not in this video") > second > first
    assert text.count("Probably not") == 1
    assert not page.all("a")  # no clips lie beside it


def test_without_calibration_the_score_is_said() -> None:
    text, page = page_of(answered("a dog", confidence=None))
    assert "Confidence" not in text and "score 0.90" in text
    assert "Best" in page.texts["dt"] and "0:00 – 0:05" in page.texts["dd"]


def test_a_summary_with_a_sentence_shows_both() -> None:
    moments = answered("a dog").moments
    text, page = page_of(timeline(moments=moments))
    assert {"Summary", "Kept", "Keyshots"} <= set(page.texts["dt"])
    assert page.texts["h2"] == ["Importance", "Keyshots", "Cut list", "Moments of “a dog”"]
    assert len(page.all("img")) == 4 + 3
    assert "confidence 80 %" in text


def test_many_moments_show_the_first_ranks_and_list_all() -> None:
    found = answered(*(f"sentence {k}" for k in range(9)), each=6)
    text, page = page_of(found)
    assert len(page.all("img")) == MAX_MOMENTS
    assert sum(tag == "tr" for tag, _ in page.elements) == 9 * 7
    assert page.texts["h1"] == ["“sentence 0”, “sentence 1”, “sentence 2” and 6 more"]
    assert "the first 3 of 6" in text
    shown = [(t.sentence, t.rank) for t in moment_tiles(found, coloured, MAX_MOMENTS)]
    assert shown == sorted(shown) and {s for s, r in shown if r == 1} == set(range(1, 10))


@pytest.mark.parametrize("name", HOSTILE)
def test_no_sentence_breaks_out(name: str, tmp_path: Path) -> None:
    _, calm = page_of(answered("a", "b", name="film.mp4"))
    text, page = page_of(answered(name, "b", name=name))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in calm.elements]
    assert not re.search("[\x00-\x08\x0e-\x1f\u202a-\u202e\u2066-\u2069]", text)
    for drawing in (answered(name), answered(name, name + "2", name=name)):
        ET.fromstring(curve_svg(drawing).encode())
        write_storyboard(drawing, tmp_path / "s.jpg", coloured)
        assert Image.open(tmp_path / "s.jpg").width >= 560


def test_the_curve_is_called_a_match_and_marks_the_moments_of_its_sentence() -> None:
    root = ET.fromstring(curve_svg(answered("a dog", "a cat")))
    texts = " ".join(t.text or "" for t in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "match with “a dog”" in texts and "“a cat”" in texts
    assert "summary" not in texts and "importance" not in texts
    assert root.attrib["aria-label"] == "Match with “a dog” over time of film.mp4"
    clip = next(root.iter("{http://www.w3.org/2000/svg}clipPath"))
    assert len(list(clip)) == 3


def test_the_picture_of_the_first_sentence_is_where_it_fits_best() -> None:
    found = answered("a dog", "a cat", each=1)
    asked: list[float] = []
    moment_tiles(found, lambda times: asked.extend(times) or [None] * len(times), 9)  # type: ignore[func-returns-value]
    times, values = np.array(found.importance.times), np.array(found.importance.values)
    inside = (times >= 0.3) & (times < 4.7)
    assert asked == [times[inside][values[inside].argmax()], 3.5]


def test_the_storyboard_shows_the_moments() -> None:
    found = answered("a dog", each=2)
    sheet = np.asarray(draw_storyboard(found, moment_tiles(found, coloured, 96)))
    empty = np.asarray(draw_storyboard(found, ()))
    assert sheet.shape[0] > empty.shape[0]
    blue = (sheet[..., 2] > 190) & (sheet[..., 1] < 60)
    assert blue.mean() > 0.3  # the coloured pictures


def test_every_format_says_the_moments(tmp_path: Path) -> None:
    found = answered("a dog", "a cat", each=2)
    for name, format_ in FORMATS.items():
        text = format_.render(found)
        assert "summary" not in text, name
        assert "a dog" in text or name in {"auto-editor", "ffconcat"}, name
    (path,) = export(found, ["csv"], tmp_path)
    rows = path.read_text("utf-8").splitlines()
    assert rows[0] == "0.000000,5.000000,a dog (1)" and rows[-1].endswith("a cat (2)")
    assert json.loads(FORMATS["otio"].render(found))["name"] == "film.mp4: moments"


def test_clips_are_linked_where_they_lie(tmp_path: Path) -> None:
    found = answered("a dog", "a cat", each=1)
    assert list(clip_names(found).values()) == ["moment-1-1.mp4", "moment-2-1.mp4"]
    write_report(found, tmp_path / "r.html", coloured, None, {(2, 1): "moment-2-1.mp4"})
    hrefs = {a["href"] for a in Page((tmp_path / "r.html").read_text("utf-8")).all("a")}
    assert hrefs == {"./moment-2-1.mp4"}
