"""Random timelines come back from other people's readers within one frame, and add up."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iptnet.outputs.autoeditor import timebase
from iptnet.outputs.exports import FORMATS
from iptnet.rates import USUAL, edit_rate
from iptnet.timeline import Keyshot, Moment, Timeline
from tests.outputs.readers import READERS, Read
from tests.outputs.timelines import sourced

ROUNDED = 1.6e-3
"""Seconds: WebVTT has milliseconds, and concat lists keep a millisecond inside."""

counts = st.lists(st.integers(1, 4000), min_size=2, max_size=24)


def built(
    rate: Fraction, lengths: list[int], *, start: float = 0.0, moments: bool = False
) -> Timeline:
    """Every second of the lengths (in frames of ``rate``) is a keyshot."""
    spans, at = [], 0
    for number, length in enumerate(lengths):
        if number % 2:
            spans.append((float(at / rate), float((at + length) / rate)))
        at += length
    made = sourced(float(at / rate), float(rate), start=start)
    if moments:
        found = tuple(Moment(a, b, "a dog", 0.5) for a, b in reversed(spans))
        return Timeline(made.source, made.importance, moments=found)
    return Timeline(
        made.source, made.importance, keyshots=tuple(Keyshot(a, b, 0.5) for a, b in spans)
    )


def read_back(timeline: Timeline, name: str) -> list[Read]:
    rate = edit_rate(timeline.source.fps)
    if name == "auto-editor":
        rate = timebase(timeline.source.fps)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{FORMATS[name].suffix}"
        FORMATS[name].write(timeline, path)
        return READERS[name](path, rate)


def check(timeline: Timeline, name: str, frame: float) -> list[Read]:
    """Starts and ends within ``frame`` seconds; the summary runs on without gaps and adds up."""
    spans = [(k.start, k.end) for k in timeline.keyshots] or [
        (m.start, m.end) for m in timeline.moments
    ]
    if name in {"vtt", "ffmetadata", "auto-editor"}:
        spans.sort()
    found = read_back(timeline, name)
    assert len(found) == len(spans)
    shift = timeline.source.start if name == "ffconcat" else 0
    at = 0.0
    for (start, end), read in zip(spans, found, strict=True):
        if read.start is not None and read.end is not None:
            assert abs(read.start - shift - start) <= frame + ROUNDED
            assert abs(read.end - shift - end) <= frame + ROUNDED
        if read.at is not None and read.until is not None:
            assert abs(read.at - at) <= ROUNDED
            # Half a frame at its start, and at the end of the video a whole one.
            assert abs(read.until - read.at - (end - start)) <= 1.5 * frame + ROUNDED
            at = read.until
    if found and found[0].until is not None:
        total = sum(end - start for start, end in spans)
        assert abs(at - total) <= 1.5 * frame * len(spans) + ROUNDED
    return found


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=20)
@given(st.sampled_from(USUAL), counts, st.sampled_from((0.0, 1.4, 0.033)))
@example(Fraction(30000, 1001), [1797, 4, 16180, 3, 1, 1], 0.0)
def test_on_the_grid_nothing_moves(
    name: str, rate: Fraction, lengths: list[int], start: float
) -> None:
    """Keyshots on the frames of a usual rate come back as they are, rounding of decimals apart."""
    timeline = built(rate, lengths, start=start)
    # CSV, chapters and lists have decimals; frames of editors are exact. auto-editor counts 47.952
    # at 47.95.
    own = timebase(float(rate)) if name == "auto-editor" else rate
    frame = 0.0 if own == rate else 1 / float(rate)
    for read, keyshot in zip(check(timeline, name, frame), timeline.keyshots, strict=True):
        if name in {"edl", "otio", "fcpxml"} and read.start is not None:
            assert read.start == pytest.approx(keyshot.start, abs=1e-6)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=20)
@given(
    st.floats(1, 240),
    st.lists(st.floats(0.05, 400), min_size=2, max_size=12),
)
def test_anywhere_within_a_frame(name: str, fps: float, lengths: list[float]) -> None:
    """Variable rates: any mean, ends anywhere."""
    spans, at = [], 0.0
    if name == "auto-editor":
        # Its frames are the source's, and one plays once: shorter segments would become one.
        lengths = [max(length, 2 / fps) for length in lengths]
    for number, length in enumerate(lengths):
        if number % 2:
            spans.append(Keyshot(at, at + length, 0.5))
        at += length
    made = sourced(at, fps)
    timeline = Timeline(made.source, made.importance, keyshots=tuple(spans))
    rate = timebase(fps) if name == "auto-editor" else edit_rate(fps)
    check(timeline, name, 1 / float(rate))


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=5)
@given(st.sampled_from(USUAL), counts)
def test_moments_stand_in_for_keyshots(name: str, rate: Fraction, lengths: list[int]) -> None:
    own = timebase(float(rate)) if name == "auto-editor" else rate
    found = check(built(rate, lengths, moments=True), name, 0.0 if own == rate else 1 / float(rate))
    if found[0].name is not None:
        first = len(found) if name in {"vtt", "ffmetadata"} else 1
        assert found[0].name == f"a dog ({first})"
