"""Small real videos made on the spot, and a way to run the command line in this process."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import pytest

from iptnet.cli import main


def ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", *arguments]
    subprocess.run(command, check=True)


@pytest.fixture(scope="session")
def four_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 seconds at 25 frames a second: four scenes of three seconds each, with a tone."""
    path = tmp_path_factory.mktemp("videos") / "four scenes.mp4"
    sources = ("testsrc", "mandelbrot", "smptebars", "rgbtestsrc")
    inputs: list[str] = []
    for source in sources:
        inputs += ["-f", "lavfi", "-i", f"{source}=size=320x180:rate=25"]
    trimmed = ";".join(
        f"[{k}:v]trim=duration=3,setpts=PTS-STARTPTS,setsar=1,format=yuv420p[v{k}]"
        for k in range(len(sources))
    )
    joined = "".join(f"[v{k}]" for k in range(len(sources)))
    ffmpeg(
        *inputs, "-f", "lavfi", "-i", "sine=frequency=330:duration=12",
        "-filter_complex", f"{trimmed};{joined}concat=n={len(sources)}[v]",
        "-map", "[v]", "-map", f"{len(sources)}:a", "-c:v", "libx264", "-preset", "ultrafast",
        "-c:a", "aac", str(path),
    )  # fmt: skip
    return path


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never the user's own cache."""
    monkeypatch.setenv("IPTNET_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """``run("summarize", path, …)`` -> exit code, standard output, standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(a) for a in arguments])
        code = left.value.code
        shown = capsys.readouterr()
        return (code if isinstance(code, int) else 1), shown.out, shown.err

    return call
