"""What a container says of its video, corrected by the first picture that really decodes."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from iptnet.video.reader import Reader
from iptnet.video.refusals import RefusalError
from iptnet.video.start_timecode import start_timecode

OTHERS = frozenset({"video", "audio", "subtitle", "data", "attachment"})
ATTACHED_PICTURE = 0x400
"""FFmpeg's flag of a cover that is stored as a video stream."""
CHAPTER_HANDLERS = frozenset({"SubtitleHandler", "Apple Text Media Handler", "TextHandler"})
HDR_TRANSFERS = (16, 18)  # PQ and HLG, by their numbers in ITU-T H.273
UNMARKED = (0, 2, 3)  # numbers of H.273 that name nothing; 0 names a matrix, but that of RGB
MAX_SHAPE = 16  # a stretched pixel beyond this is a broken header


def describe(reader: Reader) -> dict[str, Any]:
    """Decode the first picture and tell everything that ``VideoInfo`` holds.

    Raises:
        RefusalError: nothing decodes, or the declared duration is beyond the limit and true.
    """
    stream, container = reader.stream, reader.container
    picture = next(reader.pictures(), None)
    if picture is None:
        raise RefusalError("input", "has no picture that can be decoded")
    frame = picture.frame
    swap, flip_x, flip_y = orientation(frame)
    width, height = _square(frame.width, frame.height, stream.sample_aspect_ratio)
    if swap:
        width, height = height, width
    if frame.format.components:
        depth = max(component.bits for component in frame.format.components)
    else:
        depth = 8
    audio = _audio(container)
    notes: list[str] = []
    duration = _declared(reader)
    start = reader.first or 0
    if duration is None or duration > reader.limits["max_duration"]:
        said = "no" if duration is None else "an impossible"
        notes.append(f"the container declares {said} duration; measured from its packets")
        duration = _measured(reader)
    elif stream.frames and duration * 1000 < stream.frames:
        notes.append(f"the container declares {stream.frames} frames in {float(duration):.3g} s")
    if duration > reader.limits["max_duration"]:
        limit = reader.limits["max_duration"]
        raise RefusalError("limit", f"lasts {float(duration):.0f} s, more than {limit:g} s")
    rate = reader.rate
    timecode, odd = start_timecode(reader)
    return {
        "container": container.format.name.split(",")[0],
        "codec": stream.codec_context.codec.canonical_name,
        "duration": float(duration),
        "frame_rate": [rate.numerator, rate.denominator],
        "rates": [
            [r.numerator, r.denominator]
            for r in (stream.average_rate, stream.base_rate, stream.guessed_rate)
            if r is not None and 0 < r <= 1000
        ],
        "width": width,
        "height": height,
        "orientation": [swap, flip_x, flip_y],
        "n_frames": stream.frames or None,
        "start": float(start * reader.tick),
        "container_start": (container.start_time or 0) / 1_000_000,
        "pixel_format": frame.format.name,
        "bit_depth": depth,
        "light": _light(reader, frame),
        "audio_codec": audio.codec_context.codec.canonical_name if audio is not None else None,
        "audio_index": audio.index if audio is not None else None,
        "video_index": stream.index,
        "others": _others(container, stream, audio),
        "timecode": timecode,
        "notes": [*notes, *odd],
    }


def orientation(frame: Any) -> tuple[bool, bool, bool]:
    """How to bring a picture upright: swap its axes, then mirror columns, then mirror rows.

    The display matrix maps (x, y) to (a·x + c·y, b·x + d·y), in 16.16 fixed point.
    """
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # side data of a kind that PyAV does not know
        data = None
    if data is None:
        return False, False, False
    values = memoryview(bytes(data)[:36]).cast("i")
    a, b, c, d = values[0], values[1], values[3], values[4]
    if abs(b) + abs(c) > abs(a) + abs(d):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def _light(reader: Reader, frame: Any) -> dict[str, Any] | None:
    """How a picture of high dynamic range is coded; ``None`` for any other."""
    # Some decoders forget what the container says when the stream itself says nothing.
    transfer, primaries = (
        int(own) if int(own) not in UNMARKED else told
        for own, told in zip((frame.color_trc, frame.color_primaries), reader.told, strict=True)
    )
    if transfer not in HDR_TRANSFERS:
        return None
    marked = frame.format.is_rgb or int(frame.colorspace) not in UNMARKED
    return {"transfer": transfer, "primaries": primaries, "marked": marked}


def _square(width: int, height: int, shape: Fraction | None) -> tuple[int, int]:
    """Size with square pixels: the narrower side is stretched, none is shrunk."""
    if not shape or not Fraction(1, MAX_SHAPE) <= shape <= MAX_SHAPE:
        return width, height
    if shape >= 1:
        return max(1, round(width * shape)), height
    return width, max(1, round(height / shape))


def _audio(container: Any) -> Any:
    stream = container.streams.best("audio")
    return stream if stream is not None and stream.codec_context is not None else None


def _others(container: Any, video: Any, audio: Any) -> dict[str, int]:
    """Count what a file holds besides the picture and the sound that are used, by kind."""
    kept = {video.index} | ({audio.index} if audio is not None else set())
    chapters = len(container.chapters())
    counts: Counter[str] = Counter(chapter=chapters)
    for stream in container.streams:
        if stream.index in kept or stream.type not in OTHERS:
            continue
        if stream.type == "data" and _is_help(stream, chapters > 0):
            continue
        attached = stream.type == "video" and int(stream.disposition) & ATTACHED_PICTURE
        sound = "further audio" if audio is not None else "audio"
        counts["picture" if attached else sound if stream.type == "audio" else stream.type] += 1
    return {kind: count for kind, count in counts.items() if count}


def _is_help(stream: Any, chapters: bool) -> bool:
    """Tell a track that only carries the timecode, or the chapters' names, in MOV and MP4."""
    handler = stream.metadata.get("handler_name", "")
    return "timecode" in stream.metadata or (chapters and handler in CHAPTER_HANDLERS)


def _declared(reader: Reader) -> Fraction | None:
    """Seconds from the first picture to the end as the container has it."""
    stream, first = reader.stream, reader.first or 0
    if stream.duration:
        begin = stream.start_time if stream.start_time is not None else first
        ticks = stream.duration - max(0, first - begin)
        return Fraction(max(ticks, 1) * reader.tick)
    if reader.container.duration:
        begin_us = reader.container.start_time or 0
        late = first * reader.tick - Fraction(begin_us, 1_000_000)
        seconds = Fraction(reader.container.duration, 1_000_000) - max(late, Fraction(0))
        return seconds if seconds > 0 else None
    return None


def _measured(reader: Reader) -> Fraction:
    """The same from the last packet."""
    last = reader.first or 0
    for packet in reader.packets([reader.stream]):
        if packet.pts is not None:
            last = max(last, packet.pts + (packet.duration or reader.nominal))
    return max((last - (reader.first or 0)), reader.nominal) * reader.tick
