"""Timelines to write, from plain to hostile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.timeline import Curve, Keyshot, Moment, Shot, Source, Timeline

HOSTILE = (
    "<script>alert(1)</script>.mp4",
    "\"quoted' & <b>bold</b>]]>-->.mp4",
    "\u202egpj.exe\u2066 שלום مرحبا.mp4",
    "nul\x00bell\x07esc\x1b[31m\x9f.mp4",
    "bytes\udcff\udc80.mp4",
    "猫" * 85,
    "x" * 255,
    "{{7*7}} ${jndi:ldap://x} %s %n.mp4",
    "\ufffe\uffff",
)


def timeline(
    keyshots: int = 4, name: str = "film.mp4", size: tuple[int, int] = (640, 360), **changes: Any
) -> Timeline:
    """A video of ten-second shots, every second one selected for its first six seconds."""
    count = 2 * keyshots
    duration = 10.0 * (count or 8)
    times = np.arange(0, duration, 0.5)
    values = 0.5 + 0.4 * np.sin(times / 7)
    whole = {
        "source": Source(f"/home/me/{name}", name, "ab" * 32, duration, 25.0, *size),
        "importance": Curve(tuple(times.tolist()), tuple(values.tolist())),
        "shots": tuple(
            Shot(10.0 * k, 10.0 * k + 10, score=0.5, selected=k % 2 == 0) for k in range(count)
        ),
        "keyshots": tuple(
            Keyshot(20.0 * k, 20.0 * k + 6, score=0.3 + 0.6 * k / max(keyshots, 1))
            for k in range(keyshots)
        ),
        "recipe": {"name": "lite", "width": 256},
        "checkpoint": {"kind": "summarization", "digest": "cd" * 32, "config": {"heads": 8}},
    }
    return Timeline(**{**whole, **changes})  # type: ignore[arg-type]


def answered(
    *queries: str, each: int = 3, confidence: float | None = 0.8, **changes: Any
) -> Timeline:
    """The moments of sentences, as ``iptnet find`` makes them: no shots, no keyshots."""
    moments = tuple(
        Moment(8.0 * k + n, 8.0 * k + n + 5, query, 0.9 - k / 10, confidence)
        for n, query in enumerate(queries)
        for k in range(each)
    )
    return timeline(0, **{"shots": (), "moments": moments, **changes})


def hostile(name: str) -> Timeline:
    """The same name in every text."""
    return timeline(
        name=name,
        moments=(Moment(3.0, 9.0, name, 0.9), Moment(1.0, 2.0, "plain", 0.5)),
        warnings=(name,),
        recipe={name: name},
        checkpoint={"kind": name, "config": {name: [name]}},
    )


def sourced(
    duration: float, fps: float, *, start: float = 0.0, audio: bool | None = True
) -> Timeline:
    """A video of a given length and rate, with nothing chosen from it."""
    source = Source(
        "/home/me/film.mov", "film.mov", "ab" * 32, duration, fps, 1280, 720, start, audio
    )
    return Timeline(source, Curve((0.0,), (0.5,)))


def coloured(times: Sequence[float]) -> list[NDArray[np.uint8]]:
    """A picture a time whose red channel is the time."""
    return [np.full((90, 160, 3), (int(t) % 256, 40, 200), np.uint8) for t in times]
