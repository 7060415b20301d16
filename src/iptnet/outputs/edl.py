"""CMX3600 edit decision list: what every editing program since 1988 can read.

One event a segment, with its place in the source and in the summary as timecode. The reel is
``AX`` (a source that is no tape); programs find the file by its name in the comment. 29.97 and
59.94 are drop-frame. Timecode of the source counts from its first picture.
"""

from __future__ import annotations

from iptnet.outputs.markup import clean, shorten
from iptnet.outputs.segments import cut_list, kind_of
from iptnet.outputs.timecode import drops_frames, timecode
from iptnet.timeline import Timeline

TITLE = 60
"""Letters; the format allows 70."""


def edl(timeline: Timeline) -> str:
    """The list as text; without segments only its head."""
    cuts, source = cut_list(timeline), timeline.source
    mode = "DROP FRAME" if drops_frames(cuts.rate) else "NON-DROP FRAME"
    channels = "V" if source.audio is False else "AA/V"
    lines = [f"TITLE: {shorten(source.name, TITLE) or kind_of(timeline)}", f"FCM: {mode}", ""]
    for number, event in enumerate(cuts.events, 1):
        times = (event.first, event.after, event.at, event.at + event.count)
        codes = " ".join(timecode(frame, cuts.rate) for frame in times)
        lines += [
            f"{number:03}  AX       {channels:<5} C        {codes}",
            f"* FROM CLIP NAME: {clean(source.name)}",
            f"* COMMENT: {event.name}",
        ]
    return "\n".join(lines) + "\n"
