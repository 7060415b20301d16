"""``iptnet demo``: the main job on a small video made on the spot from free photographs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iptnet.cli.console import Progress, printable, say
from iptnet.cli.inputs import require_ratio
from iptnet.cli.summarize import report


@dataclass(frozen=True)
class Demo:
    """Make a small video from freely licensed photographs and summarize it."""

    out: Path = Path("demo")
    """Folder for the video and its summary."""

    ratio: float = 0.25
    """Length of the summary as a share of the video."""

    def run(self) -> int:
        """Make, summarize, and say where to look."""
        require_ratio(self.ratio)
        from iptnet.api import load
        from iptnet.atomic import require_writable
        from iptnet.demo import make_demo_video
        from iptnet.results import write_summary

        require_writable(self.out)
        video = self.out / "demo.mp4"
        with Progress() as progress:
            made = make_demo_video(video, on_progress=progress)
            timeline = load(cache=False).encode(video, on_progress=progress).summarize(self.ratio)
            folder = self.out / "summary"
            write_summary(timeline, folder, video=video, on_progress=progress)
        report(timeline, folder)
        for keyshot in timeline.keyshots:
            middle = (keyshot.start + keyshot.end) / 2
            scene = next((s.name for s in made.scenes if s.start <= middle < s.end), "?")
            say(f"  {keyshot.start:6.2f} - {keyshot.end:6.2f} s  {scene}")
        say(f"look at {printable(folder / 'report.html')} (and demo.mp4, the video it is about)")
        return 0
