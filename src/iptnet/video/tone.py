"""One tone map for all that a person or the model looks at: high dynamic range to BT.709.

The cut has it as filters of ffmpeg (zimg and ``tonemap``); sampled pictures, which are small, have
the same curves in NumPy, since the decoder's library was built without zimg. Light is linear with 1
at 100 cd/m², primaries become those of BT.709, Hable's curve bends what is too bright, by the
brightest of a pixel's three channels, so that hues stay, and a display of gamma 2.4 (BT.1886) shows
the result.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TRANSFERS = {16: "smpte2084", 18: "arib-std-b67"}
"""PQ and HLG, by their numbers in ITU-T H.273: what needs the map. All else is shown as it is."""
PRIMARIES = {1: "bt709", 9: "bt2020", 12: "smpte432"}
"""By their numbers in H.273; unmarked or other ones are taken for those of BT.2020."""
WHITE = 100.0
"""cd/m² that are 1 in linear light."""
PEAK = 10.0
"""The light that becomes white: 1000 cd/m². What a file says of its brightest light is not looked
at: it is often wrong, and zimg drops it on the way to ffmpeg's filter."""
LEVELS = 65_535

TO_709 = {
    "bt709": np.eye(3),
    "bt2020": np.array(
        [
            [1.6604910, -0.5876411, -0.0728499],
            [-0.1245505, 1.1328999, -0.0083494],
            [-0.0181508, -0.1005789, 1.1187297],
        ]
    ),
    "smpte432": np.array(
        [
            [1.2249402, -0.2249402, 0.0],
            [-0.0420570, 1.0420570, 0.0],
            [-0.0196376, -0.0786361, 1.0982735],
        ]
    ),
}
"""Linear light in other primaries to that in BT.709's (ITU-R BT.2087; all have the white D65)."""


@dataclass(frozen=True, slots=True)
class Light:
    """How a picture of high dynamic range is coded.

    Attributes:
        transfer: a name of :data:`TRANSFERS`.
        primaries: a name of :data:`PRIMARIES`.
        marked: whether the picture says itself how its colours become red, green and blue; else
            that is as in BT.2020.

    Raises:
        ValueError: an unknown name.
    """

    transfer: str
    primaries: str
    marked: bool

    def __post_init__(self) -> None:
        if self.transfer not in TRANSFERS.values() or self.primaries not in TO_709:
            raise ValueError(f"light coded as {self.transfer}, {self.primaries}")


def filters(light: Light) -> tuple[str, str]:
    """The map as filters of ffmpeg: what marks the picture, and what maps it."""
    marks = f"setparams=color_primaries={light.primaries}:color_trc={light.transfer}"
    if not light.marked:
        marks += ":colorspace=bt2020nc"
    return marks, (
        f"zscale=t=linear:npl={WHITE:g},format=gbrpf32le,zscale=p=bt709,"
        f"tonemap=hable:desat=0:peak={PEAK:g},zscale=t=bt709:m=bt709:r=tv"
    )


def picture_of(payload: bytes, shape: tuple[int, ...], light: Light | None) -> NDArray[np.uint8]:
    """Make a picture, (H, W, 3), of the child's bytes: two a channel where it is to be mapped."""
    if light is None:
        return np.frombuffer(payload, np.uint8).reshape(shape)
    return tone_mapped(np.frombuffer(payload, "<u2").reshape(shape), light)


def tone_mapped(picture: NDArray[np.uint16], light: Light) -> NDArray[np.uint8]:
    """Map a picture.

    Args:
        picture: (..., 3), red, green and blue as coded, 0 to 65535.
        light: how it is coded.

    Returns:
        the same shape, for a display of BT.709.
    """
    linear = _linear(light.transfer)[picture] @ TO_709[light.primaries].T.astype(np.float32)
    brightest = np.maximum(linear.max(axis=-1, keepdims=True), np.float32(1e-6))
    bent = _hable(brightest) / _hable(np.float32(PEAK))
    shown = np.clip(linear * (bent / brightest), 0, 1) ** np.float32(1 / 2.4)
    return np.asarray(shown * 255 + 0.5, np.uint8)


@functools.cache
def _linear(transfer: str) -> NDArray[np.float32]:
    """Light of each code value, 1 at 100 cd/m²."""
    code = np.arange(LEVELS + 1) / LEVELS
    if transfer == "smpte2084":  # SMPTE ST 2084
        m1, m2 = 2610 / 16384, 2523 / 4096 * 128
        c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
        power = code ** (1 / m2)
        light = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * 10_000
    else:  # ARIB STD-B67 at 1000 cd/m², the gamma of 1.2 on each channel, as zimg has it
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
        light = scene**1.2 * 1000
    return np.asarray(light / WHITE, np.float32)


def _hable(light: NDArray[np.float32] | np.float32) -> NDArray[np.float32]:
    """John Hable's curve (2010), as ffmpeg's filter ``tonemap`` has it."""
    a, b, c, d, e, f = 0.15, 0.50, 0.10, 0.20, 0.02, 0.30
    bent = (light * (light * a + b * c) + d * e) / (light * (light * a + b) + d * f) - e / f
    return np.asarray(bent, np.float32)
