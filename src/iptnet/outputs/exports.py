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

from iptnet.atomic import require_writable
from iptnet.errors import UsageError
from iptnet.outputs.csv import write_csv
from iptnet.outputs.curve import write_curve
from iptnet.outputs.json import write_json
from iptnet.outputs.markup import clean
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
        write: writes the file atomically; raises only MachineError for a valid timeline.
    """

    name: str
    suffix: str
    media_type: str
    description: str
    write: Callable[[Timeline, Path], None]


def _by_name(*formats: Format) -> Mapping[str, Format]:
    return MappingProxyType({f.name: f for f in formats})


FORMATS: Mapping[str, Format] = _by_name(
    Format(
        "json", ".timeline.json", "application/json", "the timeline itself, everything", write_json
    ),
    Format("csv", ".csv", "text/csv", "segments in seconds, for LosslessCut", write_csv),
    Format(
        "curve", ".curve.svg", "image/svg+xml", "importance, shots and keyshots drawn", write_curve
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
        MachineError: the folder cannot be written or the disk is full.
    """
    chosen = [_known(name) for name in dict.fromkeys(formats)]
    folder = Path(folder)
    require_writable(folder)
    name = file_stem(timeline.source.name if stem is None else stem, stem is None)
    written = []
    for one in chosen:
        path = folder / f"{name}{one.suffix}"
        one.write(timeline, path)
        written.append(path)
    return tuple(written)


def _known(name: str) -> Format:
    if name not in FORMATS:
        raise UsageError(f"there is no format {name!r}", f"choose of {', '.join(FORMATS)}")
    return FORMATS[name]


def file_stem(name: str, drop_suffix: bool = True) -> str:
    """A name that any file system takes, inside the folder it is put in, from one of any origin.

    Args:
        name: of a video as a timeline has it: perhaps a path, perhaps hostile.
        drop_suffix: leave away ``.mp4`` and the like.
    """
    base = re.split(r"[/\\]", name)[-1]
    if drop_suffix:
        base = Path(base.replace("\0", "_")).stem
    safe = re.sub(r'[<>:"|?*\ufffd]', "_", clean(base)).strip(". ")
    short = safe.encode("utf-8")[:LONGEST].decode("utf-8", "ignore").strip(". ")
    # A leading dash would read as an option of the next command.
    return re.sub("^-", "_", short) or "timeline"
