"""``iptnet find VIDEO "sentence"``: where in the video it happens."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from iptnet.cli.console import Progress, printable, say, say_warning
from iptnet.errors import UsageError
from iptnet.timeline import DOUBT

if TYPE_CHECKING:
    from iptnet.timeline import Moment, Timeline


@dataclass(frozen=True)
class Find:
    """Find the moments that sentences describe, ranked, with a calibrated confidence."""

    video: tyro.conf.Positional[Path]
    """Video file."""

    sentences: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="SENTENCE...")
    ] = ()
    """What to look for, in English; several at once are fine."""

    queries: Path | None = None
    """Text file with a sentence a line, besides those given."""

    top: int = 5
    """Moments a sentence, at most."""

    json: bool = False
    """Print JSON instead of lines."""

    out: Path | None = None
    """Folder for the moments as clips, with timeline.json and report.html, in DIR/<name>/."""

    preview: bool = False
    """Decode key frames only: a first look at a long video, in a fraction of the time."""

    no_cache: bool = False
    """Neither read nor write the feature cache."""

    checkpoint: Path | None = None
    """Localizer weights instead of the ones that ship with the package."""

    def run(self) -> int:
        """Print ranked moments, best first."""
        sentences = [*self.sentences, *(_lines(self.queries) if self.queries else ())]
        if not sentences:
            raise UsageError("no sentence to look for", 'iptnet find VIDEO "she opens the door"')
        if self.top < 1:
            raise UsageError(f"--top {self.top} shows nothing", "give 1 or more")
        if self.out is not None:
            from iptnet.atomic import require_writable

            require_writable(self.out)
        from iptnet.api import load

        model = load(localizer=self.checkpoint, cache=not self.no_cache)
        with Progress() as progress:
            encoded = model.encode(self.video, on_progress=progress, preview=self.preview)
            timeline = encoded.ask(sentences, self.top)
            if self.out is not None:
                from iptnet.cli.inputs import output_folders
                from iptnet.results import write_moments

                (folder,) = output_folders([self.video], self.out)
                write_moments(timeline, folder, video=self.video, on_progress=progress)
        for warning in timeline.warnings:
            say_warning(warning)
        if self.json:
            say(json.dumps([asdict(m) for m in timeline.moments], indent=1, ensure_ascii=False))
        else:
            _show(timeline, sentences)
        if self.out is not None and not self.json:
            say(f"-> {printable(folder)}")
        return 0


def _show(timeline: Timeline, sentences: list[str]) -> None:
    from iptnet.outputs.clock import clock

    for sentence in dict.fromkeys(sentences):
        say(f'"{printable(sentence)}"')
        found = [m for m in timeline.moments if m.query == sentence]
        if found and _confidence(found[0]) < DOUBT:
            say("   probably not in this video; the nearest:")
        for rank, m in enumerate(found, 1):
            say(
                f"{rank:3}  {clock(m.start, 1):>9} - {clock(m.end, 1):<9}"
                f"  confidence {_confidence(m):4.0%}  score {m.score:.2f}"
            )


def _confidence(moment: Moment) -> float:
    return 0.0 if moment.confidence is None else moment.confidence


def _lines(path: Path) -> list[str]:
    from iptnet.data.annotation_file import read_text

    return [line.strip() for line in read_text(path).splitlines() if line.strip()]
