"""The ffmpeg command of a cut: one seeking input a shot, a chain of filters each, one concat.

Each shot is brought to exactly its number of frames and of samples, so pictures and sound can
never drift apart, whatever is missing from the source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from iptnet.video import ffmpeg
from iptnet.video.probe import VideoInfo
from iptnet.video.tone import filters

SOUND_RATE = 48_000
EXACT_SEEKS = ("mov", "matroska")  # elsewhere a seek may land late: begin earlier, drop the rest
RUN_UP = 10  # seconds
NO_SEEKS = ("gif", "flv", "ivf")  # nothing to seek by: read from the start


@dataclass(frozen=True, slots=True)
class Plan:
    """What all shots of a cut share."""

    source: Path
    info: VideoInfo
    start: Fraction  # container time of the first picture
    rate: Fraction
    width: int
    height: int
    sound: bool
    crf: int
    preset: str

    @classmethod
    def of(
        cls,
        source: Path,
        info: VideoInfo,
        rate: Fraction,
        *,
        height: int | None,
        crf: int,
        preset: str,
    ) -> Plan:
        """Even sizes, at most the source's own."""
        tall = min(height or info.height, info.height)
        wide = round(info.width * tall / info.height)
        even = max(2, wide - wide % 2), max(2, tall - tall % 2)
        start = Fraction(info.start).limit_denominator(10**9)
        return cls(source, info, start, rate, *even, info.has_audio, crf, preset)


def arguments(
    plan: Plan,
    shots: list[tuple[Fraction, Fraction, int]],
    target: Path,
    *,
    last: bool,
    seek: bool = True,
) -> list[str]:
    """Arguments that write some shots to ``target``.

    Args:
        plan: the source and the output.
        shots: for each, when the picture on show at its start begins, its start, and its number
            of frames.
        target: the file to write.
        last: whether this is the result rather than a part of it.
        seek: go to the key frame before each shot; otherwise decode from the start.
    """
    command = ["-copyts"]  # times as in the container, whether or not an input was sought
    chains: list[str] = []
    for i, (shown, start, count) in enumerate(shots):
        command += _input(plan, shown, start, count, seek)
        zero = plan.start + start
        chains.append(f"[{i}:{plan.info.video_index}]{_picture(plan, zero, count)}[v{i}]")
        if plan.sound:
            chains.append(f"[{i}:{plan.info.audio_index}]{_sound(plan, zero, count)}[a{i}]")
    labels = "".join(f"[v{i}]" + (f"[a{i}]" if plan.sound else "") for i in range(len(shots)))
    chains.append(
        f"{labels}concat=n={len(shots)}:v=1:a={int(plan.sound)}[v]" + ("[a]" if plan.sound else "")
    )
    command += ["-filter_complex", ";".join(chains), "-map", "[v]"]
    command += ["-map", "[a]"] if plan.sound else []
    command += ["-c:v", "libx264", "-preset", plan.preset, "-crf", str(plan.crf)]
    command += ["-pix_fmt", "yuv420p", "-r", _ratio(plan.rate), "-fps_mode", "cfr"]
    command += ["-frames:v", str(sum(count for *_, count in shots))]
    if last:
        return [*command, *_aac(plan), *_mp4(target)]
    return [*command, "-c:a", "pcm_s16le", *_tail(), "-f", "mov", "-y", f"file:{target}"]


def join_arguments(plan: Plan, listing: Path, target: Path) -> list[str]:
    """Arguments that join parts of ours: pictures copied, sound compressed once for all."""
    command = ["-protocol_whitelist", "file", "-f", "concat", "-safe", "0"]
    command += ["-i", f"file:{listing}", "-map", "0:v"]
    command += ["-map", "0:a"] if plan.sound else []
    return [*command, "-c:v", "copy", *_aac(plan), *_mp4(target)]


def _input(plan: Plan, shown: Fraction, start: Fraction, count: int, may_seek: bool) -> list[str]:
    """One input, read from a key frame before the shot."""
    # A quarter frame early: the seek is rounded to microseconds, and may not pass the picture.
    begin = shown - 1 / (4 * plan.rate)
    if plan.info.container not in EXACT_SEEKS:
        begin -= RUN_UP
    # Counted from where the container begins: ffmpeg adds that itself.
    since = plan.start + begin - Fraction(plan.info.container_start).limit_denominator(10**6)
    seek: list[str] = []
    seekable = may_seek and plan.info.container not in NO_SEEKS
    if begin > 0 and since > 0 and seekable:
        length = start - begin + (count + 1) / plan.rate
        seek = ["-ss", f"{float(since):.6f}", "-t", f"{float(length):.6f}"]
    return [
        "-protocol_whitelist", "file",
        "-f", plan.info.container,  # never guessed from the content: no playlist is followed
        "-display_rotation", "0", "-reinit_filter", "0", "-max_error_rate", "1",
        "-threads", "2", *seek, "-i", f"file:{plan.source}",
    ]  # fmt: skip


def _picture(plan: Plan, zero: Fraction, count: int) -> str:
    """Upright, square pixels, at the constant rate, exactly ``count`` frames."""
    info = plan.info
    swap, flip_x, flip_y = info.orientation
    chain = ["transpose=0"] * swap + ["hflip"] * flip_x + ["vflip"] * flip_y
    if abs(info.width - plan.width) <= 1 and abs(info.height - plan.height) <= 1:
        # An odd row or column is dropped rather than the whole picture resampled.
        chain.append(f"scale={max(info.width, 2)}:{max(info.height, 2)}:flags=bicubic")
        chain.append(f"crop={plan.width}:{plan.height}:0:0:exact=1")
    else:
        chain.append(f"scale={plan.width}:{plan.height}:flags=bicubic")
    if info.light is not None and ffmpeg.has_filter("zscale"):
        marks, mapped = filters(info.light)
        chain = [marks, *chain, mapped]
    return ",".join(
        [
            "settb=AVTB",
            f"setpts=PTS-{_seconds(zero)}/TB",
            f"fps={_ratio(plan.rate)}:start_time=0",
            "tpad=stop_mode=clone:stop=-1",
            f"trim=end_frame={count}",
            "setpts=PTS-STARTPTS",
            *chain,
            "setsar=1",
            "format=yuv420p",
        ]
    )


def _sound(plan: Plan, zero: Fraction, count: int) -> str:
    """Stereo at 48 kHz, silence where there is none, exactly as long as the pictures."""
    samples = math.floor(count * SOUND_RATE / plan.rate + Fraction(1, 2))
    return ",".join(
        [
            f"asetpts=PTS-{_seconds(zero)}/TB",
            "atrim=start=0",
            f"aresample={SOUND_RATE}:async=1:min_hard_comp=0.03:first_pts=0",
            f"aformat=sample_rates={SOUND_RATE}:channel_layouts=stereo:sample_fmts=fltp",
            f"apad=whole_len={samples}",
            f"atrim=end_sample={samples}",
            "asetpts=N/SR/TB",  # padding after no sound at all has no stamps to join by
        ]
    )


def _aac(plan: Plan) -> list[str]:
    return ["-c:a", "aac", "-b:a", "160k"] if plan.sound else ["-an"]


def _tail() -> list[str]:
    return ["-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]


def _mp4(target: Path) -> list[str]:
    return [*_tail(), "-movflags", "+faststart", "-f", "mp4", "-y", f"file:{target}"]


def _ratio(rate: Fraction) -> str:
    return f"{rate.numerator}/{rate.denominator}"


def _seconds(value: Fraction) -> str:
    return f"{float(value):.9f}"
