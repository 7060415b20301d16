"""Charades-STA: ``video start end##sentence`` lines ("TALL", ICCV 2017), and videos' durations.

One line in seven ends after its video does, by up to 1.6 seconds. Published systems clip those, and
so does this loader, counting them; without durations the lines stand as they are, which is what
scoring against the text file needs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from iptnet.data.annotation_file import number, read_json, short, text_lines
from iptnet.data.moments import MAX_BAD, BadRowError, Ledger, MomentQuery, MomentSet, clipped_window
from iptnet.errors import InputError

OVERRUN = 2.0
"""Seconds by which an end may exceed its video and is clipped rather than rejected."""

NUMBER = r"[0-9]+(?:\.[0-9]*)?"
"""A time in seconds: no sign, no exponent, no nan."""

_LINE = re.compile(rf"\s*(\S+)\s+({NUMBER})\s+({NUMBER})\s*##(.*)", re.DOTALL)


def load_durations(path: Path) -> dict[str, float]:
    """Seconds of each video, from JSON ``{video: seconds}`` or ``{video: {"duration": seconds}}``.

    Raises:
        InputError: unreadable, of another shape, or a duration that is not a positive number.
    """
    raw = read_json(path)
    if not isinstance(raw, dict):
        raise InputError(f"{path} is not an object of durations by video", "check the file")
    durations = {}
    for video, value in raw.items():
        try:
            seconds = number(value.get("duration") if isinstance(value, dict) else value)
        except ValueError as error:
            raise InputError(f"{path}: {short(video)}: {error}", "check the file") from error
        if seconds <= 0:
            raise InputError(f"{path}: {short(video)} lasts {seconds:g} s", "check the file")
        durations[video] = seconds
    return durations


def load_charades(
    path: Path, durations: Mapping[str, float] | None = None, *, max_bad: float = MAX_BAD
) -> MomentSet:
    """Read a Charades-STA annotation file; each line is a query of its own, named by its number.

    Args:
        path: text, plain or gzip.
        durations: seconds of each video; with it, lines about other videos are rejected and ends
            up to 2 s beyond the video are clipped. ``None``: neither is known nor checked.
        max_bad: share of rejected rows from which on the file is refused.

    Raises:
        InputError: unreadable, or too many lines are unusable.
    """
    ledger, queries = Ledger(path), list[MomentQuery]()
    seen: dict[tuple[str, float, float, str], int] = {}
    for line, text in text_lines(path):
        with ledger.row(line):
            video, start, end, sentence = parse_line(text)
            duration = None
            if durations is not None:
                if video not in durations:
                    raise BadRowError("unknown video", short(video))
                duration = durations[video]
            key = (video, start, end, sentence)
            if key in seen:
                raise BadRowError("duplicate row", f"same as line {seen[key]}")
            span = clipped_window(start, end, duration, slack=OVERRUN, ledger=ledger)
            seen[key] = line
            queries.append(MomentQuery(line, video, sentence, (span,), duration, line=line))
    return ledger.close(queries, max_bad)


def parse_line(text: str) -> tuple[str, float, float, str]:
    """Video, start, end and sentence of one line.

    Raises:
        BadRowError: the line has another form.
    """
    parts = _LINE.fullmatch(text)
    if parts is None:
        raise BadRowError("not a Charades-STA line", short(text))
    start, end = float(parts[2]), float(parts[3])
    if not (math.isfinite(start) and math.isfinite(end)):
        raise BadRowError("not a Charades-STA line", "a time is not finite")
    sentence = parts[4].strip()
    if not sentence:
        raise BadRowError("empty text", "no sentence after ##")
    return parts[1], start, end, sentence
