"""``iptnet demo``: both jobs on a small video made on the spot from free photographs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from iptnet.cli.console import Progress, printable, say
from iptnet.cli.inputs import SHARE, asked_length
from iptnet.cli.summarize import report

if TYPE_CHECKING:
    from iptnet.demo import DemoVideo
    from iptnet.timeline import Span


QUERIES = (
    "a cat looking at the camera",
    "a cup of coffee on a table",
    "a rocket on the launch pad",
)


@dataclass(frozen=True)
class Demo:
    """Make a small video from freely licensed photographs, summarize it, and query it."""

    out: Path = Path("demo")
    """Folder for the video and its summary."""

    ratio: Annotated[float, SHARE] = 0.25
    """Length of the summary as a share of the video: 0.15, or 15%."""

    def run(self) -> int:
        """Make, summarize, query, and say where to look."""
        asked_length(self.ratio, None)
        from iptnet.api import load
        from iptnet.atomic import require_writable
        from iptnet.demo import make_demo_video
        from iptnet.results import write_summary

        require_writable(self.out)
        video = self.out / "demo.mp4"
        with Progress() as progress:
            made = make_demo_video(video, on_progress=progress)
            encoded = load(cache=False).encode(video, on_progress=progress)
            timeline = encoded.summarize(self.ratio)
            folder = self.out / "summary"
            write_summary(timeline, folder, video=video, on_progress=progress)
        report(timeline, folder)
        for keyshot in timeline.keyshots:
            say(f"  {keyshot.start:6.2f} - {keyshot.end:6.2f} s  {_scene(made, keyshot)}")
        for query in QUERIES:
            best = encoded.find(query, top=1)[0]
            where = f"{best.start:6.2f} - {best.end:6.2f} s  {_scene(made, best)}"
            say(f'find "{query}"\n  {where}  (confidence {best.confidence or 0:.0%})')
        say(f"look at {printable(folder / 'report.html')} (and demo.mp4, the video it is about)")
        return 0


def _scene(video: DemoVideo, span: Span) -> str:
    middle = (span.start + span.end) / 2
    return next((s.name for s in video.scenes if s.start <= middle < s.end), "?")
