"""One folder of results from a timeline: the files that ``iptnet summarize`` promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from iptnet.atomic import require_writable
from iptnet.errors import IptnetError
from iptnet.outputs.curve import write_curve
from iptnet.outputs.json import write_json
from iptnet.outputs.pictures import once
from iptnet.outputs.report import write_report
from iptnet.outputs.storyboard import write_storyboard
from iptnet.timeline import Span, Timeline

if TYPE_CHECKING:
    from iptnet.api import Model

OnProgress = Callable[[str, int, int | None], None]

FILES = ("summary.mp4", "timeline.json", "storyboard.jpg", "curve.svg", "report.html")
"""What a summary's folder may hold."""

PICTURE_HEIGHT = 360
"""Pixels; the largest tile of a storyboard is no higher."""

MANY, MANY_HEIGHT = 24, 240
"""Of more pictures than these each is shown smaller, and they are held in memory together."""


def write_summary(
    timeline: Timeline,
    folder: str | Path,
    *,
    video: str | Path,
    cut: bool = True,
    on_progress: OnProgress | None = None,
) -> tuple[Path, ...]:
    """Write summary.mp4, timeline.json, storyboard.jpg, curve.svg and report.html.

    Args:
        timeline: what to write.
        folder: created when missing; each file appears whole or not at all.
        video: the source, for the cut and the pictures.
        cut: False skips summary.mp4.
        on_progress: called as ``(stage, done, total)``.

    Returns:
        the files, in the order above.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
        InputError: the source went away or changed.
    """
    folder, video = Path(folder), Path(video)
    require_writable(folder)
    written: list[Path] = []
    playable = folder / "summary.mp4"
    if cut:
        from iptnet.video.cut import cut as cut_video

        spans = [Span(k.start, k.end) for k in timeline.keyshots]
        done = cut_video(video, spans, playable, on_progress=on_progress)
        timeline = replace(timeline, warnings=merge(timeline.warnings, done.warnings))
        written.append(playable)
    pictures = once(thumbnails(video))
    write_json(timeline, folder / "timeline.json")
    write_storyboard(timeline, folder / "storyboard.jpg", pictures)
    write_curve(timeline, folder / "curve.svg")
    write_report(timeline, folder / "report.html", pictures, video=playable.name if cut else None)
    names = ("timeline.json", "storyboard.jpg", "curve.svg", "report.html")
    return (*written, *(folder / name for name in names))


def summarize_video(
    model: Model,
    video: str | Path,
    folder: str | Path,
    *,
    ratio: float | None = None,
    length: float | None = None,
    query: str | None = None,
    preview: bool = False,
    cut: bool = True,
    on_progress: OnProgress | None = None,
    before_writing: Callable[[], None] = lambda: None,
) -> Timeline:
    """From a video to a folder of results: :meth:`Model.encode` to :func:`write_summary`.

    Args:
        model: what sees it.
        video: a video file.
        folder: for the results.
        ratio: share of the duration to keep.
        length: seconds to keep, instead.
        query: a sentence to focus on.
        preview: decode key frames only.
        cut: False skips summary.mp4.
        on_progress: called as ``(stage, done, total)``.
        before_writing: called once all is known, before the first file is written.

    Raises:
        IptnetError: as those say.
    """
    encoded = model.encode(video, on_progress=on_progress, preview=preview)
    timeline = encoded.summarize(ratio, query, length=length)
    before_writing()
    write_summary(timeline, folder, video=video, cut=cut, on_progress=on_progress)
    return timeline


def write_moments(
    timeline: Timeline,
    folder: str | Path,
    *,
    video: str | Path,
    on_progress: OnProgress | None = None,
) -> tuple[Path, ...]:
    """Write each moment as a clip, ``moment-<query>-<rank>.mp4``, with timeline.json and a report.

    Args:
        timeline: with moments, in ranked order by query.
        folder: created when missing.
        video: the source.
        on_progress: called as ``(stage, done, total)``.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
        InputError: the source went away or changed.
    """
    from iptnet.video.cut import cut as cut_video

    folder, video = Path(folder), Path(video)
    require_writable(folder)
    numbers: dict[str, int] = {}
    ranks: dict[str, int] = {}
    written: list[Path] = []
    for moment in timeline.moments:
        number = numbers.setdefault(moment.query, len(numbers) + 1)
        ranks[moment.query] = rank = ranks.get(moment.query, 0) + 1
        clip = folder / f"moment-{number}-{rank}.mp4"
        cut_video(video, [Span(moment.start, moment.end)], clip, on_progress=on_progress)
        written.append(clip)
    write_json(timeline, folder / "timeline.json")
    write_curve(timeline, folder / "curve.svg")
    write_report(timeline, folder / "report.html", once(thumbnails(video)), video=None)
    return (*written, *(folder / n for n in ("timeline.json", "curve.svg", "report.html")))


def merge(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Warnings of two stages, each once, in order."""
    return tuple(dict.fromkeys((*first, *second)))


def thumbnails(video: Path) -> Callable[[Sequence[float]], list[NDArray[np.uint8] | None]]:
    """Pictures of a video by their times, ``None`` where none can be had."""

    def pictures(times: Sequence[float]) -> list[NDArray[np.uint8] | None]:
        from iptnet.video.frames import frames_at

        try:
            height = PICTURE_HEIGHT if len(times) <= MANY else MANY_HEIGHT
            return list(frames_at(video, list(times), height=height).images)
        except IptnetError:
            # The timeline is worth more than its pictures; the sheet shows placeholders instead.
            return [None] * len(times)

    return pictures
