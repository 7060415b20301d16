"""``iptnet find VIDEO… "sentence"…``: where in the videos it happens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from iptnet.cli.console import Progress, printable, say, say_warning
from iptnet.cli.inputs import for_each, videos_and_sentences
from iptnet.errors import UsageError

if TYPE_CHECKING:
    from iptnet.api import Model
    from iptnet.timeline import Moment, Timeline


@dataclass(frozen=True)
class Find:
    """Find the moments that sentences describe, ranked, with a calibrated confidence."""

    given: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="VIDEO_OR_FOLDER... SENTENCE..."),
    ] = ()
    """Videos, folders of them, and what to look for, in English. What exists is a video."""

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
        """Print ranked moments of all videos, best first; the code is that of the worst video."""
        videos, given = videos_and_sentences(self.given)
        sentences = list(dict.fromkeys([*given, *(_lines(self.queries) if self.queries else ())]))
        if not videos:
            raise UsageError(
                "no video to look in: no argument is an existing file or folder",
                'iptnet find VIDEO "she opens the door"',
            )
        if not sentences:
            raise UsageError(
                "no sentence to look for: every argument is an existing file or folder",
                'iptnet find VIDEO "she opens the door"',
            )
        if not all(sentence.strip() for sentence in sentences):
            raise UsageError("an empty sentence", "describe the moment in words")
        if self.top < 1:
            raise UsageError(f"--top {self.top} shows nothing", "give 1 or more")
        if self.out is not None:
            from iptnet.atomic import require_writable

            require_writable(self.out)
        from iptnet.api import load

        model = load(localizer=self.checkpoint, cache=not self.no_cache)
        found: dict[Path, Timeline] = {}
        folders = self._folders(videos)

        def work(video: Path) -> None:
            found[video] = self._ask(model, video, sentences, folders.get(video), len(videos) > 1)

        code = for_each(videos, work)
        if self.json and found:
            moments = [a for s in sentences for a in _ranked(found, s, self.top)]
            objects = [{"video": str(video), **asdict(moment)} for video, moment in moments]
            say(json.dumps(objects, indent=1, ensure_ascii=False))
        elif found:
            for sentence in sentences:
                _show(sentence, _ranked(found, sentence, self.top), len(videos) > 1)
            for video in found:
                if video in folders:
                    say(f"-> {printable(folders[video])}")
        return code

    def _folders(self, videos: Sequence[Path]) -> dict[Path, Path]:
        from iptnet.cli.inputs import output_folders

        if self.out is None:
            return {}
        return dict(zip(videos, output_folders(videos, self.out), strict=True))

    def _ask(
        self,
        model: Model,
        video: Path,
        sentences: Sequence[str],
        folder: Path | None,
        named: bool,
    ) -> Timeline:
        """Ask one video all sentences; with a folder, write its moments there."""
        with Progress(video.name if named else "") as progress:
            encoded = model.encode(video, on_progress=progress, preview=self.preview)
            timeline = encoded.ask(sentences, self.top)
            if folder is not None:
                from iptnet.results import write_moments

                timeline = write_moments(timeline, folder, video=video, on_progress=progress)
        for warning in timeline.warnings:
            say_warning(f"{video.name}: {warning}" if named else warning)
        return timeline


def _ranked(found: dict[Path, Timeline], sentence: str, top: int) -> list[tuple[Path, Moment]]:
    """The best moments of a sentence over all videos; one video's keep their order."""
    every = [
        (video, moment)
        for video, timeline in found.items()
        for moment in timeline.moments
        if moment.query == sentence
    ]
    if len(found) > 1:
        every.sort(key=lambda pair: (-_confidence(pair[1]), -pair[1].score))
    return every[:top]


def _show(sentence: str, answers: Sequence[tuple[Path, Moment]], named: bool) -> None:
    from iptnet.outputs.clock import clock

    known = [moment.present for _, moment in answers if moment.present is not None]
    where = "these videos" if named else "this video"
    verdict = ""
    if known:
        verdict = f": probably in {where}"
        if not any(known):
            verdict = f": probably not in {where} (best guesses below)"
    say(f'"{printable(sentence)}"{verdict}')
    for rank, (video, m) in enumerate(answers, 1):
        say(
            f"{rank:3}  {clock(m.start, 1):>9} - {clock(m.end, 1):<9}"
            f"  confidence {_confidence(m):4.0%}  score {m.score:.2f}"
            + (f"  {printable(video)}" if named else "")
        )


def _confidence(moment: Moment) -> float:
    return 0.0 if moment.confidence is None else moment.confidence


def _lines(path: Path) -> list[str]:
    from iptnet.data.annotation_file import read_text

    return [line.strip() for line in read_text(path).splitlines() if line.strip()]
