"""report.html: one page, nothing from outside, nothing that a name can break."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from iptnet.outputs.pictures import tiles
from iptnet.outputs.report import MAX_TILES, report_html, write_report
from tests.outputs.timelines import HOSTILE, coloured, hostile, timeline

VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; fails on elements that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({k for k, _ in attrs}) == len(attrs), f"{tag} repeats an attribute"
        self.elements.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def made(text: str) -> Page:
    return Page(text)


def test_every_keyshot_links_to_where_it_plays_in_the_summary(tmp_path: Path) -> None:
    write_report(timeline(), tmp_path / "report.html", coloured)
    page = made((tmp_path / "report.html").read_text("utf-8"))
    links = page.all("a")
    assert len(links) == 8
    assert [a["href"] for a in links[:4]] == [
        f"./summary.mp4#t={t}" for t in ("0.000", "6.000", "12.000", "18.000")
    ]
    assert [float(a["data-end"]) for a in links[4:]] == [6, 12, 18, 24]
    assert [float(a["data-start"]) for a in links[4:]] == [0, 20, 40, 60]
    assert page.all("video")[0]["src"] == "./summary.mp4"
    assert len(page.all("img")) == 4
    assert all(i["src"].startswith("data:image/jpeg;base64,") for i in page.all("img"))
    cells = page.texts["td"]
    assert "6.00 s" in cells
    assert "0:26.00" in cells


def test_without_a_video_nothing_pretends_to_play() -> None:
    page = made(report_html(timeline(), tiles(timeline(), coloured, 9), None))
    assert not page.all("video")
    assert not page.all("a")
    assert "0:20.00" in page.texts["td"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out_of_the_page(name: str) -> None:
    calm = made(report_html(hostile("film.mp4"), tiles(timeline(), coloured, 9), "film.mp4"))
    text = report_html(hostile(name), tiles(timeline(), coloured, 9), name)
    page = made(text)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in calm.elements]
    assert text.encode("utf-8")
    assert not re.search("[\x00-\x08\x0e-\x1f\u202a-\u202e\u2066-\u2069]", text)
    assert "NaN" not in text
    for _, attributes in page.elements:
        assert not any(k.startswith("on") or k == "style" for k in attributes)
        for key in ("src", "href", "poster"):
            assert re.match(r"(\./[^:]*|#|data:image/jpeg;base64,|$)", attributes.get(key, ""))


def test_the_policy_allows_this_very_style_and_script_and_nothing_outside() -> None:
    text = report_html(hostile("film.mp4"), tiles(timeline(), coloured, 9), "summary.mp4")
    page = made(text)
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag in ("style", "script"):
        (content,) = page.texts[tag]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    outside = set(re.findall(r"(?:https?:)?//[\w.]+[^\s\"'<]*", text.split("<script>")[0]))
    addresses = {o for o in outside if not re.search("base64", o) and o.startswith("http")}
    assert addresses == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("video", ["https://evil.example/a.mp4", "//evil.example/a", "a b?#é.mp4"])
def test_a_video_address_cannot_lead_elsewhere(video: str) -> None:
    page = made(report_html(timeline(), (), video))
    address = page.all("video")[0]["src"]
    assert address.startswith("./")
    assert not re.search(r"[:?# ]", address)


def test_large_pictures_of_many_keyshots_stay_small() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    many = timeline(200)
    text = report_html(many, tiles(many, lambda t: [noise] * len(t), MAX_TILES), "summary.mp4")
    assert len(text) < 1_500_000
    page = made(text)
    assert len(page.all("img")) == MAX_TILES
    assert sum(tag == "tr" for tag, _ in page.elements) == 201


def test_the_page_tells_its_origin_but_not_where_the_file_lies() -> None:
    text = report_html(timeline(), (), None)
    assert "cd" * 32 in text
    assert "checkpoint config heads" in text
    assert "/home/me" not in text


def test_ids_are_unique_and_labels_lead_somewhere() -> None:
    page = made(report_html(hostile("film.mp4"), tiles(timeline(), coloured, 9), "summary.mp4"))
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        assert attributes.get("aria-labelledby", ids[0]) in ids
    assert page.all("html")[0]["lang"] == "en"
