"""The page in a real browser, from the drop of a video to the last download."""

from __future__ import annotations

import csv
import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image

from iptnet.demo import DemoVideo
from iptnet.outputs.style import DARK, LIGHT
from iptnet.video.probe import probe
from tests.serving.browser import FLAGS, Tab, executable, tab
from tests.serving.fakes import settled, submit
from tests.serving.server import Server
from tests.video.making import convert

Open = Callable[..., AbstractContextManager[Tab]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = executable()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def session(browser: Any, server: Server, demo: DemoVideo) -> tuple[str, str]:
    """A session that has the demo video: its cookie, and the video's id."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        id_ = submit(client, demo.path, "demo.mp4")["id"]
        assert settled(client, id_, 180)["state"] == "done"
        return client.cookies["iptnet_session"], id_


@pytest.fixture
def fresh(browser: Any, server: Server) -> Open:
    """Opens the page as somebody new."""
    return lambda **options: tab(browser, server.url + "/", **options)


@pytest.fixture
def opened(browser: Any, server: Server, session: tuple[str, str]) -> Open:
    """Opens the demo video."""
    token, id_ = session

    def at_demo(**options: Any) -> AbstractContextManager[Tab]:
        return tab(browser, f"{server.url}/#{id_}", token, **options)

    return at_demo


def shown(it: Tab) -> Any:
    """The page, once the curve and the pictures are there and the video can seek."""
    it.page.wait_for_selector("#board img")
    it.until("document.getElementById('video').readyState >= 1")
    return it.page


def count(page: Any, selector: str) -> int:
    return int(page.locator(selector).count())


def test_first_paint_asks_nobody_else_and_is_small(fresh: Open) -> None:
    with fresh() as it:
        it.page.wait_for_selector("#limits:not(:empty)")
        assert it.page.is_visible("text=What matters in your video?")
        assert it.page.is_hidden("#earlier") and it.page.is_hidden("#view")
        assert {"/", "/static/app.js", "/static/style.css", "/api/server"} <= set(it.received)
        assert sum(r.sizes()["responseBodySize"] for r in it.received.values()) < 300_000


def test_from_the_file_to_the_drawn_curve(fresh: Open, film: Path) -> None:
    with fresh() as it:
        it.page.set_input_files("#file", film)
        it.page.wait_for_selector("#curve:not([hidden])")
        said = " ".join(it.page.evaluate("window.done"))
        for stage in ("Sending the video", "Watching the video", "Choosing"):
            assert stage in said, said
        shown(it)
        line = it.page.get_attribute("#track path.line.rest", "d")
        assert line.count("L") >= 24  # a point each half second, and both edges
        assert count(it.page, "#track .keyshot") == count(it.page, "#board li") >= 1
        assert it.page.inner_text("#title") == "film.mp4" and "film.mp4" in it.page.title()
        assert "12" in it.page.inner_text("#facts") and "h264" in it.page.inner_text("#facts")
        assert "is ready" in it.page.inner_text("#live")
        # The address is the video's: it survives a reload, and lies in the list.
        it.page.reload()
        shown(it)
        it.page.click(".back")
        assert it.page.inner_text("#videos .name") == "film.mp4"


def test_a_video_can_be_dropped(fresh: Open, film: Path) -> None:
    drop = """bytes => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], '<img src=x onerror=alert(1)>.mp4'));
      for (const type of ['dragenter', 'dragover', 'drop'])
        document.body.dispatchEvent(
          new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    with fresh() as it:
        it.page.evaluate(drop, list(film.read_bytes()))
        shown(it)
        # Markup in a name is text.
        assert it.page.inner_text("#title") == "<img src=x onerror=alert(1)>.mp4"
        assert count(it.page, "#title img") == 0


def test_a_click_on_the_curve_seeks(opened: Open, demo: DemoVideo) -> None:
    with opened() as it:
        page = shown(it)
        box = page.locator("#track").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)
        assert it.seconds() == pytest.approx(demo.duration / 2, abs=0.5)
        assert float(page.get_attribute("#track", "aria-valuenow")) == pytest.approx(20.5, abs=0.5)
        heard = page.get_attribute("#track", "aria-valuetext")
        assert re.match("2[01] seconds of 41 seconds", heard)
        # Held, it follows; where the pointer is, a picture shows what is there.
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=4)
        page.mouse.up()
        assert it.seconds() == pytest.approx(0.6 * demo.duration, abs=0.5)
        assert page.is_visible("#peek img") and page.inner_text("#peek-time").startswith("0:24")
        page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 60)
        assert it.seconds() == pytest.approx(0.6 * demo.duration, abs=0.5)


def test_the_slider_chooses_again_at_once(opened: Open) -> None:
    with opened() as it:
        page = shown(it)
        before = page.inner_text("#length-time")
        with page.expect_response(lambda r: "/selection?ratio=0.5" in r.url) as waiting:
            page.fill("#length", "50")
        chosen = waiting.value.json()
        it.until(f"document.querySelectorAll('#board li').length === {len(chosen['keyshots'])}")
        assert count(page, "#track .keyshot") == len(chosen["keyshots"]) > 2
        assert page.inner_text("#length-time") != before and "50" in page.inner_text(
            "#length-percent"
        )
        assert page.inner_text("#length-of").endswith(f"{len(chosen['keyshots'])} keyshots")
        assert "50 percent" in page.get_attribute("#length", "aria-valuetext")
        page.click("text=The keyshots as a table")
        assert count(page, "#table tbody tr") == len(chosen["keyshots"])
        assert "ratio=0.5" in page.get_attribute("[data-format=csv]", "href")
        # Many wishes at once: the last one stands.
        for value in ("20", "30", "70"):
            page.fill("#length", value)
        heard = "document.querySelector('#length').getAttribute('aria-valuetext')"
        it.until(f"{heard}.includes('70 percent')")


def test_a_sentence_finds_its_moment(opened: Open, demo: DemoVideo) -> None:
    coffee = next(s for s in demo.scenes if s.name == "coffee")
    with opened() as it:
        page = shown(it)
        page.fill("#query", coffee.query or "")
        page.press("#query", "Enter")
        page.wait_for_selector("#answer .moments")
        first = page.locator("#answer li").first.inner_text()
        assert "0:22.0 – 0:28.0" in first and "%" in first
        assert count(page, "#track .moment") >= 1 and count(page, "#track .fit") == 1
        label = page.get_attribute("#answer li button", "aria-label")
        assert "confidence" in label and "22 seconds" in label
        page.click("#answer li >> nth=0")
        it.until("document.getElementById('video').currentTime > 22.2")
        assert coffee.start <= it.seconds() < coffee.end
        # It stops where the moment ends.
        page.evaluate("document.getElementById('video').currentTime = 27.6")
        it.until("document.getElementById('video').paused")
        assert it.seconds() == pytest.approx(coffee.end, abs=0.3)
        # Pressed on the timeline, it plays too.
        page.click("#track .moment >> nth=0")
        it.until("document.getElementById('video').currentTime < 24")


def test_doubts_are_shown(opened: Open) -> None:
    with opened() as it:
        page = shown(it)
        page.fill("#query", "xqzzy blorft")
        page.click("#find")
        page.wait_for_selector("#answer .notice")
        assert "knows no word" in page.inner_text("#answer .notice")
        page.route("**/moments?*", lambda route: route.fulfill(json={
            "query": "x", "doubtful": True, "warnings": [], "fit": [],
            "moments": [{"start": 1, "end": 2, "score": 0.1, "confidence": 0.02}]}))  # fmt: skip
        page.fill("#query", "something else")
        page.click("#find")
        page.wait_for_selector("#answer .doubt")
        assert "Probably not in this video" in page.inner_text("#answer")
        assert "2 %" in page.inner_text("#answer")


def test_the_summary_alone_can_be_played(opened: Open) -> None:
    inside = """() => { const t = document.getElementById('video').currentTime;
      return !document.getElementById('video').paused && t >= %f && t < %f }"""
    with opened() as it:
        page = shown(it)
        starts = [float(b.get_attribute("data-start")) for b in page.locator("#board button").all()]
        page.click("#play-summary")
        it.until(inside % (starts[0], starts[0] + 3))
        assert page.get_attribute("#only", "aria-pressed") == "true"
        # Outside of it, it jumps to what comes next.
        page.evaluate(f"document.getElementById('video').currentTime = {starts[1] - 2}")
        it.until(inside % (starts[1], starts[1] + 3))
        # After the last keyshot it stops.
        page.evaluate("document.getElementById('video').currentTime = 40.5")
        it.until("document.getElementById('video').paused")
        page.click("#whole")
        page.click("#play")
        it.until("!document.getElementById('video').paused")


def test_the_storyboard_leads_to_its_keyshots(opened: Open) -> None:
    with opened() as it:
        page = shown(it)
        second = page.locator("#board button").nth(1)
        second.click()
        assert it.seconds() == pytest.approx(float(second.get_attribute("data-start")), abs=0.1)
        page.wait_for_selector("#board button[aria-current] >> nth=0")
        it.until("[...document.querySelectorAll('#board img')].every(i => i.naturalWidth > 100)")


def test_every_export_downloads_and_parses(opened: Open, tmp_path: Path) -> None:
    with opened() as it:
        page = shown(it)
        names = [a.get_attribute("data-format") for a in page.locator("#files a").all()]
        assert len(names) >= 10
        for name in names:
            # Chromium silently drops links with "download" beyond ten a second.
            page.wait_for_timeout(150)
            with page.expect_download() as waiting:
                page.click(f"[data-format={name}]")
            path = tmp_path / waiting.value.suggested_filename
            waiting.value.save_as(path)
            assert path.name.startswith("demo."), path.name
            text = "" if path.suffix == ".jpg" else path.read_text(encoding="utf-8")
            match path.suffix:
                case ".json" | ".otio":
                    assert json.loads(text)
                case ".svg" | ".fcpxml":
                    ET.fromstring(text)
                case ".csv":
                    assert len(list(csv.reader(text.splitlines()))) >= 2
                case ".jpg":
                    with Image.open(path) as picture:
                        assert picture.width > 500
                case _:
                    assert len(text) > 40
        page.click("text=Make summary.mp4")
        with page.expect_download() as waiting:
            page.click("text=Download summary.mp4")
        waiting.value.save_as(tmp_path / "summary.mp4")
        assert waiting.value.suggested_filename == "demo.summary.mp4"
        assert 5 < probe(tmp_path / "summary.mp4").duration < 0.15 * 41 + 0.1


def test_the_keyboard_does_it_all(opened: Open) -> None:
    with opened() as it:
        page = shown(it)
        starts = [float(b.get_attribute("data-start")) for b in page.locator("#board button").all()]
        page.keyboard.press("n")
        assert it.seconds() == pytest.approx(starts[0], abs=0.1)
        page.keyboard.press("ArrowRight")
        assert it.seconds() == pytest.approx(starts[0] + 5, abs=0.1)
        page.keyboard.press("Shift+ArrowLeft")
        assert it.seconds() == pytest.approx(starts[0] + 4, abs=0.1)
        page.keyboard.press("n")
        page.keyboard.press("p")
        assert it.seconds() == pytest.approx(starts[0], abs=0.1)
        page.keyboard.press("Space")
        it.until("!document.getElementById('video').paused")
        # The button follows the video's own event, which comes a moment later.
        it.until("document.getElementById('play').getAttribute('aria-label') === 'Pause'")
        page.keyboard.press("Space")
        it.until("document.getElementById('video').paused")
        page.keyboard.press("]")
        it.until("document.getElementById('length').value === '16'")
        page.keyboard.press("s")
        assert page.get_attribute("#only", "aria-pressed") == "true"
        page.keyboard.press("/")
        page.keyboard.type("n s p")  # letters, in a field
        assert page.input_value("#query") == "n s p"
        assert page.get_attribute("#only", "aria-pressed") == "true"
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        assert page.is_visible("#keys")
        page.keyboard.press("Escape")
        assert page.is_hidden("#keys")
        page.focus("#track")
        page.keyboard.press("Home")
        assert it.seconds() == 0
        page.keyboard.press("End")
        assert it.seconds() > 40
        # Everything can be reached by tab, and shows where it is.
        page.focus(".skip")
        seen = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            seen.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
        assert {"help", "play", "track", "length", "play-summary", "query", "find"} <= seen


@pytest.mark.parametrize("width", [320, 360, 768])
def test_no_width_scrolls_sideways(opened: Open, width: int) -> None:
    with opened(viewport={"width": width, "height": 700}) as it:
        page = shown(it)
        page.fill("#query", "a cat")
        page.press("#query", "Enter")
        page.wait_for_selector("#answer .moments")
        fits = "document.documentElement.scrollWidth <= innerWidth"
        assert page.evaluate(fits)
        small = page.evaluate("""[...document.querySelectorAll('#view button, #view a')]
            .filter(e => e.offsetParent && !e.matches('.link'))
            .filter(e => e.getBoundingClientRect().height < 30).length""")
        assert small == 0  # fingers are large
        page.click(".back")
        page.wait_for_selector("#videos li")
        assert page.evaluate(fits)


@pytest.mark.parametrize(("scheme", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_light_and_dark(opened: Open, scheme: str, palette: Any) -> None:
    rgb = tuple(int(palette.paper[i : i + 2], 16) for i in (1, 3, 5))
    with opened(color_scheme=scheme) as it:
        page = shown(it)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == f"rgb{rgb}"


def test_nothing_moves_for_those_who_want_that(fresh: Open) -> None:
    with fresh(reduced_motion="reduce") as it:
        moving = "getComputedStyle(document.getElementById('choose')).transitionDuration"
        assert it.page.evaluate(moving) in {"0s", "0s, 0s"}


def test_a_screen_reader_finds_its_way(opened: Open) -> None:
    with opened() as it:
        page = shown(it)
        for role in ("banner", "main", "contentinfo", "navigation", "search"):
            assert page.get_by_role(role).count() == 1, role
        for name in ("Position in the video", "Length of the summary, up to"):
            assert page.get_by_role("slider", name=name).count() == 1
        nameless = page.evaluate("""[...document.querySelectorAll('button, a, input:not([hidden])')]
            .filter(e => e.offsetParent)
            .filter(e => !(e.ariaLabel || e.textContent.trim() || e.labels?.length))
            .map(e => e.outerHTML)""")
        assert nameless == []
        tags = page.evaluate("""[...document.querySelectorAll('h1, h2, h3')]
            .filter(e => e.offsetParent).map(e => e.tagName)""")
        levels = [int(tag[1]) for tag in tags]
        assert levels[0] == 1 and levels.count(1) == 1 and max(levels) == 2
        assert count(page, "[aria-live=polite]") >= 2


def test_a_codec_that_no_browser_plays_gets_a_preview(
    fresh: Open, film: Path, tmp_path: Path
) -> None:
    odd = convert(film, tmp_path / "odd.avi", "-c:v", "mpeg4", "-t", "4")
    with fresh() as it:
        page = it.page
        page.set_input_files("#file", odd)
        page.wait_for_selector("#curve:not([hidden])")
        page.wait_for_selector("#unplayable button")
        assert "cannot play mpeg4" in page.inner_text("#unplayable")
        page.click("#unplayable button")
        it.until("document.getElementById('video').videoWidth > 0")
        assert page.is_hidden("#unplayable")
        page.click("#play")
        it.until("document.getElementById('video').currentTime > 0.2")


def test_what_is_no_video_says_so_and_can_be_deleted(fresh: Open, tmp_path: Path) -> None:
    bad = tmp_path / "notes.mp4"
    bad.write_text("this is no video\n" * 100)
    with fresh() as it:
        page = it.page
        page.set_input_files("#file", bad)
        page.wait_for_selector("#busy .error")
        said = page.inner_text("#busy")
        assert "notes.mp4" in said and "What helps" in said and "Try again" in said
        page.click("#busy >> text=Delete")
        page.click("text=Delete for good?")
        page.wait_for_selector("#home:not([hidden])")
        it.until("document.querySelectorAll('#videos li').length === 0")
        empty = tmp_path / "empty.mp4"
        empty.touch()
        page.set_input_files("#file", empty)
        page.wait_for_selector("#refused:not([hidden])")
        assert "is empty" in page.inner_text("#refused")


def test_a_server_that_went_away_is_told_and_found_again(opened: Open) -> None:
    with opened() as it:
        it.expected = ("ERR_FAILED", "ERR_CONNECTION")
        page = shown(it)
        page.route("**/api/events", lambda route: route.abort())
        page.reload()
        page.wait_for_selector("#offline:not([hidden])")
        assert "does not answer" in page.inner_text("#offline")
        page.unroute("**/api/events")
        page.wait_for_selector("#offline", state="hidden")
        shown(it)


def test_an_address_of_no_video_leads_home(fresh: Open) -> None:
    with fresh() as it:
        it.page.goto(it.page.url + "#nowhere-at-all-in-here")
        it.page.wait_for_selector("#refused:not([hidden])")
        assert it.page.is_visible("#choose")


def test_videos_are_listed_and_deleted(
    browser: Any, server: Server, film: Path, tmp_path: Path
) -> None:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        for name in ("one.mp4", "two.mp4"):
            shutil.copy(film, tmp_path / name)
            settled(client, submit(client, tmp_path / name, name)["id"])
        with tab(browser, server.url + "/", client.cookies["iptnet_session"]) as it:
            page = it.page
            it.until("document.querySelectorAll('#videos img').length === 2")
            names = [n.inner_text() for n in page.locator("#videos .name").all()]
            assert names == ["two.mp4", "one.mp4"]
            page.click("[aria-label='Delete one.mp4']")
            page.click("[aria-label='Delete for good?']")
            it.until("document.querySelectorAll('#videos li').length === 1")
            assert [v["name"] for v in client.get("/api/videos").json()] == ["two.mp4"]
