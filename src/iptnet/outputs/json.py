"""timeline.json: the result itself, which every later command reads (docs/formats.md)."""

from __future__ import annotations

from pathlib import Path

from iptnet.atomic import write_text
from iptnet.errors import InputError, LimitError
from iptnet.timeline import Timeline

LARGEST = 256_000_000
"""Bytes; a day of video is three million."""


def timeline_json(timeline: Timeline) -> str:
    """The timeline so that ``Timeline.from_json`` gives it back unchanged, as text for UTF-8.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return timeline.to_json() + "\n"


def write_json(timeline: Timeline, path: Path) -> None:
    """Write the timeline.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
        ValueError: a number is NaN or infinite.
    """
    write_text(path, timeline_json(timeline))


def read_json(path: Path) -> Timeline:
    """The timeline in a file.

    Raises:
        InputError: there is no such file, or it holds something else.
        LimitError: it is too large to be a timeline.
    """
    try:
        # Opening a pipe would wait for ever, and a device may never end.
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is not a regular file", "give a timeline.json")
        if path.stat().st_size > LARGEST:
            raise LimitError(f"{path} is too large for a timeline", "give a timeline.json")
        text = path.read_text(encoding="utf-8-sig")
        return Timeline.from_json(text)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", "give a timeline.json") from error
    except ValueError as error:
        why = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise InputError(
            f"{path} is no timeline of iptnet: {why}", "give a timeline.json of iptnet summarize"
        ) from error
