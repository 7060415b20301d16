"""What an archive holds, in whatever way it is named; everything found is accounted for."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iptnet.errors import InputError
from iptnet.scale.manifest import Item, read_archive

NAMES = ["-y.mp4", "a%03d.mp4", "concat:x.mp4", "new\nline.mp4", "ü\"'.mp4", "x" * 251 + ".mp4",
         "no\udcfftext.mp4", " spaces .MP4", "<script>.mkv"]  # fmt: skip


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def keys(source: Path, out: Path | None = None) -> list[str]:
    return [i.key for i in read_archive(source, out or source.parent / "out").items]


@pytest.mark.fault(5)
def test_a_folder_is_read_in_order_whatever_the_names(tmp_path: Path) -> None:
    root = tmp_path / "in"
    touch(root, *NAMES, *(f"sub/{name}" for name in NAMES))
    listing = read_archive(root, tmp_path / "out")
    found = [os.fsencode(i.key) for i in listing.items]
    assert found == sorted(os.fsencode(n) for n in (*NAMES, *(f"sub/{n}" for n in NAMES)))
    assert all(i.path.is_file() and i.folder == i.key[:-4] for i in listing.items)
    assert listing.skipped == ()


@pytest.mark.fault(1)
def test_what_is_no_video_is_told_and_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "in"
    touch(root, "a.mp4", ".hidden.mp4", ".git/b.mp4", "notes.txt", "noname", "mp4", "out/a/b.mp4")
    os.mkfifo(root / "pipe.mp4")
    (root / "dangling.mp4").symlink_to("nowhere")
    (root / "round").symlink_to(root)
    (root / "link.mp4").symlink_to("a.mp4")
    (root / "folder.mp4").mkdir()
    listing = read_archive(root, root / "out")
    assert [i.key for i in listing.items] == ["a.mp4", "link.mp4"]
    assert {s.key: s.reason for s in listing.skipped} == {
        ".hidden.mp4": "a hidden file",
        ".git": "a hidden folder",
        "notes.txt": "not named like a video",
        "noname": "not named like a video",
        "mp4": "not named like a video",
        "pipe.mp4": "not a regular file",
        "dangling.mp4": "cannot be read: No such file or directory",
        "round": "a link to a folder",
    }


def test_names_that_differ_in_case_alone_get_folders_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path / "in", "Talk.mp4", "talk.mp4", "other.mp4")
    folders = [i.folder for i in read_archive(tmp_path / "in", tmp_path / "out").items]
    assert folders == ["Talk", "other", "talk-2"]


def test_a_list_names_files_of_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lists").mkdir()
    listing = tmp_path / "lists" / "all.txt"
    elsewhere = tmp_path / "films" / "x.mp4"
    listing.write_bytes(
        b"\xef\xbb\xbfa.mp4\r\nsub/b.anything\n\n# c.mp4\n  d.mp4\n../films/e.mp4\n"
        + os.fsencode(elsewhere) + b"\na.mp4\n./a.mp4"
    )  # fmt: skip
    monkeypatch.chdir("/")
    found = read_archive(listing, tmp_path / "out")
    top = str(tmp_path).lstrip("/")
    paths = {i.key: i.path for i in found.items}
    assert paths == {
        "a.mp4": tmp_path / "lists/a.mp4",
        "sub/b.anything": tmp_path / "lists/sub/b.anything",
        "# c.mp4": tmp_path / "lists/# c.mp4",
        "  d.mp4": tmp_path / "lists/  d.mp4",
        f"{top}/films/e.mp4": tmp_path / "lists/../films/e.mp4",
        f"{top}/films/x.mp4": elsewhere,
    }
    assert [(s.key, s.reason) for s in found.skipped] == [
        ("a.mp4 (line 8)", "named before, in line 1"),
        ("a.mp4 (line 9)", "named before, in line 1"),
    ]


def test_nul_separates_names_that_hold_newlines(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"new\nline.mp4\0b.mp4\0")
    assert keys(tmp_path / "list") == ["b.mp4", "new\nline.mp4"]


def test_rows_may_give_names_and_ratios(tmp_path: Path) -> None:
    listing = tmp_path / "all.jsonl"
    rows = [{"path": "a.mp4"}, {"path": "a.mp4", "name": "long/a", "ratio": 0.5}]
    listing.write_text("\n".join(json.dumps(r) for r in rows))
    found = read_archive(listing, tmp_path / "out").items
    assert [(i.key, i.path, i.ratio) for i in found] == [
        ("a.mp4", tmp_path / "a.mp4", None),
        ("long/a", tmp_path / "a.mp4", 0.5),
    ]


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    "row",
    ["{", "[]", "1", '"a.mp4"', "{}", '{"path": 1}', '{"path": ""}', '{"path": "a", "name": 1}',
     '{"path": "a", "ratio": 0}', '{"path": "a", "ratio": "1"}', '{"path": "a", "ratio": true}',
     '{"path": "a", "ratio": NaN}', '{"path": "a", "name": "../x"}', '{"path": "a", "name": "/x"}',
     '{"path": "a", "name": ".x"}', '{"path": "a", "name": "x//y"}', '{"path": "a\\u0000b"}',
     '{"path": "a", "name": ""}', '{"path": "a", "name": "a\\nb"}', '{"path": "a", "rtaio": 1}',
     "[" * 5000],
)  # fmt: skip
def test_a_bad_row_is_named_with_file_and_line(tmp_path: Path, row: str) -> None:
    listing = tmp_path / "all.jsonl"
    listing.write_text('{"path": "a.mp4"}\n' + row + "\n")
    with pytest.raises(InputError, match=r"all\.jsonl, line 2"):
        read_archive(listing, tmp_path / "out")


def test_names_within_names_stay_apart(tmp_path: Path) -> None:
    listing = tmp_path / "all.jsonl"
    rows = [{"path": "a", "name": n} for n in ("x", "x/status.json", "X/summary.mp4/y", "z")]
    listing.write_text("\n".join(json.dumps(r) for r in rows))
    folders = [i.folder for i in read_archive(listing, tmp_path / "out").items]
    assert folders == ["X~summary.mp4~y", "x-2", "x/status.json-2", "z"]


@pytest.mark.fault(1)
@pytest.mark.parametrize("kind", ["missing", "fifo", "video", "nothing in it", "blank list"])
def test_what_is_no_archive_is_told(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "it"
    match kind:
        case "fifo":
            os.mkfifo(source)
        case "video":
            source = tmp_path / "it.mp4"
            source.write_bytes(b"\0" * 100)
        case "nothing in it":
            touch(source, "notes.txt")
        case "blank list":
            source.write_text("\n\n")
    with pytest.raises(InputError, match="it"):
        read_archive(source, tmp_path / "out")


@given(st.binary(max_size=300), st.sampled_from(["list", "list.jsonl"]))
@example(b".", "list")
@example(b"/\n./.\na/..", "list")
def test_any_list_is_understood_or_refused(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / name
        source.write_bytes(data)
        _understood_or_refused(source)


def _understood_or_refused(source: Path) -> None:
    try:
        items = read_archive(source, source.parent / "out").items
    except InputError as refused:
        assert source.name in str(refused)
        return
    folders = [i.folder for i in items]
    assert len(set(folders)) == len(folders) and all(isinstance(i, Item) for i in items)
    for folder in folders:
        assert not folder.startswith("/") and ".." not in folder.split("/")


@pytest.mark.parametrize("text", ["a.mp4\rb.mp4\r", "a.mp4\r\nb.mp4\r\n", "a.mp4\nb.mp4"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_of_any_system_is_read(tmp_path: Path, text: str, encoding: str) -> None:
    listing = tmp_path / "all.txt"
    listing.write_bytes(text.encode(encoding))
    assert keys(listing) == ["a.mp4", "b.mp4"]


@pytest.mark.fault(12)
def test_an_array_of_rows_is_told_to_be_lines(tmp_path: Path) -> None:
    listing = tmp_path / "all.jsonl"
    for indent in (None, 1):
        listing.write_text(json.dumps([{"path": "a.mp4"}], indent=indent), encoding="utf-8")
        with pytest.raises(InputError, match=r"JSON array; write one object a line.*jq -c"):
            read_archive(listing, tmp_path)
    listing.write_bytes(b"\xff\xfea")
    with pytest.raises(InputError, match="UTF-16"):
        read_archive(listing, tmp_path)
