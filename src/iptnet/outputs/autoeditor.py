"""auto-editor's v1 timeline: the whole source in chunks, played (speed 1) or left out (99999).

The format knows one direction: segments are played in the order of the source, and what overlaps
plays once. Its frames count from the first picture, whatever the camera's timecode, at the source's
own rate, rounded as auto-editor rounds it.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction

from iptnet.outputs.segments import some_segments
from iptnet.outputs.timecode import to_frames, whole_frames
from iptnet.rates import SAME, UNKNOWN
from iptnet.timeline import Timeline

PLAY, CUT = 1.0, 99999.0
NTSC = (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001))


def autoeditor(timeline: Timeline) -> str:
    """The chunks as text.

    Raises:
        InputError: there is nothing to play; auto-editor refuses that.
    """
    found = some_segments(timeline, "an auto-editor timeline")
    source = timeline.source
    rate = timebase(source.fps)
    length = source.duration if source.duration > 0 else max(s.end for s in found)
    total = whole_frames(length, rate)
    chunks: list[tuple[int, int, float]] = []
    done = 0
    for segment in sorted(found, key=lambda s: s.start):
        first, after = to_frames(segment.start, segment.end, rate, total)
        first = max(first, done)
        if after <= first:
            continue
        if first > done:
            chunks.append((done, first, CUT))
        chunks.append((first, after, PLAY))
        done = after
    if done < total:
        chunks.append((done, total, CUT))
    whole = {"version": "1", "source": source.path or source.name, "chunks": chunks}
    return json.dumps(whole) + "\n"


def timebase(fps: float) -> Fraction:
    """The rate at which auto-editor counts a source: NTSC rates exact, others to two decimals."""
    if not math.isfinite(fps) or round(fps, 2) <= 0:
        return UNKNOWN
    rate = Fraction(fps)
    near = (ntsc for ntsc in NTSC if abs(ntsc - rate) <= SAME * ntsc)
    return next(near, Fraction(round(rate * 100), 100))
