"""What other people's readers find in our files: segments as seconds of the source and of the cut.

OpenTimelineIO and its adapters, libavformat (through PyAV), lxml with a document type, csv.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from html import unescape
from pathlib import Path

import av
import opentimelineio as otio
from lxml import etree

from iptnet.outputs.timecode import drops_frames

DTD = Path(__file__).with_name("fcpxml.dtd")


@dataclass(frozen=True)
class Read:
    """A segment as a reader sees it; ``None`` for what its format does not say."""

    start: float | None
    end: float | None
    at: float | None = None
    until: float | None = None
    name: str | None = None


def read_csv(path: Path, _rate: Fraction) -> list[Read]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    # What LosslessCut demands of every row.
    assert rows and all(len(row) == 3 for row in rows)
    return [Read(float(start), float(end), name=name) for start, end, name in rows]


def read_edl(path: Path, rate: Fraction) -> list[Read]:
    timeline = otio.adapters.read_from_file(str(path), "cmx_3600", rate=float(rate))
    # The adapter ignores how the list says it counts, but not how it counts.
    assert ("FCM: DROP FRAME" in path.read_text("utf-8")) == drops_frames(rate)
    return _clips(timeline, names=False)


def read_otio(path: Path, _rate: Fraction) -> list[Read]:
    return _clips(otio.adapters.read_from_file(str(path)))


def _clips(timeline: otio.schema.Timeline, names: bool = True) -> list[Read]:
    tracks = [
        [
            Read(
                clip.source_range.start_time.to_seconds(),
                clip.source_range.end_time_exclusive().to_seconds(),
                clip.range_in_parent().start_time.to_seconds(),
                clip.range_in_parent().end_time_exclusive().to_seconds(),
                clip.name if names else None,
            )
            for clip in track
        ]
        for track in timeline.tracks
    ]
    assert all(isinstance(c, otio.schema.Clip) for track in timeline.tracks for c in track)
    assert all(track == tracks[0] for track in tracks)
    return tracks[0] if tracks else []


def read_fcpxml(path: Path, rate: Fraction) -> list[Read]:
    """Valid by the document type and by the rules that a document type cannot say."""
    document = etree.parse(str(path))
    with DTD.open("rb") as file:
        dtd = etree.DTD(file)
    assert dtd.validate(document), dtd.error_log
    root = document.getroot()
    frame, asset = root.find("resources/format"), root.find("resources/asset")
    sequence = root.find(".//sequence")
    unit = _seconds(frame.get("frameDuration"))
    assert unit == 1 / rate
    found, at = [], Fraction(0)
    for clip in root.iter("asset-clip"):
        offset, start, length = (_seconds(clip.get(k)) for k in ("offset", "start", "duration"))
        assert all((time / unit).denominator == 1 for time in (offset, start, length))
        assert offset == at and length > 0
        assert start + length <= _seconds(asset.get("duration"))
        at += length
        found.append(Read(*map(float, (start, start + length, offset, at)), name=clip.get("name")))
    assert at == _seconds(sequence.get("duration"))
    _adapter_agrees(path, rate, found)
    return found


def _adapter_agrees(path: Path, rate: Fraction, found: list[Read]) -> None:
    """OpenTimelineIO's adapter knows whole rates only and rounds down to their frames."""
    collection = otio.adapters.read_from_file(str(path), "fcpx_xml")
    (timeline,) = collection
    clips = list(timeline.find_clips())
    assert len(clips) == len(found)
    for clip, own in zip(clips, found, strict=True):
        start = clip.source_range.start_time.to_seconds()
        assert own.start is not None and own.end is not None
        assert -1e-6 <= own.start - start <= 1 / int(rate) + 1e-6
        length = clip.source_range.duration.to_seconds()
        assert -1e-6 <= own.end - own.start - length <= 1 / int(rate) + 1e-6


def _seconds(text: str) -> Fraction:
    found = re.fullmatch(r"(\d+)(?:/(\d+))?s", text)
    assert found, text
    return Fraction(int(found[1]), int(found[2] or 1))


def read_chapters(path: Path, _rate: Fraction) -> list[Read]:
    """Chapters of an ffmetadata file, or of any video."""
    with av.open(str(path)) as container:
        return [
            Read(
                float(c["start"] * c["time_base"]),
                float(c["end"] * c["time_base"]),
                name=c["metadata"].get("title", ""),
            )
            for c in container.chapters()
        ]


def read_vtt(path: Path, _rate: Fraction) -> list[Read]:
    found = []
    with av.open(str(path), format="webvtt") as container:
        for packet in container.demux():
            if packet.pts is not None and packet.duration:
                start = packet.pts * packet.time_base
                end = start + packet.duration * packet.time_base
                found.append(Read(float(start), float(end), name=unescape(bytes(packet).decode())))
    return found


def read_autoeditor(path: Path, rate: Fraction) -> list[Read]:
    """The rules of auto-editor's own reader of version 1; times at the rate it would find."""
    raw = json.loads(path.read_text("utf-8"))
    assert raw["version"] == "1" and isinstance(raw["source"], str) and raw["source"]
    last, at = 0, Fraction(0)
    found = []
    for start, end, speed in raw["chunks"]:
        assert type(start) is type(end) is int and type(speed) is float
        assert start == last and end > start and 0 <= speed <= 99999
        last = end
        if speed == 1:
            until = at + (end - start) / rate
            found.append(Read(*map(float, (start / rate, end / rate, at, until))))
            at = until
    return found


def read_ffconcat(path: Path, _rate: Fraction) -> list[Read]:
    """Times as written; libavformat opens the list when the video is there (see the tests)."""
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == "ffconcat version 1.0" and len(lines) % 3 == 1
    found = []
    for named, begin, end in zip(lines[1::3], lines[2::3], lines[3::3], strict=True):
        assert named.startswith("file '")
        found.append(
            Read(float(begin.removeprefix("inpoint ")), float(end.removeprefix("outpoint ")))
        )
    return found


def recorded(
    read: Callable[[Path, Fraction], list[Read]],
) -> Callable[[Path, Fraction], list[Read]]:
    """For chapters of the summary: what the reader calls start is time of the cut."""
    return lambda path, rate: [Read(None, None, r.start, r.end, r.name) for r in read(path, rate)]


READERS: Mapping[str, Callable[[Path, Fraction], list[Read]]] = {
    "csv": read_csv,
    "edl": read_edl,
    "fcpxml": read_fcpxml,
    "otio": read_otio,
    "vtt": read_vtt,
    "vtt-summary": recorded(read_vtt),
    "ffmetadata": read_chapters,
    "ffmetadata-summary": recorded(read_chapters),
    "auto-editor": read_autoeditor,
    "ffconcat": read_ffconcat,
}
"""By the name of the format; the timeline itself and the drawing have tests of their own."""
