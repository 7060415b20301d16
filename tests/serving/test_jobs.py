"""The table of work: order, recovery, and databases that are none."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from iptnet.errors import IntegrityError, MachineError
from iptnet.serving.jobs import MAX_ATTEMPTS, Jobs
from iptnet.serving.records import Failure, Task, Video


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path / "jobs.sqlite")


def queued(jobs: Jobs, *ids: str) -> None:
    for id_ in ids:
        jobs.add(id_, "me", f"{id_}.mp4")
        jobs.uploaded(id_, 10)


def get(jobs: Jobs, id_: str) -> Video:
    video = jobs.video(id_)
    assert video is not None
    return video


def test_work_is_done_in_the_order_of_arrival(jobs: Jobs) -> None:
    queued(jobs, "a", "b")
    jobs.render("b", "summary", 0.2)
    assert [jobs.ahead(i, "video") for i in "ab"] == [0, 1] and jobs.ahead("b", "summary") == 2
    order = [jobs.claim() for _ in range(4)]
    assert order == [Task("a", "video", 0, 1), Task("b", "video", 0, 1),
                     Task("b", "summary", 0.2, 1), None]  # fmt: skip
    assert jobs.active() == 3


def test_an_upload_is_no_work_yet(jobs: Jobs) -> None:
    jobs.add("a", "me", "a.mp4")
    assert jobs.claim() is None and jobs.active() == 1 and get(jobs, "a").state == "uploading"


@pytest.mark.fault(19)
def test_what_was_interrupted_is_done_again(jobs: Jobs, tmp_path: Path) -> None:
    queued(jobs, "a", "b")
    jobs.add("half", "me", "half.mp4")
    jobs.claim()
    jobs.close()  # as after kill -9: nobody said goodbye
    again = Jobs(tmp_path / "jobs.sqlite")
    again.recover()
    assert again.video("half") is None
    assert again.claim() == Task("a", "video", 0, 2)


@pytest.mark.fault(19)
def test_what_takes_the_server_down_is_given_up(jobs: Jobs) -> None:
    queued(jobs, "a")
    for _ in range(MAX_ATTEMPTS):
        assert jobs.claim() is not None
        jobs.recover()
    video = get(jobs, "a")
    assert video.state == "failed" and video.error is not None and video.error.code == "crashed"
    assert jobs.claim() is None


def test_a_clean_stop_does_not_count_as_a_crash(jobs: Jobs) -> None:
    queued(jobs, "a")
    for _ in range(10):
        task = jobs.claim()
        assert task is not None
        jobs.requeue("a", "video", task.attempts - 1)
    assert get(jobs, "a").state == "queued"


def test_deleting_takes_the_renderings_along(jobs: Jobs) -> None:
    queued(jobs, "a")
    jobs.render("a", "summary", 0.1)
    assert jobs.remove("a") and not jobs.remove("a")
    assert jobs.renders("a") == [] and jobs.claim() is None
    jobs.settle("a", "video", "done")  # the worker's late word is nobody's
    assert jobs.video("a") is None


def test_a_failure_is_kept_in_full(jobs: Jobs) -> None:
    queued(jobs, "a")
    error = Failure("“a” is <b>bad</b>", "mend it", "input")
    jobs.settle("a", "video", "failed", error=error)
    assert get(jobs, "a").error == error


def test_only_what_has_not_begun_is_taken_from_the_queue(jobs: Jobs) -> None:
    queued(jobs, "a", "b")
    jobs.claim()
    assert not jobs.unqueue("a", "video") and jobs.unqueue("b", "video")
    assert get(jobs, "b").state == "cancelled"


def test_another_file_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"no database, but long enough to be looked at" * 100)
    with pytest.raises(IntegrityError, match="is no database"):
        Jobs(path)


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    Jobs(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(IntegrityError, match="another version"):
        Jobs(path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MachineError):
        Jobs(tmp_path / "nowhere" / "jobs.sqlite")
