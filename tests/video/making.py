"""Synthetic videos whose every picture says its number, and whose sound marks given moments."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from iptnet.video.ffmpeg import executable

BITS = 10
SOUND = 48_000


def numbered(number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture that shows ``number`` as ten black or white columns, above a red and a blue half.

    Red lies left and blue right along the bottom third, so a picture tells which way is up.
    """
    height, width = size
    picture = np.zeros((height, width, 3), np.uint8)
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        picture[:, left:right] = 235 if number >> bit & 1 else 20
    picture[2 * height // 3 :, : width // 2] = (200, 20, 20)
    picture[2 * height // 3 :, width // 2 :] = (20, 20, 200)
    return picture


def number_of(picture: NDArray[np.uint8]) -> int:
    """What :func:`numbered` wrote, from an upright picture of any size."""
    height, width = picture.shape[:2]
    grey = picture[: height // 2].mean((0, 2))
    columns = [int((2 * bit + 1) * width / (2 * BITS)) for bit in range(BITS)]
    return sum(1 << bit for bit, x in enumerate(columns) if grey[x] > 127)


def is_upright(picture: NDArray[np.uint8]) -> bool:
    """Red at the bottom left, blue at the bottom right."""
    height, width = picture.shape[:2]
    left = picture[int(0.85 * height), width // 4].astype(int)
    right = picture[int(0.85 * height), 3 * width // 4].astype(int)
    return bool(left[0] > left[2] + 60 and right[2] > right[0] + 60)


def make(
    path: Path,
    stamps: Sequence[int] | int,
    tick: Fraction = Fraction(1, 25),
    *,
    size: tuple[int, int] = (64, 96),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    beeps: Sequence[float] | None = None,
    sound_seconds: float | None = None,
    options: dict[str, str] | None = None,
    container: str | None = None,
    gop: int = 12,
) -> Path:
    """Write pictures 0, 1, 2 … at the given stamps (in ticks), and perhaps sound with beeps.

    A beep is 40 ms of a loud tone that begins at the given second.
    """
    stamps = range(stamps) if isinstance(stamps, int) else stamps
    # The same bytes on every machine: encoders divide pictures among threads, muxers draw numbers.
    with av.open(
        str(path), "w", format=container, container_options={"fflags": "+bitexact"}
    ) as out:
        video = out.add_stream(codec, rate=round(1 / tick) if tick > Fraction(1, 500) else 25)
        video.height, video.width, video.pix_fmt = *size, pixels
        video.codec_context.time_base = tick
        video.codec_context.gop_size = gop
        video.codec_context.thread_count = 1
        if options is not None or codec == "libx264":
            video.options = {"preset": "ultrafast", "crf": "18"} | (options or {})
        sound = None
        if beeps is not None:
            sound = out.add_stream("aac" if container is None else "mp2", rate=SOUND)
            sound.layout = "mono"
        for number, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(numbered(number, size), format="rgb24")
            frame = frame.reformat(format=pixels)
            frame.pts, frame.time_base = stamp, tick
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if sound is not None:
            seconds = sound_seconds or float((stamps[-1] + 1) * tick)
            wave = np.zeros(int(seconds * SOUND), np.float32)
            tone = np.sin(np.arange(SOUND // 25) * 2 * np.pi * 1000 / SOUND).astype(np.float32)
            for beep in beeps or ():
                at = round(beep * SOUND)
                wave[at : at + len(tone)] = tone[: len(wave) - at]
            for at in range(0, len(wave), 1024):
                piece = np.ascontiguousarray(wave[None, at : at + 1024])
                samples = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
                samples.sample_rate, samples.pts = SOUND, at
                samples.time_base = Fraction(1, SOUND)
                out.mux(sound.encode(_resampled(samples, sound)))
            out.mux(sound.encode(None))
    return path


def _resampled(samples: av.AudioFrame, stream: av.AudioStream) -> av.AudioFrame:
    if stream.codec_context.format.name == samples.format.name:
        return samples
    data = samples.to_ndarray()
    ints = (np.clip(data, -1, 1) * 32767).astype(np.int16)
    planar = stream.codec_context.format.name.endswith("p")
    out = av.AudioFrame.from_ndarray(ints, format="s16p" if planar else "s16", layout="mono")
    out.sample_rate, out.pts, out.time_base = SOUND, samples.pts, samples.time_base
    return out


def convert(source: Path, target: Path, *arguments: str, before: Sequence[str] = ()) -> Path:
    """Run the bundled ffmpeg from one file to another."""
    command = [executable(), "-nostdin", "-loglevel", "error", "-y", *before]
    subprocess.run([*command, "-i", str(source), *arguments, str(target)], check=True)
    return target


def numbers_in(path: Path) -> list[int]:
    """The numbers of all pictures of a file, decoded plainly."""
    with av.open(str(path)) as source:
        return [number_of(f.to_ndarray(format="rgb24")) for f in source.decode(video=0)]


def stamps_in(path: Path) -> list[float]:
    """The times of all pictures of a file, from 0."""
    with av.open(str(path)) as source:
        times = [float(f.pts * f.time_base) for f in source.decode(video=0)]
    return [t - times[0] for t in times]


def beeps_in(path: Path) -> list[float]:
    """The seconds at which beeps begin in a file."""
    with av.open(str(path)) as source:
        pieces, start = [], None
        rate = source.streams.audio[0].rate
        for frame in source.decode(audio=0):
            start = float(frame.pts * frame.time_base) if start is None else start
            pieces.append(frame.to_ndarray().reshape(-1, frame.samples)[0].astype(np.float64))
    wave = np.abs(np.concatenate(pieces))
    loud = wave > 0.3 * wave.max() if wave.max() > 0.05 else wave > np.inf
    at = np.flatnonzero(loud)
    first = at[np.diff(at, prepend=-rate) > rate // 20]
    return [float(x / rate + (start or 0)) for x in first]


def sound_seconds(path: Path) -> float:
    """How long the sound plays, from its samples."""
    with av.open(str(path)) as source:
        stream = source.streams.audio[0]
        return sum(frame.samples for frame in source.decode(audio=0)) / stream.rate
