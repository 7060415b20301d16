"""What one video may cost: the bounds that a hostile or broken file runs into."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one input; beyond one of them a ``LimitError`` names it.

    Attributes:
        max_bytes: size of the file.
        max_duration: seconds from the first picture to the end, declared or found while decoding.
        max_pixels: width × height of any picture; 8K by default.
        max_streams: streams in the container.
        memory: bytes of address space of the decoding child.
        cpu_seconds: processor time of the child.
        stall_seconds: wall-clock seconds without any sign of progress before the child is killed.
    """

    max_bytes: int = 64 << 30
    max_duration: float = 24 * 3600.0
    max_pixels: int = 8192 * 4320
    max_streams: int = 64
    memory: int = 3 << 30
    cpu_seconds: int = 6 * 3600
    stall_seconds: float = 60.0
