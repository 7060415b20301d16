"""What a video is: asked of the container, corrected by its first decoded picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from iptnet.timeline import Timecode
from iptnet.video.child import Child, check_file, misbehaviour
from iptnet.video.limits import Limits
from iptnet.video.tone import PRIMARIES, TRANSFERS, Light


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """One video stream, as a player shows it.

    Attributes:
        path: the file as named by the caller.
        container: ffmpeg's name of the container, ``mov`` for MP4.
        codec: ffmpeg's name of the codec, ``h264`` for example.
        duration: seconds from the first picture to the end of the last, as declared.
        frame_rate: mean rate in pictures a second, exact.
        width, height: in square pixels, upright.
        rotation: degrees clockwise that bring the stored picture upright: 0, 90, 180, 270.
        orientation: the same in full, mirroring included: swap the axes, then mirror the columns,
            then mirror the rows.
        n_frames: pictures as declared; ``None`` when the container does not say.
        start: container time of the first picture, in seconds.
        container_start: the same of whatever comes first, sound included; ffmpeg seeks from there.
        pixel_format, bit_depth: of the decoded picture.
        light: how it is coded if its dynamic range is high; ``None`` if not.
        audio_codec: codec of the sound, ``None`` without any that can be decoded.
        video_index, audio_index: stream numbers in the container.
        rates: every rate the container suggests.
        timecode: the camera's, of the first picture; ``None`` without one.
        warnings: what is odd about the file.
        others: how many tracks, covers, attached files and chapters it holds besides, by kind.
    """

    path: str
    container: str
    codec: str
    duration: float
    frame_rate: Fraction
    width: int
    height: int
    orientation: tuple[bool, bool, bool]
    n_frames: int | None
    start: float
    pixel_format: str
    bit_depth: int
    light: Light | None
    audio_codec: str | None
    video_index: int
    audio_index: int | None
    container_start: float = 0.0
    rates: tuple[Fraction, ...] = ()
    timecode: Timecode | None = None
    warnings: tuple[str, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def fps(self) -> float:
        """Mean rate in pictures a second."""
        return float(self.frame_rate)

    @property
    def hdr(self) -> bool:
        """Whether the dynamic range is high; sampled pictures and cuts are mapped to BT.709."""
        return self.light is not None

    @property
    def has_audio(self) -> bool:
        """Whether there is sound that can be decoded."""
        return self.audio_codec is not None

    @property
    def rotation(self) -> int:
        """Degrees clockwise that bring the stored picture upright."""
        swap, flip_x, flip_y = self.orientation
        if swap:
            return 90 if flip_x else 270
        return 180 if flip_x and flip_y else 0


def probe(
    path: str | Path, limits: Limits | None = None, *, child: Child | None = None
) -> VideoInfo:
    """Look into a file without decoding more than its first picture.

    Args:
        path: the file; its name is never read as an address, an option or a pattern.
        limits: bounds on the file.
        child: a decoding process to reuse; by default one is started for this call.

    Raises:
        InputError: missing, not a regular file, not a video, no picture that decodes.
        LimitError: beyond a limit.
    """
    if child is None:
        with Child(limits) as own:
            return probe(path, child=own)
    file = check_file(path, child.limits)
    records = list(child.ask("probe", file))
    return info_of(file, records[0][0])


def info_of(path: Path, header: dict[str, Any]) -> VideoInfo:
    """The info record of the child as :class:`VideoInfo`.

    Raises:
        InputError: it is no such record.
    """
    try:
        return _info_of(path, header)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise misbehaviour(path) from error


def _info_of(path: Path, header: dict[str, Any]) -> VideoInfo:
    return VideoInfo(
        path=str(path),
        container=str(header["container"]),
        codec=str(header["codec"]),
        duration=float(header["duration"]),
        frame_rate=Fraction(*header["frame_rate"]),
        width=int(header["width"]),
        height=int(header["height"]),
        orientation=tuple(header["orientation"]),
        n_frames=header["n_frames"],
        start=float(header["start"]),
        pixel_format=str(header["pixel_format"]),
        bit_depth=int(header["bit_depth"]),
        light=_light_of(header["light"]),
        audio_codec=header["audio_codec"],
        video_index=int(header["video_index"]),
        audio_index=header["audio_index"],
        container_start=float(header["container_start"]),
        rates=tuple(Fraction(*rate) for rate in header["rates"]),
        timecode=Timecode(**header["timecode"]) if header["timecode"] else None,
        warnings=tuple(header["notes"]),
        others={str(kind): int(count) for kind, count in header.get("others", {}).items()},
    )


def _light_of(raw: dict[str, Any] | None) -> Light | None:
    if raw is None:
        return None
    primaries = PRIMARIES.get(raw["primaries"], "bt2020")
    return Light(TRANSFERS[raw["transfer"]], primaries, bool(raw["marked"]))
