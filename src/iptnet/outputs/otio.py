"""OpenTimelineIO: the interchange format of the Academy Software Foundation, as plain JSON.

Written by hand, since a dozen objects are all that a cut list needs. ``Clip.1`` is the version that
every release of the library and DaVinci Resolve read. Picture and sound are a track each. Media
and clips count from the camera's timecode where the video has one, else from 0. The video is named
by its plain path: DaVinci Resolve is reported not to take a ``file:`` address (docs/formats.md).
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from iptnet.outputs.location import plain_path
from iptnet.outputs.markup import clean
from iptnet.outputs.segments import CutList, Event, cut_list, kind_of
from iptnet.timeline import Timeline


def otio(timeline: Timeline) -> str:
    """The timeline as text; without segments its tracks are empty."""
    cuts, source = cut_list(timeline), timeline.source
    kinds = ("Video",) if source.audio is False else ("Video", "Audio")
    tracks = [
        {
            **_object("Track.1", kind),
            "kind": kind,
            "source_range": None,
            "children": [
                _clip(e, cuts, plain_path(source), clean(source.name)) for e in cuts.events
            ],
        }
        for kind in kinds
    ]
    whole = {
        **_object("Timeline.1", f"{clean(source.name)}: {kind_of(timeline)}"),
        "global_start_time": None,
        "tracks": {**_object("Stack.1", "tracks"), "source_range": None, "children": tracks},
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _object(schema: str, name: str) -> dict[str, Any]:
    return {"OTIO_SCHEMA": schema, "name": name, "metadata": {}}


def _clip(event: Event, cuts: CutList, path: str, name: str) -> dict[str, Any]:
    return {
        **_object("Clip.1", event.name),
        "source_range": _range(cuts.begin + event.first, event.count, cuts.rate),
        "media_reference": {
            **_object("ExternalReference.1", name),
            "target_url": path,
            "available_range": _range(cuts.begin, cuts.total, cuts.rate),
        },
    }


def _range(start: int, count: int, rate: Fraction) -> dict[str, Any]:
    def time(frames: int) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "value": frames, "rate": float(rate)}

    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(start), "duration": time(count)}
