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
from iptnet.forking import native
from iptnet.outputs.curve import write_curve
from iptnet.outputs.json import write_json
from iptnet.outputs.pictures import once
from iptnet.outputs.report import write_report
from iptnet.outputs.storyboard import write_storyboard
from iptnet.timeline import Span, Timeline

if TYPE_CHECKING:
    from iptnet.api import Model

OnProgress = Callable[[str, int, int | None], None]

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
    return _write_summary(timeline, folder, video, cut, on_progress)[1]


def _write_summary(
    timeline: Timeline,
    folder: str | Path,
    video: str | Path,
    cut: bool,
    on_progress: OnProgress | None,
) -> tuple[Timeline, tuple[Path, ...]]:
    """Write a summary; the timeline comes back with what the cut warned of."""
    folder, video = Path(folder), Path(video)
    require_writable(folder)
    written: list[Path] = []
    playable = folder / "summary.mp4"
    if cut:
        with native():
            from iptnet.video.cut import cut as cut_video

        spans = [Span(k.start, k.end) for k in timeline.keyshots]
        done = cut_video(video, spans, playable, on_progress=on_progress)
        left_out = (f"{done.left_out} not in {playable.name}",) if done.left_out else ()
        notes = merge(timeline.warnings, (*done.warnings, *left_out))
        timeline = replace(timeline, warnings=notes)
        written.append(playable)
    pictures = once(thumbnails(video))
    write_json(timeline, folder / "timeline.json")
    write_storyboard(timeline, folder / "storyboard.jpg", pictures)
    write_curve(timeline, folder / "curve.svg")
    write_report(timeline, folder / "report.html", pictures, video=playable.name if cut else None)
    names = ("timeline.json", "storyboard.jpg", "curve.svg", "report.html")
    return timeline, (*written, *(folder / name for name in names))


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
    return _write_summary(timeline, folder, video, cut, on_progress)[0]


def write_moments(
    timeline: Timeline,
    folder: str | Path,
    *,
    video: str | Path,
    on_progress: OnProgress | None = None,
) -> Timeline:
    """Write each moment as a clip, ``moment-<query>-<rank>.mp4``, with timeline.json and a report.

    Args:
        timeline: with moments, in ranked order by query.
        folder: created when missing.
        video: the source.
        on_progress: called as ``(stage, done, total)``.

    Returns:
        the timeline with what the cuts warned of, and what none of the clips has.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
        InputError: the source went away or changed.
    """
    with native():
        from iptnet.video.cut import cut as cut_video

    folder, video = Path(folder), Path(video)
    require_writable(folder)
    clips = clip_names(timeline)
    for moment, name in zip(timeline.moments, clips.values(), strict=True):
        clip = folder / name
        done = cut_video(video, [Span(moment.start, moment.end)], clip, on_progress=on_progress)
        left_out = (f"{done.left_out} not in the clips",) if done.left_out else ()
        notes = merge(timeline.warnings, (*done.warnings, *left_out))
        timeline = replace(timeline, warnings=notes)
    write_json(timeline, folder / "timeline.json")
    write_curve(timeline, folder / "curve.svg")
    pictures = once(thumbnails(video))
    write_report(timeline, folder / "report.html", pictures, video=None, clips=clips)
    return timeline


def clip_names(timeline: Timeline) -> dict[tuple[int, int], str]:
    """Name each moment's clip by the number of its sentence and its rank, in the moments' order."""
    numbers = {query: number for number, query in enumerate(timeline.queries, 1)}
    ranks = dict.fromkeys(numbers, 0)
    names: dict[tuple[int, int], str] = {}
    for moment in timeline.moments:
        ranks[moment.query] += 1
        place = numbers[moment.query], ranks[moment.query]
        names[place] = f"moment-{place[0]}-{place[1]}.mp4"
    return names


def merge(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Warnings of two stages, each once, in order."""
    return tuple(dict.fromkeys((*first, *second)))


def thumbnails(video: Path) -> Callable[[Sequence[float]], list[NDArray[np.uint8] | None]]:
    """Pictures of a video by their times, ``None`` where none can be had."""

    def pictures(times: Sequence[float]) -> list[NDArray[np.uint8] | None]:
        with native():
            from iptnet.video.frames import frames_at

        try:
            height = PICTURE_HEIGHT if len(times) <= MANY else MANY_HEIGHT
            return list(frames_at(video, list(times), height=height).images)
        except IptnetError:
            # The timeline is worth more than its pictures; the sheet shows placeholders instead.
            return [None] * len(times)

    return pictures
