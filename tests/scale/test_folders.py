"""Folders bear stems; clashes are numbered, the same in every run, and nothing is ever lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iptnet.errors import InputError
from iptnet.naming import FILES
from iptnet.scale.folders import OURS, with_folders
from iptnet.scale.ledger import Status, write_status
from iptnet.scale.manifest import Item, read_archive


def folders(out: Path, *keys: str) -> list[str]:
    items = [Item(key, Path(key)) for key in sorted(keys)]
    return [item.folder for item in with_folders(items, out)]


def done(out: Path, folder: str, key: str) -> None:
    (out / folder).mkdir(parents=True)
    write_status(out / folder, Status(key, key, "done", folder=folder))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["fire2.mp4"], ["fire2"]),
        (["a.mkv", "a.mp4", "a.webm"], ["a", "a-2", "a-3"]),
        (["x/a.mp4", "y/a.mp4"], ["x/a", "y/a"]),
        (["A.mp4", "a.mkv"], ["A", "a-2"]),
        (["a-2.mp4", "a.mkv", "a.mp4"], ["a-2", "a", "a-3"]),
        (["...mp4"], ["video"]),
        (["two.dots.mp4"], ["two.dots"]),
        (["batch.jsonl.mp4", "batch-1-of-2.jsonl.mkv"], ["batch-1-of-2.jsonl-2", "batch.jsonl-2"]),
        (["summary.mp4.mp4", "x/Status.json.mp4"], ["summary.mp4-2", "x/Status.json-2"]),
        (["talk.mp4", "talk/part.mp4"], ["talk-2", "talk/part"]),
        (["talk/summary.mp4/x.mp4"], ["talk~summary.mp4~x"]),
        (["x" * 251 + ".mkv", "x" * 251 + ".mp4"], ["x" * 251, "x" * 251 + "-2"]),
    ],
)
def test_folders_bear_stems(tmp_path: Path, keys: Sequence[str], expected: list[str]) -> None:
    assert folders(tmp_path, *keys) == expected


def test_what_was_done_keeps_its_folder_when_others_come(tmp_path: Path) -> None:
    done(tmp_path, "a", "a.mp4")
    # a.mkv comes first by name, but the folder is taken.
    assert folders(tmp_path, "a.mkv", "a.mp4") == ["a-2", "a"]
    done(tmp_path, "a-2", "a.mkv")
    assert folders(tmp_path, "a.avi", "a.mkv", "a.mp4") == ["a-3", "a-2", "a"]
    # A list that names only one of them does not write over the other's results.
    assert folders(tmp_path, "a.mkv") == ["a-2"]
    assert folders(tmp_path, "a.webm") == ["a-3"]


def test_folders_of_earlier_versions_are_found_again(tmp_path: Path) -> None:
    done(tmp_path, "sub/fire2.mp4", "sub/fire2.mp4")
    done(tmp_path, "Talk.mp4~0123abcd", "Talk.mp4")  # not its digest: a stranger's
    assert folders(tmp_path, "sub/fire2.mp4", "sub/new.mp4", "Talk.mp4") == [
        "Talk",
        "sub/fire2.mp4",
        "sub/new",
    ]


def test_an_archive_of_an_earlier_version_is_done(tmp_path: Path) -> None:
    from tests.scale.fakes import archive
    from tests.scale.test_run import run

    source, out = archive(tmp_path / "in"), tmp_path / "out"
    first = run(source, out)
    for folder in [p.parent for p in out.rglob("status.json")]:
        status = (folder / "status.json").read_text("utf-8")
        old = folder.with_name(folder.name + ".mp4")
        folder.rename(old)
        name = folder.relative_to(out).as_posix()
        changed = status.replace(f'"folder": "{name}"', f'"folder": "{name}.mp4"')
        (old / "status.json").write_text(changed, "utf-8")
    again = run(source, out)
    assert (first.done, again.done, again.before) == (6, 6, 6)
    assert not (out / "0").exists()


def test_shares_agree_about_folders(tmp_path: Path) -> None:
    from iptnet.scale.shards import parse_shard
    from tests.scale.fakes import written
    from tests.scale.test_run import run

    source = tmp_path / "in"
    for number, name in enumerate(["a.mp4", "a.mkv", "A.mov", "x/a.mp4", "x/a.avi", "b.mp4"]):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(bytes(100 + number))
    run(source, tmp_path / "whole")
    for share in ("3/3", "1/3", "2/3"):
        run(source, tmp_path / "shared", shard=parse_shard(share))
    assert written(tmp_path / "whole") == written(tmp_path / "shared")
    assert {p.name for p in (tmp_path / "shared").iterdir()} >= {"A", "a-2", "a-3", "b", "x"}


NAMES = st.lists(
    st.text(st.sampled_from("aA-2.~"), min_size=1, max_size=4).map(lambda t: t + ".mp4"),
    min_size=1,
    max_size=3,
).map("/".join)


@given(st.sets(NAMES | st.sampled_from([f"a/{f}.mkv" for f in FILES]), min_size=1, max_size=12))
def test_no_two_videos_share_a_folder(keys: set[str]) -> None:
    out = Path("/nonexistent")
    found = folders(out, *keys)
    assert len({f.casefold() for f in found}) == len(keys)
    assert found == folders(out, *keys)
    inner = {str(p).casefold() for f in found for p in Path(f).parents}
    for folder in found:
        assert ".." not in Path(folder).parts and not Path(folder).is_absolute()
        assert not any(OURS.fullmatch(part) for part in Path(folder).parts)
        assert folder.casefold() not in inner


def test_a_name_of_a_list_is_kept_as_it_is(tmp_path: Path) -> None:
    listing = tmp_path / "all.jsonl"
    listing.write_text('{"path": "v.mp4", "name": "my.talk", "ratio": "15 %"}\n{"path": "w.mp4"}')
    items = read_archive(listing, tmp_path / "out").items
    assert [(i.folder, i.ratio) for i in items] == [("my.talk", 0.15), ("w", None)]


def test_a_folder_of_another_video_is_not_written_over(tmp_path: Path) -> None:
    from iptnet.scale.work import Job, Options, Workshop

    done(tmp_path, "a", "a.mp4")
    before = (tmp_path / "a" / "status.json").read_bytes()
    workshop = Workshop(Options(out=str(tmp_path)))
    assert workshop.perform(Job("a.mkv", str(tmp_path / "a.mkv"), "a")) is None
    assert workshop.fail(Job("a.mkv", str(tmp_path / "a.mkv"), "a"), InputError("bad")) is None
    assert (tmp_path / "a" / "status.json").read_bytes() == before
