"""Every file that a result can be downloaded as: those of a timeline alone, and those with
pictures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from iptnet.errors import UsageError
from iptnet.outputs.exports import FORMATS, export, stem_of
from iptnet.outputs.pictures import Thumbnails
from iptnet.outputs.report import write_report
from iptnet.outputs.storyboard import write_storyboard
from iptnet.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Drawn:
    """A kind of file that needs pictures; attributes as of an export format."""

    name: str
    suffix: str
    media_type: str
    description: str
    write: Callable[[Timeline, Path, Thumbnails], None]


def _report(timeline: Timeline, path: Path, thumbnails: Thumbnails) -> None:
    write_report(timeline, path, thumbnails, video=None)


DRAWN = {
    d.name: d
    for d in (
        Drawn(
            "report", ".report.html", "text/html", "one page with curve, pictures, table", _report
        ),
        Drawn(
            "storyboard",
            ".storyboard.jpg",
            "image/jpeg",
            "the keyshots on one sheet",
            write_storyboard,
        ),
    )
}


def offers() -> dict[str, Drawn | object]:
    """All kinds by name, in the order to show them in."""
    return {**DRAWN, **{name: f for name, f in FORMATS.items() if name not in DRAWN}}


@dataclass(frozen=True, slots=True)
class Download:
    """A finished file, in memory: none is large."""

    filename: str
    media_type: str
    data: bytes


def download(name: str, timeline: Timeline, thumbnails: Thumbnails) -> Download:
    """Write one kind of file.

    Raises:
        UsageError: no such kind.
        MachineError: no room for it.
    """
    stem = stem_of(timeline)
    with tempfile.TemporaryDirectory() as folder:
        if name in DRAWN:
            kind = DRAWN[name]
            path = Path(folder) / "drawn"
            kind.write(timeline, path, thumbnails)
            return Download(stem + kind.suffix, kind.media_type, path.read_bytes())
        if name not in FORMATS:
            known = ", ".join(offers())
            raise UsageError(f"there is no format {name[:40]!r}", f"choose of {known}")
        (path,) = export(timeline, [name], folder, "export")
        kind_ = FORMATS[name]
        return Download(stem + kind_.suffix, kind_.media_type, path.read_bytes())
