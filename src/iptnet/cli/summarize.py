"""``iptnet summarize VIDEO… --out DIR``: a shorter video, and everything around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from iptnet.cli.console import Progress, printable, say, say_warning
from iptnet.cli.inputs import SHARE, asked_length, for_each, output_folders

if TYPE_CHECKING:
    from iptnet.timeline import Timeline


@dataclass(frozen=True, kw_only=True)
class SummaryOptions:
    """What every summary is made with, of one video or of an archive."""

    ratio: Annotated[float | None, SHARE] = None
    """Longest the summary may be, as a share of the video: 0.15, or 15%; 0.15 without --length."""

    length: str | None = None
    """Longest the summary may be, as 60 (seconds) or 1:30, instead of a share."""

    query: str | None = None
    """Focus the summary on what a sentence describes."""

    no_video: bool = False
    """Skip the cut: no summary.mp4, everything else."""

    preview: bool = False
    """Decode key frames only: a first look at a long video, in a fraction of the time."""

    no_cache: bool = False
    """Neither read nor write the feature cache."""

    checkpoint: Path | None = None
    """Summarizer weights instead of the ones that ship with the package."""


@dataclass(frozen=True, kw_only=True)
class Summarize(SummaryOptions):
    """Summarize videos: summary.mp4, timeline.json, storyboard.jpg, curve.svg, report.html."""

    videos: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="VIDEO...")]
    """Video files; put -- before a name that begins with a dash."""

    out: Path = Path("summaries")
    """Folder for the results; each video gets DIR/<name>/."""

    def run(self) -> int:
        """Summarize each video in turn."""
        ratio, length = asked_length(self.ratio, self.length)
        if not self.videos:
            from iptnet.errors import UsageError

            raise UsageError("no video given", "iptnet summarize VIDEO…")
        from iptnet.atomic import require_writable

        require_writable(self.out)
        if len(self.videos) == 1:
            # A file that is no video should be told at once, not after the model has loaded.
            from iptnet.video.probe import probe

            probe(self.videos[0])
        from iptnet.api import load

        model = load(summarizer=self.checkpoint, cache=not self.no_cache)
        folders = dict(zip(self.videos, output_folders(self.videos, self.out), strict=True))

        def work(video: Path) -> None:
            from iptnet.results import summarize_video

            with Progress(video.name if len(self.videos) > 1 else "") as progress:
                timeline = summarize_video(
                    model,
                    video,
                    folders[video],
                    ratio=ratio,
                    length=length,
                    query=self.query,
                    preview=self.preview,
                    cut=not self.no_video,
                    on_progress=progress,
                )
            report(timeline, folders[video])

        return for_each(folders, work)


def report(timeline: Timeline, folder: Path) -> None:
    """Say what came out and where it lies."""
    for warning in timeline.warnings:
        say_warning(f"{timeline.source.name}: {warning}")
    count = len(timeline.keyshots)
    say(
        f"{printable(timeline.source.name)}: {seconds(timeline.summary_duration)} of "
        f"{seconds(timeline.source.duration)} in {count} keyshot{'s' * (count != 1)} "
        f"-> {printable(folder)}"
    )


def seconds(value: float) -> str:
    """A length of time to be read."""
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s"
