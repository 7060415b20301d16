"""From upload to deletion, with all that may come between: stops, crashes, second thoughts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from iptnet.errors import InputError, MachineError
from iptnet.serving.board import Board, Progress
from iptnet.serving.folders import Folders
from iptnet.serving.service import Service
from iptnet.serving.settings import Settings, default_data
from iptnet.video.probe import probe
from tests.serving.fakes import FakeModel, House, house, running, settled, submit, wait_for


@pytest.mark.fault(19)
def test_a_stopped_server_goes_on_where_it_was(tmp_path: Path, film: Path) -> None:
    data = tmp_path / "data"
    with house(data, ready=False) as it, it.client() as client:
        ids = [submit(client, film, f"{n}.mp4")["id"] for n in range(2)]
        token = client.cookies["iptnet_session"]
        assert it.model.started.wait(20)
    with house(data) as it, it.client() as client:
        client.cookies.set("iptnet_session", token)
        for id_ in ids:
            status = settled(client, id_)
            assert status["state"] == "done" and status["ready"] and status["pictures"]
        assert [v["name"] for v in client.get("/api/videos").json()] == ["1.mp4", "0.mp4"]


def test_a_finished_video_is_not_worked_on_again(tmp_path: Path, film: Path) -> None:
    with house(tmp_path / "data") as it, it.client() as client:
        id_ = submit(client, film)["id"]
        settled(client, id_)
        token = client.cookies["iptnet_session"]
    with house(tmp_path / "data", ready=False) as it, it.client() as client:
        client.cookies.set("iptnet_session", token)
        assert client.get(f"/api/videos/{id_}").json()["state"] == "done"
        assert client.get(f"/api/videos/{id_}/pictures").json()["times"]
        assert it.model.seen == []


@pytest.mark.fault(19)
def test_what_a_crash_left_is_cleaned(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folders = Folders(data)
    (folders.videos / ("x" * 22)).mkdir()
    (folders.videos / ("x" * 22) / "source").write_text("of no video")
    folders.close()
    service = Service(Settings(data), FakeModel)  # type: ignore[arg-type]
    service.jobs.add("y" * 22, "me", "y.mp4")
    service.jobs.uploaded("y" * 22, 1)
    kept = service.folders.of("y" * 22)
    kept.mkdir()
    (kept / ".abc.partial.mp4").touch()
    (kept / "source").touch()
    service.stop()
    service = Service(Settings(data), FakeModel)  # type: ignore[arg-type]
    assert [p.name for p in service.folders.videos.iterdir()] == ["y" * 22]
    assert [p.name for p in kept.iterdir()] == ["source"]
    service.stop()


@pytest.mark.fault(19)
def test_a_folder_serves_one_server(tmp_path: Path) -> None:
    first = Folders(tmp_path)
    with pytest.raises(MachineError, match="another iptnet serve"):
        Folders(tmp_path)
    first.close()
    Folders(tmp_path).close()


@pytest.mark.fault(19)
def test_uploads_are_private(tmp_path: Path) -> None:
    Folders(tmp_path / "data").close()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


@pytest.mark.fault(19)
@pytest.mark.parametrize("bad", ["..", "../x", "x" * 21, "x" * 23, "/" * 22, "\0" * 22, "é" * 22])
def test_only_ids_are_folders(tmp_path: Path, bad: str) -> None:
    folders = Folders(tmp_path)
    with pytest.raises(ValueError, match="not an id"):
        folders.of(bad)
    folders.close()


def test_the_data_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_data() == tmp_path / "iptnet" / "serve"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert default_data() == Path("~/.local/state/iptnet/serve").expanduser()


@pytest.mark.fault(19)
def test_deleting_what_is_being_worked_on(slow_house: House, film: Path) -> None:
    with slow_house.client() as client:
        running_, waiting = submit(client, film)["id"], submit(client, film)["id"]
        assert slow_house.model.started.wait(20)
        assert client.delete(f"/api/videos/{running_}").status_code == 204
        assert client.get(f"/api/videos/{running_}").status_code == 404
        slow_house.model.gate.set()
        assert settled(client, waiting)["state"] == "done"
        videos = slow_house.service.folders.videos
        wait_for(lambda: [p.name for p in videos.iterdir()] == [waiting])
        assert client.delete(f"/api/videos/{running_}").status_code == 404


@pytest.mark.fault(19)
def test_cancelling_and_trying_again(slow_house: House, film: Path) -> None:
    with slow_house.client() as client:
        first, second = submit(client, film)["id"], submit(client, film)["id"]
        assert slow_house.model.started.wait(20)
        assert client.post(f"/api/videos/{second}/cancel").json()["state"] == "cancelled"
        client.post(f"/api/videos/{first}/cancel")
        assert settled(client, first)["state"] == "cancelled"
        slow_house.model.gate.set()
        assert client.post(f"/api/videos/{first}/restart").json()["state"] in {
            "queued",
            "running",
            "done",
        }
        assert settled(client, first)["state"] == "done"
        # What is done stays done.
        assert client.post(f"/api/videos/{first}/cancel").json()["state"] == "done"
        assert client.post(f"/api/videos/{first}/restart").json()["state"] == "done"


@pytest.mark.fault(19)
def test_a_failure_is_told_without_our_paths(slow_house: House, film: Path) -> None:
    with slow_house.client() as client:
        status = submit(client, film, "my <film>.mp4")
        source = slow_house.service.folders.source(status["id"])
        slow_house.model.fails = InputError(f"{source} makes no sense", "mend it")
        slow_house.model.gate.set()
        failed = settled(client, status["id"])
        assert failed["state"] == "failed" and not failed["ready"]
        assert failed["error"] == {
            "cause": "my <film>.mp4 makes no sense", "remedy": "mend it", "code": "input",
        }  # fmt: skip
        early = client.get(f"/api/videos/{status['id']}/timeline")
        assert early.status_code == 409 and early.json()["error"]["code"] == "not-ready"


def test_a_surprise_is_an_internal_error_and_the_worker_lives(
    slow_house: House, film: Path
) -> None:
    with slow_house.client() as client:
        slow_house.model.fails = RuntimeError("secret detail")
        slow_house.model.gate.set()
        failed = settled(client, submit(client, film)["id"])
        assert failed["error"]["code"] == "internal" and "secret" not in failed["error"]["cause"]
        slow_house.model.fails = None
        assert settled(client, submit(client, film)["id"])["state"] == "done"


def test_what_is_no_video_is_refused_by_the_decoder(open_house: House, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is no video\n" * 100)
    with open_house.client() as client:
        failed = settled(client, submit(client, tmp_path / "text.mp4", "text.mp4")["id"])
        assert failed["state"] == "failed" and failed["error"]["code"] == "input"
        assert failed["error"]["cause"].startswith("text.mp4 ")


def test_a_rendering_is_a_video_of_the_chosen_length(open_house: House, film: Path) -> None:
    with open_house.client() as client:
        at = f"/api/videos/{submit(client, film)['id']}"
        settled(client, at.rsplit("/", 1)[1])
        assert client.get(f"{at}/renders/summary").status_code == 409
        for kind, ratio, seconds in (("summary", 0.5, 6.0), ("preview", 1.0, 12.0)):
            client.post(f"{at}/renders/{kind}", params={"ratio": ratio})

            def state(kind: str = kind) -> bool:
                return bool(client.get(at).json()["renders"][kind]["state"] == "done")

            wait_for(state)
            path = open_house.service.folders.rendered(at.rsplit("/", 1)[1], kind)
            assert probe(path).duration == pytest.approx(seconds, abs=0.05)
            part = client.get(f"{at}/renders/{kind}", headers={"Range": "bytes=4-7"})
            assert part.status_code == 206 and part.content == b"ftyp"
        whole = client.get(f"{at}/renders/summary")
        assert "film.summary.mp4" in whole.headers["content-disposition"]
        # Asked for again, it is there; of another length, it is made again.
        again = client.post(f"{at}/renders/summary", params={"ratio": 0.5}).json()
        assert again["renders"]["summary"]["state"] == "done"
        other = client.post(f"{at}/renders/summary", params={"ratio": 0.3}).json()
        assert other["renders"]["summary"]["state"] in {"queued", "running"}
        wait_for(lambda: client.get(at).json()["renders"]["summary"]["state"] == "done")


def test_videos_that_nobody_opens_go(tmp_path: Path, film: Path) -> None:
    with house(tmp_path / "data", keep_days=1) as it, it.client() as client:
        old, new = submit(client, film)["id"], submit(client, film)["id"]
        settled(client, old), settled(client, new)
        it.service.jobs._run("UPDATE videos SET used = ? WHERE id = ?", time.time() - 90_000, old)
        it.service.expire()
        assert [v["id"] for v in client.get("/api/videos").json()] == [new]
        assert not it.service.folders.of(old).exists()


@pytest.mark.fault(19)
def test_a_disk_that_is_full_is_told(
    open_house: House, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folders, "free", lambda _: 1000)
    with open_house.client() as client:
        answer = client.post("/api/videos", content=film.read_bytes())
        assert answer.status_code == 507 and answer.json()["error"]["code"] == "full"


def test_stopping_leaves_no_thread_behind(tmp_path: Path, film: Path) -> None:
    service = Service(Settings(tmp_path / "data"), FakeModel)  # type: ignore[arg-type]
    with running(service):
        worker = service.worker._thread
        assert worker.is_alive()
    assert not worker.is_alive()


def test_the_board_announces_stages_and_ends_but_not_every_step() -> None:
    board = Board()
    for done in range(100):
        board.tell("a", "me", "video", Progress("frames", done, 100))
    quick = board.version
    assert 1 <= quick < 20
    board.tell("a", "me", "video", Progress("frames", 100, 100))
    board.tell("a", "me", "video", Progress("select", 0, None))
    assert board.version == quick + 2
    assert board.progress("a", "video") == Progress("select", 0, None)
    assert board.since(0, "me") == ["a"] and board.since(0, "you") == []
    board.over("a", "video")
    assert board.progress("a", "video") is None
