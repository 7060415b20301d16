"""The front door: help, versions, usage errors, and how failures are told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from iptnet import __version__
from iptnet.cli.doctor import Doctor
from iptnet.cli.inputs import for_each, output_folders
from iptnet.errors import InputError, IntegrityError, LimitError

Run = Callable[..., tuple[int, str, str]]


def test_help_lists_the_commands_without_heavy_imports() -> None:
    code = (
        "import sys\nfrom iptnet.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit as e: assert not e.code\n"
        "print([m for m in ('torch','scipy','av','h5py','PIL','numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *shown, heavy = done.stdout.splitlines()
    assert heavy == "[]"
    for command in ("summarize", "features", "train", "evaluate", "demo", "doctor"):
        assert any(f"• {command}" in line for line in shown)


def test_the_version_is_told(run: Run) -> None:
    assert run("--version") == (0, f"iptnet {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [["sumarize"], ["summarize", "--nope", "x"], ["train"], ["summarize"]]
)
def test_a_wrong_call_is_exit_2(run: Run, arguments: list[str]) -> None:
    code, _, err = run(*arguments)
    assert code == 2 and err and "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InputError("a is bad", "mend a"), 3),
        (LimitError("too big"), 4),
        (IntegrityError("flipped"), 5),
        (MemoryError(), 4),
        (KeyboardInterrupt(), 130),
        (RuntimeError("surprise\nin two lines"), 1),
    ],
)
def test_every_failure_is_one_line_and_a_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, expected: int
) -> None:
    def fail(_: Doctor) -> int:
        raise error

    monkeypatch.setattr(Doctor, "run", fail)
    code, out, err = run("doctor")
    assert (code, out) == (expected, "")
    assert err.startswith("iptnet: ") and err.count("\n") == 1


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    from iptnet.cli import main

    def fail(_: Doctor) -> int:
        raise InputError("a is bad")

    monkeypatch.setattr(Doctor, "run", fail)
    monkeypatch.setenv("IPTNET_DEBUG", "1")
    with pytest.raises(InputError):
        main(["doctor"])


def test_doctor_finds_this_machine_fit(run: Run) -> None:
    code, out, err = run("doctor")
    assert code == 0, out + err
    for part in ("python", "cpu", "torch", "ffmpeg", "decoders", "weights", "cache"):
        assert part in out


def test_the_worst_code_of_several_inputs_stands_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    errors = {"b": LimitError("b is large"), "c": InputError("c is bad")}
    done: list[str] = []

    def work(video: Path) -> None:
        if video.name in errors:
            raise errors[video.name]
        done.append(video.name)

    assert for_each([Path(x) for x in "abcd"], work) == 4
    assert done == ["a", "d"]
    assert capsys.readouterr().err == "iptnet: b is large\niptnet: c is bad\n"


def test_output_folders_never_collide() -> None:
    videos = [Path("x/talk.mp4"), Path("y/Talk.mkv"), Path("talk-2.mp4"), Path("z/talk.webm")]
    names = [f.name for f in output_folders(videos, Path("out"))]
    assert names == ["talk", "Talk-2", "talk-2-2", "talk-3"]


@pytest.mark.fault(5)
def test_no_name_leads_out_of_the_output_folder(tmp_path: Path) -> None:
    names = ["...mp4", "..mp4", ". .mp4", "....mp4", ".mp4", "a..mp4", "x/..mp4", ". .mkv"]
    folders = output_folders([Path(n) for n in names], tmp_path)
    assert all(f.resolve().parent == tmp_path.resolve() for f in folders)
    assert len({f.name for f in folders}) == len(names)


@pytest.mark.fault(5)
@pytest.mark.parametrize("letter", ["n", "ü", "\udce9"])
def test_the_longest_names_can_come_twice(tmp_path: Path, letter: str) -> None:
    longest = letter * (255 // len(os.fsencode(letter)))
    folders = output_folders([Path(longest)] * 11, tmp_path)
    for folder in folders:
        folder.mkdir()
    assert len(list(tmp_path.iterdir())) == 11
