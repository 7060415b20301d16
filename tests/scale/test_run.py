"""A run and the next one: what is done stays done, what failed is told, what changed is redone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from iptnet.errors import InputError, MachineError
from iptnet.scale.ledger import Status, holds, parse_status, read_status, write_status
from iptnet.scale.run import weights_digest
from iptnet.scale.shards import Shard
from tests.scale.conftest import run
from tests.scale.fakes import archive, written


def lines(path: Path) -> dict[str, dict[str, object]]:
    rows = [json.loads(x) for x in path.read_text(encoding="utf-8").splitlines()]
    assert len({r["key"] for r in rows}) == len(rows)
    return {r["key"]: r for r in rows}


def test_each_video_gets_what_summarize_writes(tmp_path: Path) -> None:
    source, told = archive(tmp_path / "in"), list[Status]()
    (source / "bad.mp4").touch()
    (source / "large.mp4").write_bytes(b"x")
    tally = run(source, tmp_path / "out", on_status=told.append)
    assert (tally.done, tally.bad, tally.skipped, tally.code) == (6, 2, 0, 4)
    assert sorted(s.key for s in told) == sorted(lines(tally.ledger))
    files = {"timeline.json", "storyboard.jpg", "curve.svg", "report.html", "status.json"}
    for key, row in lines(tally.ledger).items():
        folder = tmp_path / "out" / key.removesuffix(".mp4")
        names = {p.name for p in folder.iterdir()}
        assert names == ({"status.json"} if row["state"] == "failed" else files)
        assert parse_status((folder / "status.json").read_text()) is not None
    bad = lines(tally.ledger)["bad.mp4"]
    assert bad["code"] == 3 and "bad.mp4 is empty; fetch" in str(bad["reason"])


def test_the_second_run_does_nothing(tmp_path: Path) -> None:
    source, out = archive(tmp_path / "in"), tmp_path / "out"
    (source / "bad.mp4").touch()
    run(source, out)
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
    told: list[Status] = []
    tally = run(source, out, on_status=told.append)
    assert told == [] and (tally.before, tally.known_bad, tally.code) == (6, 1, 3)
    after = {p: p.stat().st_mtime_ns for p in before}
    assert {p.name for p in before if before[p] != after[p]} <= {"batch.jsonl", ".batch.lock"}


def test_what_changed_is_done_again_and_nothing_else(tmp_path: Path) -> None:
    source, out, told = archive(tmp_path / "in"), tmp_path / "out", list[Status]()
    run(source, out)

    def again(**more: object) -> list[str]:
        told.clear()
        run(source, out, on_status=told.append, **more)
        return sorted(s.key for s in told)

    (source / "0.mp4").write_bytes(b"another film")
    os.utime(source / "a/1.mp4", (1, 1))
    (source / "new.mp4").write_bytes(b"a new one")
    (out / "b/c/2/curve.svg").unlink()
    assert again() == ["0.mp4", "a/1.mp4", "b/c/2.mp4", "new.mp4"]
    assert again() == []
    assert len(again(ratio=0.5)) == 7 and again(ratio=0.5) == []
    assert len(again(ratio=0.5, weights="f" * 64)) == 7
    (out / "0/status.json").write_text('{"schema": "iptnet/batch/1", "key": "0.mp4"}')
    assert again(ratio=0.5, weights="f" * 64) == ["0.mp4"]


def test_what_failed_is_tried_again_when_asked_or_changed(tmp_path: Path) -> None:
    source, out, told = archive(tmp_path / "in", 1), tmp_path / "out", list[Status]()
    (source / "bad.mp4").touch()
    run(source, out)
    run(source, out, retry=True, on_status=told.append)
    assert [s.key for s in told] == ["bad.mp4"] and told[0].state == "failed"
    (source / "bad.mp4").write_bytes(b"mended")
    tally = run(source, out)
    assert (tally.done, tally.bad, tally.code) == (2, 0, 0)


def test_a_video_that_turned_bad_has_no_results_any_more(tmp_path: Path) -> None:
    source, out = archive(tmp_path / "in", 1), tmp_path / "out"
    run(source, out)
    (source / "0.mp4").write_bytes(b"")
    assert run(source, out).bad == 1
    assert [p.name for p in (out / "0").iterdir()] == ["status.json"]


def test_surprises_of_one_video_are_its_own(tmp_path: Path) -> None:
    source = archive(tmp_path / "in", 1)
    (source / "bug.mp4").write_bytes(b"x")
    (source / "hog.mp4").write_bytes(b"x")
    tally = run(source, tmp_path / "out")
    rows = lines(tally.ledger)
    assert rows["0.mp4"]["state"] == "done" and tally.bad == 2
    assert rows["bug.mp4"]["code"] == 1 and "RuntimeError: a bug" in str(rows["bug.mp4"])
    assert rows["hog.mp4"]["code"] == 4 and "--workers" in str(rows["hog.mp4"]["reason"])


@pytest.mark.fault(15)
def test_trouble_of_the_machine_ends_the_run_and_the_ledger_is_true(tmp_path: Path) -> None:
    source, out = archive(tmp_path / "in", 3), tmp_path / "out"
    (source / "a/full.mp4").write_bytes(b"x")
    with pytest.raises(MachineError, match="no space left"):
        run(source, out)
    rows = lines(out / "batch.jsonl")
    states = {key: row["state"] for key, row in rows.items()}
    assert states == {
        "0.mp4": "done", "a/1.mp4": "done", "a/full.mp4": "pending", "b/c/2.mp4": "pending",
    }  # fmt: skip
    assert read_status(out / "a/full") is None


@pytest.mark.fault(15)
def test_an_output_that_cannot_be_written_is_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told: list[Status] = []
    with pytest.raises(MachineError, match="file"):
        run(archive(tmp_path / "in"), tmp_path / "file" / "out", on_status=told.append)
    assert told == []


def test_shares_together_are_the_whole(tmp_path: Path) -> None:
    source = archive(tmp_path / "in", 12)
    (source / "notes.txt").touch()
    (source / ".hidden.mp4").touch()
    run(source, tmp_path / "whole")
    for index in (3, 1, 2):
        run(source, tmp_path / "shares", shard=Shard(index, 3))
    assert written(tmp_path / "shares") == written(tmp_path / "whole")
    parts = [lines(tmp_path / f"shares/batch-{i}-of-3.jsonl") for i in (1, 2, 3)]
    assert sorted(k for part in parts for k in part) == sorted(
        lines(tmp_path / "whole/batch.jsonl")
    )
    # Shares and the whole understand each other.
    assert run(source, tmp_path / "shares").before == 12


def test_a_list_may_ask_for_another_length(tmp_path: Path) -> None:
    source = archive(tmp_path / "in", 1)
    listing = source / "all.jsonl"
    rows = [{"path": "0.mp4"}, {"path": "0.mp4", "name": "half", "ratio": 0.5}]
    listing.write_text("\n".join(json.dumps(r) for r in rows))
    tally = run(listing, tmp_path / "out")
    found = lines(tally.ledger)
    assert found["half"]["summary"] == pytest.approx(6, abs=0.1)
    assert found["0.mp4"]["summary"] == pytest.approx(5, abs=0.1)
    assert run(listing, tmp_path / "out").before == 2


def test_weights_are_told_apart(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"x")
    made = {weights_digest(None, None), weights_digest(None, "a"), weights_digest(str(other), None)}
    assert len(made) == 3 and weights_digest(None, None) in made
    with pytest.raises(InputError, match="nowhere"):
        weights_digest(str(tmp_path / "nowhere"), None)


@pytest.mark.fault(5)
def test_statuses_survive_any_name(tmp_path: Path) -> None:
    status = Status("no\udcfftext\n\u202e.mp4", "/x", "done", folder="f", warnings=("ü",))
    write_status(tmp_path, status)
    assert read_status(tmp_path) == status and len(status.to_json().splitlines()) == 1


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "1", '{"schema": 1}', '{"schema": "iptnet/batch/1"}',
             "[" * 9999,
             Status("a", "a", "pending").to_json(), Status(1, "a", "done").to_json(),  # type: ignore[arg-type]
             Status("a", "a", "done", files=(1,)).to_json(),  # type: ignore[arg-type]
             Status("a", "a", "done", input=[]).to_json(),  # type: ignore[arg-type]
             Status("a", "a", "done").to_json()[:-1] + ', "more": 1}', "\0" * 99],
)  # fmt: skip
def test_what_is_no_status_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "status.json").write_text(text)
    assert read_status(tmp_path) is None


def test_a_status_does_not_reach_out_of_its_folder(tmp_path: Path) -> None:
    """A status of strangers, in a shared folder: its files are looked for, never opened."""
    path = tmp_path / "v.mp4"
    path.touch()
    facts = {"bytes": 0, "mtime_ns": path.stat().st_mtime_ns}
    status = Status("v", "v", "done", files=("no/such",), input=facts)
    assert not holds(status, tmp_path, path, {}, retry=False)
    assert holds(Status("v", "v", "done", input=facts), tmp_path, path, {}, retry=False)
