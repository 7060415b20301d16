"""Every file that can be made from a timeline alone: no model, no video.

:data:`FORMATS` is the list that the command line and the page offer; :func:`export` writes any of
them. Adding a format is a writer in a file of its own and an entry here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from iptnet.atomic import require_writable, write_bytes
from iptnet.errors import UsageError
from iptnet.outputs.autoeditor import autoeditor
from iptnet.outputs.csv import csv
from iptnet.outputs.curve import curve_svg
from iptnet.outputs.edl import edl
from iptnet.outputs.fcpxml import fcpxml
from iptnet.outputs.ffconcat import ffconcat
from iptnet.outputs.ffmetadata import ffmetadata, summary_ffmetadata
from iptnet.outputs.json import timeline_json
from iptnet.outputs.markup import clean
from iptnet.outputs.otio import otio
from iptnet.outputs.vtt import summary_vtt, vtt
from iptnet.timeline import Timeline

LONGEST = 150
"""Bytes of a stem; file systems take names of 255 with their suffix."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file that a timeline can become.

    Attributes:
        name: what ``--to`` and the page call it.
        suffix: how the file's name ends, from its first point on; no two formats share one.
        media_type: for HTTP.
        description: what it is for, in a few words.
        render: the file's content; raises InputError where a timeline cannot be said in this
            format (nothing selected, a file name that it has no way to write).
        framed: whether it counts frames at a rate of editors, which the video may not have.
    """

    name: str
    suffix: str
    media_type: str
    description: str
    render: Callable[[Timeline], str]
    framed: bool = False

    def write(self, timeline: Timeline, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            InputError: see :attr:`render`.
            MachineError: the folder cannot be written or the disk is full.
        """
        write_bytes(path, self.render(timeline).encode("utf-8"))


def _by_name(*formats: Format) -> Mapping[str, Format]:
    return MappingProxyType({f.name: f for f in formats})


FORMATS: Mapping[str, Format] = _by_name(
    Format("json", ".timeline.json", "application/json", "everything, in numbers", timeline_json),
    Format("csv", ".csv", "text/csv", "segments in seconds, for LosslessCut", csv),
    Format("edl", ".edl", "text/plain", "CMX3600, for any editing program", edl, framed=True),
    Format(
        "fcpxml", ".fcpxml", "application/xml", "for Final Cut Pro and Resolve", fcpxml, framed=True
    ),
    Format(
        "otio",
        ".otio",
        "application/json",
        "OpenTimelineIO, for Resolve and pipelines",
        otio,
        framed=True,
    ),
    Format("vtt", ".chapters.vtt", "text/vtt", "chapters of the video, for web players", vtt),
    Format(
        *("vtt-summary", ".summary.chapters.vtt", "text/vtt"),
        description="chapters of summary.mp4, for web players",
        render=summary_vtt,
    ),
    Format(
        "ffmetadata", ".ffmetadata", "text/plain", "chapters of the video, for ffmpeg", ffmetadata
    ),
    Format(
        *("ffmetadata-summary", ".summary.ffmetadata", "text/plain"),
        description="chapters of summary.mp4, for ffmpeg",
        render=summary_ffmetadata,
    ),
    Format("auto-editor", ".v1.json", "application/json", "auto-editor's v1 timeline", autoeditor),
    Format("ffconcat", ".ffconcat", "text/plain", "concat list, for ffmpeg", ffconcat),
    Format(
        *("curve", ".curve.svg", "image/svg+xml"),
        description="importance, shots and keyshots as a drawing",
        render=curve_svg,
    ),
)
"""By name, in the order to show them in."""


def export(
    timeline: Timeline, formats: Iterable[str], folder: str | Path, stem: str | None = None
) -> tuple[Path, ...]:
    """Write ``folder/<stem><suffix>`` for each format, each file whole or not at all.

    Args:
        timeline: what to write.
        formats: names of :data:`FORMATS`; one that comes twice is written once.
        folder: created when missing.
        stem: the files' common name; None for that of the source video.

    Returns:
        the files, in the order of ``formats``.

    Raises:
        UsageError: an unknown format; nothing is written then.
        InputError: a format has no way to say this timeline; nothing is written then.
        MachineError: the folder cannot be written or the disk is full.
    """
    folder = Path(folder)
    name = stem_of(timeline) if stem is None else file_stem(stem)
    chosen = [_known(name) for name in dict.fromkeys(formats)]
    rendered = {folder / f"{name}{one.suffix}": one.render(timeline) for one in chosen}
    require_writable(folder)
    for path, text in rendered.items():
        write_bytes(path, text.encode("utf-8"))
    return tuple(rendered)


def _known(name: str) -> Format:
    if name not in FORMATS:
        raise UsageError(f"there is no format {name!r}", f"choose of {', '.join(FORMATS)}")
    return FORMATS[name]


def stem_of(timeline: Timeline) -> str:
    """What the files of a timeline are called: as its video, without ``.mp4`` and the like."""
    name = file_stem(timeline.source.name)
    return re.sub(r"(?<=.)\.[^. ]{1,5}$", "", name)


def file_stem(name: str) -> str:
    """A name that any file system takes, inside the folder it is put in, from one of any origin."""
    base = re.split(r"[/\\]", name)[-1]
    safe = re.sub(r'[<>:"|?*\ufffd]', "_", clean(base)).strip(". ")
    short = safe.encode("utf-8")[:LONGEST].decode("utf-8", "ignore").strip(". ")
    # A leading dash would read as an option of the next command.
    return re.sub("^-", "_", short) or "timeline"
