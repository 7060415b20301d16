"""CSV as LosslessCut imports it: ``start,end,name`` in seconds, one segment a row, no header.

LosslessCut refuses any row that has not exactly these three columns and any time that is not a
number, so there is no room for scores or a heading.
"""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from iptnet.atomic import write_text
from iptnet.outputs.segments import segments
from iptnet.timeline import Timeline

FORMULA = ("=", "+", "-", "@")
"""What makes a spreadsheet run a cell instead of showing it."""


def write_csv(timeline: Timeline, path: Path) -> None:
    """Write the segments; times have six decimals.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for segment in segments(timeline):
        name = f"'{segment.name}" if segment.name.startswith(FORMULA) else segment.name
        writer.writerow((f"{segment.start:.6f}", f"{segment.end:.6f}", name))
    write_text(path, out.getvalue())
