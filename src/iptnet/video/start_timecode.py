"""The camera's timecode of the first picture, from wherever a file keeps it.

QuickTime and MP4 have a track of timecode, of which the video need not know (some cameras never
link the two); MXF has it in its header, and Matroska and MP4 as a tag of the video or the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iptnet.rates import edit_rate, nearest
from iptnet.timecode import can_drop, exists, frame_of, frames_a_day, label_of, read_label
from iptnet.video.tmcd import Track, tracks

KEY = "timecode"
SHOWN = 40
"""Characters of a malformed timecode that a warning repeats."""


def start_timecode(reader: Any) -> tuple[dict[str, Any] | None, list[str]]:
    """Find the timecode of the first picture.

    Args:
        reader: the open file, a ``Reader``.

    Returns:
        The fields of a timeline's ``Timecode``, or ``None`` without one; and warnings about those
        that are malformed.
    """
    notes: list[str] = []
    for text, track in _candidates(reader):
        found = _read(text, track, float(reader.rate))
        if found is not None:
            return found, []
        notes.append(f"the file's timecode {text[:SHOWN]!r} is none and was ignored")
    return None, list(dict.fromkeys(notes))


def _candidates(reader: Any) -> Iterator[tuple[str, Track | None]]:
    """Timecodes with their tracks: the video's own, then those of data streams, then the file's."""
    container = reader.container
    quicktime = container.format.name.startswith("mov")
    known = tracks(reader.file) if quicktime and _texts(container) else {}
    streams = [s for s in container.streams if s.type == "data"]
    linked = _tag(reader.stream.metadata)
    if linked:
        # ffmpeg copies the label of the track that the video refers to.
        same = (known[s.id] for s in streams if s.id in known and _tag(s.metadata) == linked)
        yield linked, next(same, None)
    for stream in streams:
        if text := _tag(stream.metadata):
            yield text, known.get(stream.id)
    if text := _tag(container.metadata):
        yield text, None


def _texts(container: Any) -> bool:
    return any(_tag(s.metadata) for s in container.streams)


def _tag(metadata: dict[str, str]) -> str:
    """The tag's text; Matroska writes names of tags in capitals."""
    return next((v.strip() for k, v in metadata.items() if k.lower() == KEY), "")


def _read(text: str, track: Track | None, fps: float) -> dict[str, Any] | None:
    label = read_label(text)
    if label is None:
        return None
    # A tag says nothing of its rate: it counts as an editor would count the pictures.
    rate = track.rate if track is not None and 1 <= track.rate <= 1000 else edit_rate(fps)
    base = nearest(rate)
    drop = can_drop(base) and (track.drop if track is not None else label.drop)
    if not exists(label, base, drop):
        return None
    skipped = track.skipped if track is not None else 0
    first = (frame_of(label, base, drop) + skipped) % frames_a_day(base, drop)
    ratio = str(rate.numerator) if rate.denominator == 1 else f"{rate.numerator}/{rate.denominator}"
    return {"start": label_of(first, base, drop), "rate": ratio, "drop_frame": drop}
