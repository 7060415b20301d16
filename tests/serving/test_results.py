"""Results with the real model: the same as the library's, at once, and after a restart."""

from __future__ import annotations

import csv
import io
import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from PIL import Image

import iptnet
from iptnet.demo import DemoVideo
from iptnet.outputs.exports import FORMATS
from iptnet.serving.downloads import DRAWN
from iptnet.serving.service import Service
from iptnet.serving.settings import Settings
from iptnet.timeline import Timeline
from tests.serving.fakes import settled, submit
from tests.serving.server import Server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as it:
        yield it


@pytest.fixture(scope="module")
def at(client: httpx.Client, demo: DemoVideo) -> str:
    """The address of the encoded demo video."""
    id_ = submit(client, demo.path, "demo.mp4")["id"]
    assert settled(client, id_, 180)["state"] == "done"
    return f"/api/videos/{id_}"


def get(client: httpx.Client, path: str, **asked: Any) -> Any:
    answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_server_says_what_the_library_says(
    client: httpx.Client, at: str, demo: DemoVideo
) -> None:
    status = get(client, at)
    assert status["facts"]["duration"] == pytest.approx(demo.duration)
    assert status["facts"]["codec"] == "h264" and status["facts"]["audio"]
    encoded = iptnet.load().encode(demo.path)
    told = Timeline.from_json(client.get(f"{at}/timeline", params={"ratio": 0.3}).text)
    own = encoded.summarize(0.3)
    assert (told.keyshots, told.shots, told.importance) == (own.keyshots, own.shots, own.importance)
    assert told.source.path == told.source.name == "demo.mp4"


def test_another_length_is_another_choice(client: httpx.Client, at: str, demo: DemoVideo) -> None:
    before = 0.0
    for ratio in (0.05, 0.15, 0.4, 1.0):
        chosen = get(client, f"{at}/selection", ratio=ratio)
        assert before <= chosen["duration"] <= max(ratio * demo.duration, 5) + 1e-6
        assert chosen["duration"] == pytest.approx(
            sum(k["end"] - k["start"] for k in chosen["keyshots"])
        )
        before = chosen["duration"]
    seconds = get(client, f"{at}/selection", length=0.4 * demo.duration)
    assert seconds["keyshots"] == get(client, f"{at}/selection", ratio=0.4)["keyshots"]
    refused = client.get(f"{at}/selection", params={"length": 9, "ratio": 0.4})
    assert refused.status_code == 400 and "one of them" in refused.json()["error"]["remedy"]
    whole = Timeline.from_json(client.get(f"{at}/timeline", params={"ratio": 0.4}).text)
    chosen = get(client, f"{at}/selection", ratio=0.4)
    assert chosen["selected"] == [i for i, s in enumerate(whole.shots) if s.selected]


def test_a_sentence_finds_its_scene(client: httpx.Client, at: str, demo: DemoVideo) -> None:
    for scene in demo.scenes:
        if scene.name in {"coffee", "cat"}:
            found = get(client, f"{at}/moments", query=scene.query)
            best = found["moments"][0]
            overlap = min(best["end"], scene.end) - max(best["start"], scene.start)
            assert overlap > 0.8 * (scene.end - scene.start), scene.name
            assert best["confidence"] > 0.5 and not found["doubtful"] and not found["warnings"]
            fit = found["fit"]
            times = get(client, f"{at}/timeline")["importance"]["times"]
            assert len(fit) == len(times)
            assert scene.start <= times[fit.index(max(fit))] <= scene.end


def test_doubts_are_told(client: httpx.Client, at: str) -> None:
    found = get(client, f"{at}/moments", query="xqzzy blorft")
    assert "knows no word" in found["warnings"][0]


def test_pictures_cover_the_video(client: httpx.Client, at: str, demo: DemoVideo) -> None:
    times = get(client, f"{at}/pictures")["times"]
    assert times == sorted(times) and len(times) > len(demo.scenes)
    for scene in demo.scenes:
        assert any(scene.start <= t < scene.end for t in times), scene.name
    for name in ("0", str(len(times) - 1), "cover"):
        answer = client.get(f"{at}/pictures/{name}.jpg")
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.size == (320, 180)
    assert client.get(f"{at}/pictures/{len(times)}.jpg").status_code == 404


def test_every_download_is_a_file_of_its_kind(client: httpx.Client, at: str) -> None:
    names = [offer["name"] for offer in get(client, "/api/server")["formats"]]
    assert names == [*DRAWN, *(n for n in FORMATS if n not in DRAWN)]
    for name in names:
        answer = client.get(f"{at}/exports/{name}", params={"ratio": 0.3, "query": "a cat"})
        assert answer.status_code == 200, (name, answer.text)
        assert "attachment" in answer.headers["content-disposition"]
        assert "demo" in answer.headers["content-disposition"]
        kind = answer.headers["content-type"]
        if "json" in kind:
            json.loads(answer.text)
        elif "xml" in kind:
            ET.fromstring(answer.text.encode())
        elif "csv" in kind:
            assert len(list(csv.reader(io.StringIO(answer.text)))) > 2
        elif "jpeg" in kind:
            Image.open(io.BytesIO(answer.content)).verify()
        else:
            assert len(answer.text) > 50, name
    told = Timeline.from_json(client.get(f"{at}/exports/json", params={"query": "a cat"}).text)
    assert {m.query for m in told.moments} == {"a cat"}
    unknown = client.get(f"{at}/exports/..%2f..%2fx")
    assert unknown.status_code in {400, 404}
    assert client.get(f"{at}/exports/nope").json()["error"]["code"] == "usage"


def test_after_a_restart_nothing_is_decoded_again(
    client: httpx.Client, at: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("iptnet.video.frames.sample_frames", refuse)
    monkeypatch.setenv("IPTNET_CACHE", str(tmp_path / "empty"))
    told = client.get(f"{at}/timeline", params={"ratio": 0.2, "query": "a cat"}).text
    shutil.copytree(server.data, tmp_path / "copy")
    service = Service(Settings(tmp_path / "copy"), iptnet.load)
    try:
        again = service.library.result(at.rsplit("/", 1)[1], 0.2, ["a cat"], 5)
    finally:
        service.stop()
    assert again == Timeline.from_json(told)
