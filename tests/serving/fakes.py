"""A model that answers at once, or when told to; and a server of it in this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import uvicorn

from iptnet.features.cache import Features, content_sha256
from iptnet.features.extract import METADATA
from iptnet.features.recipe import Recipe
from iptnet.selection.keyshots import select
from iptnet.serving.app import create_app
from iptnet.serving.service import Service
from iptnet.serving.settings import Settings
from iptnet.timeline import Curve, Moment, Source, Timeline

RECIPE = Recipe("fake", "fake", "0" * 64, "2/s", "none", "none", "none", 4, "fake")


@dataclass(frozen=True)
class FakeEncoded:
    """Twelve seconds, three shots, the middle one important."""

    source: Source
    features: Features

    def summarize(self, ratio: float) -> Timeline:
        times = np.arange(0, 12, 0.5)
        values = np.where((times >= 4) & (times < 8), 0.9, 0.2).astype(np.float32)
        chosen = select(times, values, [[0, 4], [4, 8], [8, 12]], 12.0, ratio=ratio)
        curve = Curve(tuple(times.tolist()), tuple(float(v) for v in values))
        return Timeline(self.source, curve, chosen.shots, chosen.keyshots)

    def ask(self, queries: list[str], top: int) -> Timeline:
        moments = tuple(Moment(4.0, 8.0, q, 0.9, 0.8) for q in queries)
        return Timeline(self.source, Curve((0.0,), (0.0,)), moments=moments)


@dataclass
class FakeModel:
    """Encodes by waiting for ``gate`` while reporting progress."""

    gate: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)
    seen: list[Path] = field(default_factory=list)
    summarizer: Any = None
    localizer: Any = None
    fails: Exception | None = None

    def encode(self, path: Path, on_progress: Callable[[str, int, int | None], None]) -> Any:
        self.seen.append(path)
        self.started.set()
        step = 0
        while not self.gate.is_set():
            on_progress("frames", step, None)
            step += 1
            time.sleep(0.005)
        on_progress("frames", 12, 12)
        if self.fails:
            raise self.fails
        digest = content_sha256(path)
        vectors = np.zeros((24, 4), np.float32)
        return FakeEncoded(
            Source(str(path), path.name, digest, 12.0, 25.0, 96, 64),
            Features(np.arange(24) / 2, vectors, RECIPE, {"version": METADATA}),
        )


@contextmanager
def running(service: Service) -> Iterator[str]:
    """Serve on a free port of loopback until the block ends; yields the address."""
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(service), http="h11", ws="none", log_config=None, access_log=False,
            timeout_graceful_shutdown=2,
        )
    )  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not server.started and time.monotonic() < deadline:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            service.board.close()
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@dataclass
class House:
    """A service with a fake model on a data folder."""

    service: Service
    model: FakeModel
    url: str

    def client(self) -> httpx.Client:
        """A browser of its own: its own cookies."""
        return httpx.Client(base_url=self.url, timeout=30)


@contextmanager
def house(data: Path, *, ready: bool = True, **settings: Any) -> Iterator[House]:
    """A server with a fake model; ``ready`` lets it encode at once."""
    model = FakeModel()
    if ready:
        model.gate.set()
    service = Service(Settings(data, **settings), lambda: model)  # type: ignore[arg-type, return-value]
    with running(service) as url:
        try:
            yield House(service, model, url)
        finally:
            model.gate.set()


def wait_for(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Poll until true; the value of the condition."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def submit(client: httpx.Client, path: Path, name: str = "film.mp4") -> dict[str, Any]:
    """Upload a file; its status."""
    answer = client.post("/api/videos", params={"name": name}, content=path.read_bytes())
    assert answer.status_code == 201, answer.text
    status: dict[str, Any] = answer.json()
    return status


def settled(client: httpx.Client, id_: str, seconds: float = 60.0) -> dict[str, Any]:
    """Wait until no work on a video is left; its status."""

    def done() -> dict[str, Any] | None:
        status: dict[str, Any] = client.get(f"/api/videos/{id_}").json()
        return status if status["state"] not in {"uploading", "queued", "running"} else None

    return wait_for(done, seconds)  # type: ignore[no-any-return]
