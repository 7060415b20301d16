"""Where results cannot be written: exit 6, before work where that can be known, nothing lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest
from PIL import Image

from iptnet.outputs.json import read_json, write_json
from iptnet.results import write_moments, write_summary
from iptnet.timeline import Keyshot, Moment, Timeline
from iptnet.video import child as child_module
from iptnet.video.probe import probe
from tests.disks import read_only, small_disk
from tests.outputs.timelines import timeline as any_timeline
from tests.video.making import make

Run = Callable[..., tuple[int, str, str]]
COMMANDS = ("summarize", "find", "features", "export")
pytestmark = pytest.mark.fault(15)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("film") / "film.mp4", 150, size=(90, 160), beeps=[1.0])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    write_json(any_timeline(keyshots=40), tmp_path / "timeline.json")
    return tmp_path / "timeline.json"


def command(name: str, film: Path, saved: Path, out: Path) -> list[object]:
    return {
        "summarize": ["summarize", film, "--out", out, "--ratio", 1],
        "find": ["find", film, "a cat", "--out", out],
        "features": ["features", film, "--out", out / "film.h5"],
        "export": ["export", saved, "--to", "all", "--out", out],
    }[name]


def told(got: tuple[int, str, str], *words: str) -> None:
    code, _, err = got
    assert code == 6, err
    lines = [x for x in err.splitlines() if x.startswith("iptnet: ") and "warning: " not in x]
    assert len(lines) == 1 and all(word in lines[0] for word in words), err
    assert "Traceback" not in err and "internal error" not in err


def whole(path: Path) -> bool:
    """Whether a result is one, rather than the beginning of one."""
    match path.suffix:
        case ".mp4":
            return probe(path).n_frames is not None
        case ".json":
            return path.read_text("utf-8").rstrip().endswith("}")
        case ".jpg":
            with Image.open(path) as picture:
                picture.load()
            return True
        case ".html":
            return path.read_text("utf-8").rstrip().endswith("</html>")
        case ".svg":
            return path.read_text("utf-8").rstrip().endswith("</svg>")
        case ".h5":
            with h5py.File(path) as file:
                return len(file) > 0
    return path.stat().st_size > 0


def files(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("name", "kib"), [*((name, 4) for name in COMMANDS), ("summarize", 40), ("export", 40)]
)
def test_a_full_disk_keeps_what_was_there(
    run: Run, film: Path, saved: Path, tmp_path: Path, name: str, kib: int
) -> None:
    made = {"summarize": "film/summary.mp4", "find": "film/moment-1-1.mp4"}
    made |= {"features": "film.h5", "export": "film.edl"}
    with small_disk(tmp_path / "disk", kib + 12) as disk:
        old = disk / made[name]
        old.parent.mkdir(exist_ok=True)
        old.write_bytes(b"old")
        (disk / "ballast").write_bytes(bytes(4096))
        got = run(*command(name, film, saved, disk))
        if got[0] == 0:  # the larger disks have room for the smaller results
            assert kib > 4
        else:
            told(got, "no space left")
        assert (disk / "ballast").stat().st_size == 4096
        for path in files(disk):
            assert path.name == "ballast" or path.read_bytes() == b"old" or whole(path), path
        assert not [p for p in files(disk) if ".partial" in p.name]


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where anything is decoded."""

    def refuse(*_: object) -> None:
        raise AssertionError("began to decode")

    monkeypatch.setattr(child_module.Child, "__init__", refuse)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_disk_without_any_space_is_told_before_work(
    run: Run, film: Path, saved: Path, tmp_path: Path, name: str, no_work: None
) -> None:
    with small_disk(tmp_path / "disk", 16) as disk:
        (disk / "film").mkdir()
        with contextlib.suppress(OSError):
            (disk / "ballast").write_bytes(bytes(1 << 20))
        told(run(*command(name, film, saved, disk)), "no space left")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_read_only_folder_is_told_before_work(
    run: Run, film: Path, saved: Path, tmp_path: Path, name: str, no_work: None
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "film.h5").write_bytes(b"old")
    with read_only(out):
        told(run(*command(name, film, saved, out)), "cannot write", str(out))
    assert [(p.name, p.read_bytes()) for p in out.iterdir()] == [("film.h5", b"old")]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_in_the_place_of_the_folder(
    run: Run, film: Path, saved: Path, tmp_path: Path, name: str, no_work: None
) -> None:
    (tmp_path / "out").write_bytes(b"old")
    told(run(*command(name, film, saved, tmp_path / "out")), "cannot write")
    assert (tmp_path / "out").read_bytes() == b"old"


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_only_a_file_is_replaced(
    run: Run, film: Path, tmp_path: Path, kind: str, no_work: None
) -> None:
    """The superuser's ``--out /dev/null`` once did away with the null device of the machine."""
    out = tmp_path / "out.h5"
    if kind == "folder":
        out.mkdir()
    elif kind == "pipe":
        os.mkfifo(out)
    else:
        try:
            os.mknod(out, 0o20666, os.makedev(1, 3))
        except OSError as error:
            pytest.skip(f"no device can be made here: {error.strerror}")
    before = out.lstat().st_mode
    told(run("features", film, "--out", out), "cannot write", "out.h5")
    assert out.lstat().st_mode == before


@pytest.mark.parametrize("becomes", ["nothing", "a file"])
@pytest.mark.parametrize("spans", [2, 40])
def test_a_folder_that_vanishes_while_the_video_is_cut(
    film: Path, tmp_path: Path, becomes: str, spans: int
) -> None:
    from iptnet.errors import MachineError

    made = spread(film, spans)
    out = tmp_path / "out"

    def vanish(stage: str, done: int, _: int | None) -> None:
        if stage == "cut" and out.is_dir():
            shutil.rmtree(out)
            if becomes == "a file":
                out.write_bytes(b"another's")

    for write in (write_summary, write_moments):
        out.unlink(missing_ok=True)
        with pytest.raises(MachineError, match="cannot write"):
            write(made, out, video=film, on_progress=vanish)
        assert not out.is_dir()
        assert not out.exists() or out.read_bytes() == b"another's"


def spread(film: Path, spans: int) -> Timeline:
    """Some keyshots and a moment of a film of six seconds."""
    made = any_timeline(1)
    step = 6.0 / spans
    keyshots = tuple(Keyshot(step * k, step * k + step / 2, 0.5) for k in range(spans))
    return Timeline(made.source, made.importance, (), keyshots, (Moment(1.0, 2.0, "x", 0.5),))


def test_without_a_temporary_folder(
    run: Run, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "TemporaryFile", full)
        told(run("find", film, "a cat"), "TMPDIR")


def iptnet(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "iptnet", *map(str, arguments)]
    return subprocess.run(
        command, stderr=subprocess.PIPE, text=True, timeout=60, check=False, **more
    )  # type: ignore[call-overload, no-any-return]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["export", "saved"]])
def test_a_full_disk_under_standard_output(saved: Path, arguments: list[str]) -> None:
    if arguments[0] == "export":
        arguments = ["export", str(saved), "--to", "edl"]
    with Path("/dev/full").open("w") as full:
        done = iptnet(*arguments, stdout=full)
    assert done.returncode == 6, done.stderr
    assert done.stderr == "iptnet: cannot write: No space left on device; free some space\n"


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
def test_what_cannot_be_said_is_still_in_the_exit_code(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "iptnet", "export", str(tmp_path / "no"), "--to", "edl"]
        assert subprocess.run(command, stderr=full, timeout=60, check=False).returncode == 3
    closed = subprocess.run(["sh", "-c", '"$@" >&- 2>&-', "sh", *command], timeout=60, check=False)
    assert closed.returncode == 3


def test_a_current_folder_that_has_vanished(film: Path, saved: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"'
    for name in ("find", "export"):
        words = command(name, film, saved, Path("out"))
        line = ["sh", "-c", script, str(gone), sys.executable, "-m", "iptnet", *map(str, words)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 6, done.stderr
        assert done.stderr == "iptnet: the current folder has vanished; go to another one\n"


def test_the_export_before_the_full_disk_is_whole(run: Run, saved: Path, tmp_path: Path) -> None:
    """What was written before there was no more space is good, and says its name."""
    size = saved.stat().st_size >> 10
    with small_disk(tmp_path / "disk", size + 40) as disk:
        code, out, _ = run("export", saved, "--to", "all", "--out", disk)
        assert code == 6
        assert {Path(line) for line in out.splitlines()} == set(files(disk))
        assert out and all(whole(p) for p in files(disk))
        assert read_json(disk / "film.timeline.json") == read_json(saved)
