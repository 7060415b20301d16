"""``iptnet export timeline.json --to edl,otio,…``: any file a timeline can become, no model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from iptnet.cli.console import printable, say, say_warning
from iptnet.cli.inputs import for_each
from iptnet.cli.near_misses import meant
from iptnet.errors import InputError, UsageError

if TYPE_CHECKING:
    from iptnet.timeline import Timeline

PICTURED = {"storyboard": ".storyboard.jpg", "report": ".report.html"}
"""What cannot be made without the video, with the suffixes."""


@dataclass(frozen=True)
class Export:
    """Write a timeline for editors, players and other tools, without model or video."""

    timelines: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILE...")]
    """timeline.json files of `iptnet summarize` or `iptnet find --out`."""

    to: str = ""
    """Formats, separated by commas, or `all`; without, they are listed."""

    out: Path | None = None
    """Folder for the results; by default the one each timeline lies in."""

    def run(self) -> int:
        """Export each timeline in turn."""
        formats = self._formats()
        if not self.timelines:
            raise UsageError("no timeline given", "iptnet export timeline.json --to edl")
        taken: set[tuple[Path, str]] = set()

        def work(path: Path) -> None:
            from iptnet.outputs.exports import stem_of
            from iptnet.outputs.json import read_json

            timeline = _located(read_json(path))
            folder = path.parent if self.out is None else self.out
            stem = _free(stem_of(timeline), folder, taken)
            if self.to.strip() != "all":
                self._write(timeline, formats, folder, stem)
                return
            for name in formats:
                try:
                    self._write(timeline, [name], folder, stem)
                except InputError as error:
                    say_warning(f"no {name}: {error.cause}")

        return for_each(self.timelines, work)

    def _formats(self) -> list[str]:
        from iptnet.outputs.exports import FORMATS

        known = [*FORMATS, *PICTURED]
        asked = list(dict.fromkeys(name.strip() for name in self.to.split(",") if name.strip()))
        if asked == ["all"]:
            return known
        unknown = [name for name in asked if name not in known]
        if unknown or not asked:
            wrong = f"no format {unknown[0]!r}" if unknown else "no format given"
            near = meant(unknown[0], known, "{}", "") + " " if unknown else ""
            raise UsageError(wrong, f"{near}--to takes all, or some of {', '.join(known)}".strip())
        return asked

    def _write(self, timeline: Timeline, formats: list[str], folder: Path, stem: str) -> None:
        from iptnet.outputs.exports import FORMATS, export
        from iptnet.outputs.segments import counted_at

        pictured = [name for name in formats if name in PICTURED]
        # First of all: without the video, nothing is written.
        video = _video(timeline) if pictured else None
        plain = [name for name in formats if name not in PICTURED]
        for name, file in zip(plain, export(timeline, plain, folder, stem), strict=True):
            rate = counted_at(timeline) if FORMATS[name].framed else ""
            say(f"{printable(file)} ({rate})" if rate else printable(file))
        if video is not None:
            for file in _pictured(timeline, video, pictured, folder, stem):
                say(printable(file))


def _located(timeline: Timeline) -> Timeline:
    """The timeline with the whole path of its video, where that is still to be found from here."""
    try:
        path = Path(timeline.source.path)
        if path.is_file():
            whole = str(path.resolve())
            return replace(timeline, source=replace(timeline.source, path=whole))
    except (OSError, ValueError):
        # A hand-made path may be too long, or hold a NUL.
        pass
    return timeline


def _free(stem: str, folder: Path, taken: set[tuple[Path, str]]) -> str:
    """``stem``, or ``stem-2`` and so on when another timeline of this call has it."""
    name, count = stem, 1
    while (folder, name.casefold()) in taken:
        count += 1
        name = f"{stem}-{count}"
    taken.add((folder, name.casefold()))
    return name


def _pictured(
    timeline: Timeline, video: Path, formats: list[str], folder: Path, stem: str
) -> Iterator[Path]:
    """Storyboard and report, with pictures of the video."""
    from iptnet.outputs.pictures import once
    from iptnet.outputs.report import write_report
    from iptnet.outputs.storyboard import write_storyboard
    from iptnet.results import clip_names, thumbnails

    pictures = once(thumbnails(video))
    for name in formats:
        path = folder / f"{stem}{PICTURED[name]}"
        if name == "storyboard":
            write_storyboard(timeline, path, pictures)
        else:
            played = "summary.mp4" if (folder / "summary.mp4").is_file() else None
            clips = {k: n for k, n in clip_names(timeline).items() if (folder / n).is_file()}
            write_report(timeline, path, pictures, video=played, clips=clips)
        yield path


def _video(timeline: Timeline) -> Path:
    """The video that the timeline speaks of.

    Raises:
        InputError: it is not there any more, or another one is.
    """
    from iptnet.features.cache import content_sha256

    source = timeline.source
    remedy = "put it back, or leave storyboard and report away"
    try:
        video = Path(source.path)
        there = video.is_file()
    except (OSError, ValueError):
        there = False
    if not there:
        raise InputError(f"the video {source.path} is not there", remedy)
    if content_sha256(video) != source.sha256:
        raise InputError(f"{source.path} is not the video of this timeline any more", remedy)
    return video
