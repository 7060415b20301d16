"""CSV as LosslessCut imports it: ``start,end,name`` in seconds, one segment a row, no header.

LosslessCut refuses any row that has not exactly these three columns and any time that is not a
number, so there is no room for scores or a heading.
"""

from __future__ import annotations

from csv import writer
from io import StringIO

from iptnet.outputs.segments import some_segments
from iptnet.timeline import Timeline

FORMULA = ("=", "+", "-", "@")
"""What makes a spreadsheet run a cell instead of showing it."""


def csv(timeline: Timeline) -> str:
    """The rows as text; times have six decimals.

    Raises:
        InputError: no segments; LosslessCut refuses an empty file.
    """
    out = StringIO()
    rows = writer(out, lineterminator="\n")
    for segment in some_segments(timeline, "a CSV for LosslessCut"):
        name = f"'{segment.name}" if segment.name.startswith(FORMULA) else segment.name
        rows.writerow((f"{segment.start:.6f}", f"{segment.end:.6f}", name))
    return out.getvalue()
