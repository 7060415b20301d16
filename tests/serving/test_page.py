"""The page's files: small, complete, and of this server only."""

from __future__ import annotations

import re
from pathlib import Path

from iptnet.outputs.style import DARK, LIGHT
from iptnet.serving.app import STATIC
from tests.serving.fakes import House


def files() -> list[Path]:
    return sorted(p for p in STATIC.rglob("*") if p.is_file())


def test_the_page_is_small() -> None:
    assert sum(p.stat().st_size for p in files()) < 300_000


def test_nothing_comes_from_elsewhere() -> None:
    for path in files():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn|@import|url\((?!#)", text), path.name


def test_the_policy_allows_what_the_page_does() -> None:
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script>|javascript:", html)
    for path in files():
        if path.suffix == ".js":
            text = path.read_text(encoding="utf-8")
            assert "innerHTML" not in text and "eval(" not in text, path.name
            assert len(text.splitlines()) <= 300


def test_every_element_that_a_script_wants_is_there() -> None:
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for path in files():
        if path.suffix == ".js":
            wanted = set(re.findall(r"\$\('([^']+)'\)", path.read_text(encoding="utf-8")))
            assert wanted <= set(ids), path.name
    for named in re.findall(r'(?:aria-labelledby|for)="([^"]+)"', html):
        assert named in ids


def test_modules_import_what_there_is() -> None:
    for path in files():
        if path.suffix == ".js":
            for name in re.findall(r"from '\./([^']+)'", path.read_text(encoding="utf-8")):
                assert (STATIC / name).is_file(), f"{path.name} imports {name}"


def test_the_page_has_the_colours_of_the_report() -> None:
    css = (STATIC / "style.css").read_text(encoding="utf-8")
    for palette in (LIGHT, DARK):
        for name in ("paper", "ink", "soft", "line", "band", "accent"):
            assert f"--{name}: {getattr(palette, name)};" in css


def test_the_api_describes_itself(open_house: House) -> None:
    with open_house.client() as client:
        described = client.get("/openapi.json").json()
        assert {
            "/api/server", "/api/videos", "/api/events", "/api/videos/{id_}/timeline",
            "/api/videos/{id_}/moments", "/api/videos/{id_}/exports/{name}",
        } <= set(described["paths"])  # fmt: skip
        for path in ("/docs", "/redoc"):  # their pages load scripts from elsewhere
            assert client.get(path).status_code == 404
        page = client.get("/")
        assert page.status_code == 200 and "text/html" in page.headers["content-type"]
