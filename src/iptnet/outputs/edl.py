"""CMX3600 edit decision list: what every editing program since 1988 can read.

One event a segment, with its place in the source and in the summary as timecode. The reel is
``AX`` (a source that is no tape); programs find the file by its name in the comment. Timecode of
the source is the camera's where the video has one, drop-frame or not as there; else it counts from
the first picture, and 29.97 and 59.94 are drop-frame. A list does not say its rate: where that is
not the video's own, a comment does.
"""

from __future__ import annotations

from iptnet.outputs.markup import clean, shorten
from iptnet.outputs.segments import CutList, Event, counted_at, cut_list, kind_of
from iptnet.outputs.timecode import timecode
from iptnet.rates import nearest
from iptnet.timecode import frames_a_day
from iptnet.timeline import Timeline

TITLE = 60
"""Letters; the format allows 70."""


def edl(timeline: Timeline) -> str:
    """The list as text; without segments only its head."""
    cuts, source = cut_list(timeline), timeline.source
    mode = "DROP FRAME" if cuts.drop else "NON-DROP FRAME"
    channels = "V" if source.audio is False else "AA/V"
    rate = counted_at(timeline)
    lines = [f"TITLE: {shorten(source.name, TITLE) or kind_of(timeline)}", f"FCM: {mode}", ""]
    for number, event in enumerate(cuts.events, 1):
        lines += [
            f"{number:03}  AX       {channels:<5} C        {_codes(event, cuts)}",
            f"* FROM CLIP NAME: {clean(source.name)}",
            f"* COMMENT: {event.name}",
            # Below an event, where readers take comments; some know none above the first.
            *([f"* COMMENT: {rate}"] if rate and number == 1 else []),
        ]
    return "\n".join(lines) + "\n"


def _codes(event: Event, cuts: CutList) -> str:
    """Source in and out, record in and out.

    The clock begins anew at midnight; what plays across it ends after 24:00:00:00, since an end
    before its beginning is refused.
    """
    first = (cuts.begin + event.first) % frames_a_day(nearest(cuts.rate), cuts.drop)
    times = (first, first + event.count, event.at, event.at + event.count)
    return " ".join(timecode(frame, cuts.rate, cuts.drop) for frame in times)
