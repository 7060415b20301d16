"""Exact cuts: any spans of one video, re-encoded, in order, with their sound in step.

Stream copy can only cut at key frames, so every shot is decoded from the key frame before it
(one seeking input a shot) and encoded anew. The result has a constant rate: that of the grid the
source's time stamps lie on, so a constant-rate source keeps its very frames, and one of variable
rate shows at each instant what it showed. Every player, browser and editor takes such a file.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iptnet.atomic import atomic_path, sweep
from iptnet.errors import InputError, UsageError
from iptnet.timeline import Span
from iptnet.video import ffmpeg
from iptnet.video.child import Child, check_file
from iptnet.video.graph import Plan, arguments, join_arguments
from iptnet.video.left_out import left_out
from iptnet.video.limits import Limits
from iptnet.video.probe import VideoInfo, info_of

INPUTS = 6  # an ffmpeg process; each shot is one
HELD = 140_000_000  # bytes that the inputs of one process may hold together
PICTURES_HELD = 16  # by an input: its decoder's references, threads and queue
INDEXED = 110  # bytes of its index, a picture of the file and the sound beside it
HIGHEST_RATE = 240
USUAL_RATE = 60  # for sources on no grid at all


@dataclass(frozen=True, slots=True)
class Cut:
    """A finished cut.

    Attributes:
        path: the file.
        spans: what it plays, in seconds of the source, on the frame grid.
        n_frames, fps, duration: exact: ``duration == n_frames / fps``.
        width, height: even, upright, square pixels.
        has_audio: whether it has a sound track.
        warnings: what is odd about it.
        left_out: what the source holds besides picture and sound, as the begin of a sentence
            ("1 subtitle track is"); empty where there is nothing.
    """

    path: Path
    spans: tuple[Span, ...]
    n_frames: int
    fps: float
    duration: float
    width: int
    height: int
    has_audio: bool
    warnings: tuple[str, ...]
    left_out: str = ""


def cut(
    path: str | Path,
    spans: Sequence[Span],
    out: str | Path,
    *,
    on_progress: Callable[[str, int, int | None], None] | None = None,
    limits: Limits | None = None,
    height: int | None = None,
    crf: int = 21,
    preset: str = "superfast",
) -> Cut:
    """Write the given spans, one after the other, as H.264 and AAC in MP4, index first.

    A picture belongs to a span when it begins in ``[start, end)``, give or take half a frame, so
    adjoining spans neither repeat nor lose one. A span too short for that gets one picture; else
    the whole is never longer than the spans together.

    Args:
        path: the source.
        spans: seconds from its first picture, in the order of play.
        out: the MP4 to write; it appears whole or not at all.
        on_progress: told ``("cut", frames written, frames in all)``.
        limits: bounds on the source and on the processes.
        height: scale down to this height.
        crf: quality of x264, lower is better.
        preset: effort of x264.

    Raises:
        InputError: the source cannot be used.
        LimitError: beyond a limit.
        UsageError: no spans, or one that begins after the end of the video.
        MachineError: no ffmpeg, no space, a folder that cannot be written.
    """
    out = Path(out)
    with Child(limits) as child:
        source = check_file(path, child.limits)
        info, times, notes = _survey(child, source)
        limits = child.limits
    rate, on_grid = grid(times, info)
    shots = [_snap(span, times, rate, on_grid) for span in spans]
    if not shots:
        raise UsageError("no spans to cut", "give at least one")
    _shave(shots, math.floor(sum(Fraction(s.duration) for s in spans) * rate + Fraction(1, 1000)))
    plan = Plan.of(source.resolve(), info, rate, height=height, crf=crf, preset=preset)
    total = sum(shot.count for shot in shots)
    done = 0

    def told(frames: int) -> None:
        if on_progress is not None:
            on_progress("cut", min(done + frames, total), total)

    sweep(out.parent)
    with atomic_path(out) as final:
        together = inputs_at_once(info, len(times))
        batches = [shots[i : i + together] for i in range(0, len(shots), together)]
        parts: list[Path] = []
        complaints: list[str] = []
        try:
            for batch in batches:
                # One batch is the result; several are parts, with sound uncompressed: AAC pads
                # its start, and the padding would add up at every joint.
                target = final if len(batches) == 1 else final.with_suffix(f".{len(parts)}.mov")
                if target != final:
                    parts.append(target)
                starts = [(_shown(times, shot.start), shot.start, shot.count) for shot in batch]
                last = target == final
                command = arguments(plan, starts, target, last=last)
                if ffmpeg.run(command, str(path), limits, told):
                    # Some files decode rightly only from their start, whatever their key frames
                    # promise; a file that is damaged complains there too.
                    command = arguments(plan, starts, target, last=last, seek=False)
                    complaints += ffmpeg.run(command, str(path), limits, told)
                done += sum(shot.count for shot in batch)
            if parts:
                listing = final.with_suffix(".parts")
                parts.append(listing)
                listing.write_text(
                    "ffconcat version 1.0\n"
                    + "".join(f"file {part.name}\n" for part in parts[:-1]),
                    encoding="utf-8",
                )
                ffmpeg.run(join_arguments(plan, listing, final), str(path), limits)
            notes += _check(final, total, rate, limits)
        except InputError as error:
            if final.exists():
                raise
            # ffmpeg blames its input, and so would we, for what went missing on the other side.
            raise FileNotFoundError(errno.ENOENT, "the folder has vanished") from error
        finally:
            for part in parts:
                part.unlink(missing_ok=True)
    if complaints:
        notes.append(f"parts of the source are damaged ({len(complaints)} complaints by ffmpeg)")
    told(0)
    return Cut(
        path=out,
        spans=tuple(Span(float(s.start), float(s.start + s.count / rate)) for s in shots),
        n_frames=total,
        fps=float(rate),
        duration=float(total / rate),
        width=plan.width,
        height=plan.height,
        has_audio=plan.sound,
        warnings=tuple(notes),
        left_out=left_out(info),
    )


def inputs_at_once(info: VideoInfo, pictures: int) -> int:
    """How many inputs an ffmpeg process may have, so that memory stays the same.

    Each input holds decoded pictures, by their size, and the index of the whole file, by its
    length: measured 20 MB at 1280×720 for five minutes, 30 MB for fifty.

    Args:
        info: of the source.
        pictures: in the source; 0 if that is unknown.
    """
    picture = info.width * info.height * (3 if info.bit_depth > 8 else 1.5)
    each = PICTURES_HELD * picture + INDEXED * (pictures or info.duration * info.fps)
    return min(max(int(HELD // each), 1), INPUTS)


@dataclass(frozen=True, slots=True)
class _Shot:
    start: Fraction  # seconds
    count: int  # frames


def _survey(child: Child, source: Path) -> tuple[VideoInfo, NDArray[np.float64], list[str]]:
    """The file, the times of its pictures (empty when the packets do not tell), and warnings."""
    info, times = None, np.zeros(0)
    notes: list[str] = []
    for header, payload in child.ask("scan", source):
        if header["kind"] == "info":
            info = info_of(source, header)
            notes += info.warnings
        elif header["kind"] == "scan":
            if header["complete"]:
                times = np.frombuffer(payload, np.float64)
            else:
                notes.append("pictures without time stamps: cuts follow the frame rate")
            if header["stopped"]:
                notes.append(f"the file breaks off: {header['stopped']}")
            if info is not None and info.has_audio and header["audio"][0] is None:
                notes.append("the sound track is empty")
    assert info is not None
    return info, times, notes


def grid(times: NDArray[np.float64], info: VideoInfo) -> tuple[Fraction, bool]:
    """The lowest of the container's rates on whose grid all pictures lie, and if there is one.

    Without such a rate the mean one is taken, raised to what the container guesses but at most
    60 a second.
    """
    if len(times) == 0:
        return min(info.frame_rate, Fraction(HIGHEST_RATE)), True
    for rate in sorted({*info.rates, info.frame_rate}):
        if rate <= HIGHEST_RATE:
            steps = times * float(rate)
            # Stamps are rounded to ticks, a millisecond in Matroska.
            slack = max(0.02, 0.0011 * float(rate))
            if np.abs(steps - np.round(steps)).max() <= slack and (np.diff(steps) > 0.5).all():
                return rate, True
    guess = max((r for r in info.rates if r <= USUAL_RATE), default=Fraction(USUAL_RATE))
    return guess, False


def _snap(span: Span, times: NDArray[np.float64], rate: Fraction, on_grid: bool) -> _Shot:
    """A span as frames of the output."""
    end = float(times[-1]) + 1 / float(rate) if len(times) else math.inf
    if span.start >= end:
        raise UsageError(
            f"the span from {span.start:.3f} s begins after the video's end at {end:.3f} s",
            "check the times",
        )
    start, stop = Fraction(span.start), Fraction(min(span.end, end))
    if not on_grid:
        return _Shot(start, max(1, _nearest((stop - start) * rate)))
    # Both ends by one rule, so that adjoining spans share their border.
    first, after = _nearest(start * rate), _nearest(stop * rate)
    if len(times):
        first = min(first, _nearest(Fraction(float(times[-1])) * rate))
    return _Shot(first / rate, max(1, after - first))


def _shave(shots: list[_Shot], allowed: int) -> None:
    """Take frames off the longest shots until rounding has added nothing to the whole."""
    for _ in range(sum(shot.count for shot in shots) - max(allowed, len(shots))):
        i = max(range(len(shots)), key=lambda i: shots[i].count)
        shots[i] = _Shot(shots[i].start, shots[i].count - 1)


def _nearest(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def _shown(times: NDArray[np.float64], start: Fraction) -> Fraction:
    """When the picture on show at ``start`` begins."""
    if len(times) == 0:
        return start
    at = int(np.searchsorted(times, float(start) + 1e-3, side="right")) - 1
    return min(start, Fraction(float(times[max(0, at)])))


def _check(final: Path, total: int, rate: Fraction, limits: Limits) -> list[str]:
    """Count what was written; a wrong cut must not pass for a right one."""
    with Child(limits) as child:
        try:
            _, times, _ = _survey(child, final)
        except InputError:
            times = np.zeros(0)
    if len(times) != total:
        raise InputError(
            f"the cut came out with {len(times)} frames instead of {total}", "re-encode the source"
        )
    drift = float(times[-1]) - (total - 1) / float(rate)
    if abs(drift) > 1 / float(rate):
        raise InputError(f"the cut came out {drift:+.3f} s off", "re-encode the source")
    return []
