"""The demo video: photographs, a slow camera, a soft tone a scene, encoded as H.264 and AAC.

Every frame is resampled from the photograph itself at fractional positions, so the camera glides
without the jitter of whole-pixel crops. The same packages give the same bytes.
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iptnet.atomic import atomic_path
from iptnet.demo.script import SCRIPT, Take
from iptnet.errors import IptnetError, LimitError, MachineError, tells_shortage
from iptnet.memory import allowance, shortage

if TYPE_CHECKING:
    from PIL import Image

FPS = 25
SIZE = (640, 360)
SAMPLE_RATE = 48000
FOLDERS = {"skimage": "data", "sklearn": "datasets/images"}
PACKAGES = {"skimage": "scikit-image", "sklearn": "scikit-learn"}


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene of the finished video, ``[start, end)`` in seconds."""

    name: str
    start: float
    end: float
    query: str | None


@dataclass(frozen=True, slots=True)
class DemoVideo:
    """Where the video is and what it shows when."""

    path: Path
    duration: float
    fps: int
    scenes: tuple[Scene, ...]


def make_demo_video(
    path: Path, on_progress: Callable[[str, int, int | None], None] | None = None
) -> DemoVideo:
    """Make the demo video; some ten seconds of work for 87 seconds of film.

    Args:
        path: where to write it, ending in ``.mp4``; an older file is replaced when all is done.
        on_progress: called as ``("demo video", frames done, frames in all)``.

    Raises:
        MachineError: a package with pictures is missing, or ffmpeg fails.
    """
    path = Path(path)
    pictures = {take.picture: _picture(take) for take in SCRIPT}
    counts = [round(take.seconds * FPS) for take in SCRIPT]
    total = sum(counts)
    with tempfile.TemporaryDirectory() as folder, atomic_path(path) as unfinished:
        sound = Path(folder) / "tones.wav"
        _write_tones(sound, counts)
        with _Encoder(sound, unfinished) as encoder:
            done = 0
            for take, count in zip(SCRIPT, counts, strict=True):
                for frame in _frames(pictures[take.picture], take, count):
                    encoder.write(frame)
                    done += 1
                    if on_progress and (done % FPS == 0 or done == total):
                        on_progress("demo video", done, total)
    ends = np.cumsum(counts).tolist()
    scenes = tuple(
        Scene(take.name, (end - count) / FPS, end / FPS, take.query)
        for take, count, end in zip(SCRIPT, counts, ends, strict=True)
    )
    return DemoVideo(path, total / FPS, FPS, scenes)


def _picture(take: Take) -> Image.Image:
    from PIL import Image

    # The module's spec is enough: importing scikit-learn would cost a second.
    spec = find_spec(take.package)
    folder = Path(spec.origin).parent / FOLDERS[take.package] if spec and spec.origin else None
    if folder is None or not (folder / take.picture).is_file():
        missing = PACKAGES[take.package]
        raise MachineError(
            f"the demo's pictures come with {missing}, which is not installed whole",
            'pip install "iptnet[demo]"',
        )
    with Image.open(folder / take.picture) as picture:
        return picture.convert("RGB")


def _frames(picture: Image.Image, take: Take, count: int) -> Iterator[bytes]:
    """RGB frames of one scene; the camera starts and stops softly."""
    from PIL import Image

    still = b""
    for k in range(count):
        if not still or take.first != take.last:
            share = (k + 0.5) / count
            box = _box(picture.size, take, share * share * (3 - 2 * share))
            still = picture.resize(SIZE, Image.Resampling.BICUBIC, box=box).tobytes()
        yield still


def _box(size: tuple[int, int], take: Take, share: float) -> tuple[float, float, float, float]:
    """What the camera sees, in pixels of the picture, kept inside it."""

    def between(a: float, b: float) -> float:
        return a + (b - a) * share

    (x0, y0, w0), (x1, y1, w1) = take.first, take.last
    wide, high = size
    # A zoom looks even when the width changes by equal factors in equal times.
    width = min(w0 * (w1 / w0) ** share * wide, high * SIZE[0] / SIZE[1])
    height = width * SIZE[1] / SIZE[0]
    left = min(max(between(x0, x1) * wide - width / 2, 0.0), wide - width)
    top = min(max(between(y0, y1) * high - height / 2, 0.0), high - height)
    return left, top, left + width, top + height


def _write_tones(path: Path, counts: list[int]) -> None:
    """A soft tone with its fifth for each scene, fading in and out so that cuts do not click."""
    tones = []
    for take, count in zip(SCRIPT, counts, strict=True):
        t = np.arange(count * SAMPLE_RATE // FPS) / SAMPLE_RATE
        edge = np.minimum(1.0, np.minimum(t, t[-1] - t) / 0.12)
        swell = edge * (0.75 + 0.25 * np.cos(2 * np.pi * 0.5 * t))
        tone = np.sin(2 * np.pi * take.note * t) + 0.4 * np.sin(3 * np.pi * take.note * t)
        tones.append((0.14 if take.query else 0.07) * swell * tone)
    samples = (np.concatenate(tones) * 32767).round().astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(samples.tobytes())


class _Encoder:
    """ffmpeg, fed with raw frames; leaves a whole file or raises."""

    def __init__(self, sound: Path, out: Path) -> None:
        import imageio_ffmpeg

        try:
            program = imageio_ffmpeg.get_ffmpeg_exe()
        except RuntimeError as error:
            raise MachineError("no ffmpeg to encode with", "pip install imageio-ffmpeg") from error
        frames = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "{}x{}".format(*SIZE)]
        # One thread and no dates or versions inside: the same bytes everywhere.
        video = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-threads", "1"]
        colours = ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"]
        colours += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
        bitexact = ["-map_metadata", "-1", "-fflags", "+bitexact"]
        bitexact += ["-flags:v", "+bitexact", "-flags:a", "+bitexact"]
        audio = ["-c:a", "aac", "-b:a", "96k"]
        command = [program, "-nostdin", "-v", "error", "-y", *frames, "-r", str(FPS)]
        command += ["-i", "pipe:0", "-i", str(sound), *video, *colours, *audio, *bitexact]
        command += ["-movflags", "+faststart", "-f", "mp4", str(out)]
        self._log = sound.with_suffix(".log")
        with self._log.open("wb") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors
            )

    def write(self, frame: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(frame)
        except OSError as error:
            raise self._failure() from error

    def __enter__(self) -> _Encoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()
        if kind is None and self._process.returncode != 0:
            raise self._failure()

    def _failure(self) -> IptnetError:
        self._process.kill()
        self._process.wait()
        said = self._log.read_text("utf-8", "replace").strip()
        # The pictures are ours: with little memory there is no other reason to fail.
        if tells_shortage(said) or allowance() is not None:
            cause, remedy = shortage()
            return LimitError(f"the demo video cannot be encoded: {cause}", remedy)
        lines = said.splitlines() or ["no reason given"]
        return MachineError(
            f"ffmpeg could not encode the demo video: {lines[-1]}", "run `iptnet doctor`"
        )
