"""A Gaussian along the last axis: scipy's, bit for bit, without the time to import scipy."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

REACH = 4.0
"""Deviations to either side at which the kernel ends, as in ``scipy.ndimage``."""

Rim = Literal["symmetric", "edge"]
"""What lies beyond the ends: the values mirrored, or the outermost one again (scipy's ``reflect``
and ``nearest``)."""


def gaussian(values: ArrayLike, deviation: float, rim: Rim = "symmetric") -> NDArray[np.float64]:
    """Smooth along the last axis.

    Args:
        values: (…, T), T ≥ 1.
        deviation: of the Gaussian, in steps.
        rim: what lies beyond the ends.
    """
    rows = np.asarray(values, np.float64)
    T, reach = rows.shape[-1], int(REACH * deviation + 0.5)
    kernel = np.exp(-0.5 / (deviation * deviation) * np.arange(-reach, reach + 1) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(reach, reach)], mode=rim)
    smooth = padded[..., reach : reach + T] * kernel[reach]
    for k in range(reach, 0, -1):  # scipy's order, from the rim of the kernel inwards
        both = padded[..., reach - k : reach - k + T] + padded[..., reach + k : reach + k + T]
        smooth += both * kernel[reach + k]
    return np.asarray(smooth)
