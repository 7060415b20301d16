"""timeline.json: the result itself, ``iptnet/timeline/1``, which every later command reads."""

from __future__ import annotations

from pathlib import Path

from iptnet.atomic import write_bytes
from iptnet.timeline import Timeline


def write_json(timeline: Timeline, path: Path) -> None:
    """Write the timeline so that ``Timeline.from_json`` gives it back unchanged.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
        ValueError: a number is NaN or infinite.
    """
    # A file name that is no valid UTF-8 reaches us with lone surrogates; written as \udcff they are
    # both bytes that UTF-8 allows and JSON's own escape for them.
    text = timeline.to_json() + "\n"
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))
