"""Small videos, and a server with the real model that every test of results shares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iptnet.demo import DemoVideo, make_demo_video
from iptnet.demo import film as script_of
from iptnet.demo.script import SCRIPT
from tests.serving.fakes import House, house
from tests.serving.server import Server, start
from tests.video.making import make


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never the user's own cache or state."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("IPTNET_CACHE", str(base / "serving-cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(base / "serving-state"))


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of numbered pictures, a few kilobytes."""
    return make(tmp_path_factory.mktemp("film") / "film.mp4", 300)


@pytest.fixture
def open_house(tmp_path: Path) -> Iterator[House]:
    """A server whose fake model is done at once."""
    with house(tmp_path / "data") as it:
        yield it


@pytest.fixture
def slow_house(tmp_path: Path) -> Iterator[House]:
    """A server whose fake model works until its gate opens."""
    with house(tmp_path / "data", ready=False) as it:
        yield it


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoVideo:
    """The first 41 seconds of the demo video, whose every scene is known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script_of, "SCRIPT", SCRIPT[:7])
        return make_demo_video(tmp_path_factory.mktemp("demo") / "demo.mp4")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """``iptnet serve`` with the real model."""
    folder = tmp_path_factory.mktemp("server")
    it = start(folder / "data", folder / "cache")
    yield it
    code, err = it.stop()
    assert code == 143, err
