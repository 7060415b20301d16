"""Damaged videos by the thousand through the real decoding code: ``python -m tests.fuzz.media``.

One decoding child serves many cases, which makes a case cost milliseconds; the parent knows which
one was on when a child dies, starts another, and goes on. Whatever a file holds, what comes out
must be pictures at true times, with a warning where some are missing, or one of our refusals.
Video carries no checksums: a flipped bit that still decodes shows as a wrong picture, and neither
ffmpeg nor we can tell; nor does damage in pictures that nobody looks at matter to the result.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from iptnet.errors import InputError, LimitError, UsageError
from iptnet.timeline import Span
from iptnet.video import cut as cutting
from iptnet.video import frames, probe
from iptnet.video.child import Child
from iptnet.video.limits import Limits
from tests.video.making import convert, make, number_of

RATE = 25
SELDOM = 5
"""A rate at which pictures are left out, where the file has some that no other refers to."""
COUNT = 40
SIZE = (32, 60)
LIMITS = Limits(stall_seconds=20, max_duration=600, max_pixels=1 << 20, memory=1 << 30)

CODECS = {
    "vp8.webm": ("libvpx", "yuv420p", {}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "hevc.mp4": ("libx265", "yuv420p", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    "av1.mp4": ("libsvtav1", "yuv420p", {"preset": "12"}),
    "mpeg2.ts": ("mpeg2video", "yuv420p", {}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {}),
    "flash.flv": ("flv1", "yuv420p", {}),
    "moving.gif": ("gif", "rgb8", {}),
}

# Files that say at their beginning how much is to come. The others do not, or not to be relied on
# (AVI counts empty packets), and cut at a picture's border they are whole files.
ANNOUNCED = {"first.mp4", "last.mp4", "hevc.mp4", "av1.mp4", "h264.mkv", "between.mp4"}
COPY = ("-c", "copy", "-fflags", "+bitexact")
DISORDER = 4  # pictures of between.mp4 that may come before one that is shown earlier


def seeds(folder: Path, names: Sequence[str] | None = None) -> dict[str, bytes]:
    """Small good videos by name: H.264 in several containers, and other codecs.

    ``between.mp4`` has three pictures in four that no other refers to.
    """
    last = make(folder / "last.mp4", COUNT, size=SIZE, options={"crf": "40"}, gop=10)
    made = {"last.mp4": last}
    copies = {
        "first.mp4": ("-movflags", "+faststart"),
        "pieces.mp4": ("-movflags", "frag_keyframe+empty_moov"),
        **{f"h264.{kind}": () for kind in ("mkv", "ts", "avi")},
    }
    for name, options in copies.items():
        if names is None or name in names:
            made[name] = convert(last, folder / name, *COPY, *options)
    if names is None or "between.mp4" in names:
        apart = {"preset": "medium", "crf": "40"}
        apart |= {"x264-params": "bframes=3:b-adapt=0:b-pyramid=none:scenecut=0"}
        whole = make(folder / "between.mov", COUNT, size=SIZE, options=apart, gop=20)
        made["between.mp4"] = convert(
            whole, folder / "between.mp4", "-c", "copy", *copies["first.mp4"]
        )
    for name, (codec, pixels, options) in CODECS.items():
        if names is None or name in names:
            made[name] = make(
                folder / name, COUNT, size=SIZE, codec=codec, pixels=pixels, options=options
            )
    return {name: path.read_bytes() for name, path in made.items()}


@dataclass(frozen=True)
class Case:
    """A damaged file, and what was done to it.

    Attributes:
        name: what was done.
        suffix: of the file.
        data: all of it.
        cut_short: nothing else was done, so that what is left must be as it was.
        counted: the damage cannot have taken away what says how much there was.
        rate: samples a second to take.
        disorder: pictures before the end of which some may be missing.
    """

    name: str
    suffix: str
    data: bytes
    cut_short: bool = False
    counted: bool = False
    rate: int = RATE
    disorder: int = 1


def truncations(name: str, data: bytes, step: int, rate: int = RATE) -> Iterator[Case]:
    """The file up to every ``step``-th byte."""
    for n in range(1, len(data), step):
        yield _cut_to(n, name, data, rate, exact=True)


def _cut_to(n: int, name: str, data: bytes, rate: int, *, exact: bool) -> Case:
    told = f"{name}: {n} of {len(data)} bytes, {rate} samples a second"
    disorder = DISORDER if name == "between.mp4" else 1
    suffix, counted = Path(name).suffix, name in ANNOUNCED
    return Case(told, suffix, data[:n], exact, counted, rate=rate, disorder=disorder)


def flips(name: str, data: bytes, rng: np.random.Generator) -> Iterator[Case]:
    """Without end: one to eight bits flipped, every second time in the first tenth."""
    plain, pictures = np.frombuffer(data, np.uint8), _pictures(name, data)
    for number in itertools.count():
        broken = plain.copy()
        n = int(rng.integers(1, 9))
        at = rng.integers(0, len(data) // (10 if number % 2 else 1), n)
        broken[at] ^= (1 << rng.integers(0, 8, n)).astype(np.uint8)
        told = f"{name}: bits flipped in bytes {sorted(at.tolist())}"
        within = pictures.start <= at.min() and at.max() < pictures.stop
        suffix, rate = Path(name).suffix, (RATE, SELDOM)[number // 2 % 2]
        yield Case(told, suffix, broken.tobytes(), counted=bool(within), rate=rate)


def _pictures(name: str, data: bytes) -> range:
    """Where an MP4 has its pictures; damage elsewhere may change what it announces."""
    if name not in ANNOUNCED or not name.endswith(".mp4"):
        return range(0)
    begin = data.index(b"mdat") + 4
    return range(begin, begin - 8 + int.from_bytes(data[begin - 8 : begin - 4], "big"))


def mutations(name: str, data: bytes, other: bytes, rng: np.random.Generator) -> Iterator[Case]:
    """Without end: stretches removed, repeated, blanked or swapped in, and sizes made extreme."""
    for number in itertools.count():
        broken, told = bytearray(data), []
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(0, len(broken)))
            length = int(2 ** rng.uniform(0, 10))
            kind = ("remove", "repeat", "blank", "noise", "splice", "number")[rng.integers(6)]
            told.append(f"{kind} {length} at {at}")
            stretch = bytes(broken[at : at + length])
            match kind:
                case "remove":
                    del broken[at : at + length]
                case "repeat":
                    broken[at:at] = stretch
                case "blank":
                    broken[at : at + length] = bytes(len(stretch))
                case "noise":
                    broken[at : at + length] = rng.bytes(len(stretch))
                case "splice":
                    begin = int(rng.integers(0, len(other)))
                    broken[at : at + length] = other[begin : begin + length]
                case "number":
                    value = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF)[rng.integers(6)]
                    broken[at : at + 4] = value.to_bytes(4, "big")
        title, rate = f"{name} case {number}: {', '.join(told)}", (RATE, SELDOM)[number % 2]
        yield Case(title, Path(name).suffix, bytes(broken), rate=rate)


@dataclass
class Harness:
    """Runs cases with one decoding child after the other; use as a context manager.

    Attributes:
        told: how many were whole, partial (with a warning) or refused.
        died: cases that ended a child; each was still a refusal or a partial result of ours.
        wrong: cases with any other outcome.
    """

    folder: Path
    limits: Limits = LIMITS
    told: Counter[str] = field(default_factory=Counter)
    died: list[Case] = field(default_factory=list)
    wrong: list[tuple[Case, str]] = field(default_factory=list)
    start: Callable[[Limits], Any] = Child

    def __enter__(self) -> Harness:
        self.child = self.start(self.limits)
        return self

    def __exit__(self, *_: object) -> None:
        self.child.close()

    def run(self, case: Case, more: Callable[[Path], None] | None = None) -> str:
        """Judge one case, and perhaps by something more, and count it."""
        path = self.folder / f"case{case.suffix}"
        path.write_bytes(case.data)
        if self.child.process.poll() is not None:
            self.child.close()
            self.child = self.start(self.limits)
        kept = _Kept(self.child)
        try:
            with patch.object(frames, "Child", lambda _: kept):
                outcome = judged(path, case)
            if more is not None:
                more(path)
        except Exception as error:
            outcome = "wrong"
            self.wrong.append((case, f"{type(error).__name__}: {error}"))
        self.told[outcome] += 1
        if kept.ended:
            self.died.append(case)
        return outcome


class _Kept:
    """A child that outlives the stream which was given it."""

    def __init__(self, child: Child) -> None:
        self._child, self.limits = child, child.limits
        self.process = child.process

    def ask(self, *arguments: Any, **more: Any) -> Iterator[tuple[dict[str, Any], bytes]]:
        return self._child.ask(*arguments, **more)

    def close(self) -> None:
        """Not yet."""

    @property
    def ended(self) -> bool:
        """Whether the process has died."""
        return self.process.poll() is not None


def judged(path: Path, case: Case) -> str:
    """``whole``, ``partial`` or ``refused``.

    Raises:
        AssertionError: a result that is none of these.
    """
    times: list[float] = []
    shown: list[float] = []
    numbers: list[int] = []
    try:
        stream = frames.sample_frames(path, case.rate, SIZE)
        for batch in stream:
            times += batch.times.tolist()
            shown += batch.shown.tolist()
            numbers += [number_of(picture) for picture in batch.images]
    except (InputError, LimitError) as error:
        assert str(path) in error.cause and "()" not in error.cause, str(error)
        assert isinstance(error, InputError) or not case.cut_short, str(error)
        return "refused"
    assert len(times) >= 1, "neither pictures nor a refusal"
    assert times == [k / case.rate for k in range(len(times))], "samples are not evenly spaced"
    assert all(-1e-9 <= s <= t + 0.001 for s, t in zip(shown, times, strict=True)), "shown early"
    assert times[-1] < stream.duration + 1e-6, "samples beyond the end"
    assert stream.duration <= LIMITS.max_duration + 1, "longer than the limit"
    missing = case.counted and stream.n_frames < COUNT
    assert stream.warnings or not missing, f"{stream.n_frames} frames and no warning"
    if case.cut_short:
        # The packet that was cut may be concealed; what came before it is as it was.
        sure = [k * RATE // case.rate for k in range(len(numbers))]
        sure = [number for number in sure if number < stream.n_frames - case.disorder]
        assert numbers[: len(sure)] == sure, f"wrong pictures: {numbers}"
    return "partial" if stream.warnings else "whole"


def survey(path: Path) -> None:
    """The other ways in, each to a result or a refusal: a probe, single pictures, a cut."""
    with contextlib.suppress(InputError, LimitError):
        probe.probe(path, LIMITS)
    with contextlib.suppress(InputError, LimitError):
        found = frames.frames_at(path, [0.0, 0.7, 1e4], size=SIZE, limits=LIMITS)
        assert len(found) == 3
    out = path.with_name("cut.mp4")
    with contextlib.suppress(InputError, LimitError, UsageError):  # it may end before the span
        done = cutting.cut(path, [Span(0.0, 0.2), Span(0.4, 0.8)], out, limits=LIMITS)
        assert out.is_file() and done.n_frames >= 1
    out.unlink(missing_ok=True)


def endless(folder: Path, seed: int) -> Iterator[Case]:
    """Cases of every kind and file in turn."""
    rng = np.random.default_rng(seed)
    files = seeds(folder)
    names = list(files)
    sources: list[Iterator[Case]] = []
    for at, name in enumerate(names):
        sources.append(flips(name, files[name], rng))
        sources.append(mutations(name, files[name], files[names[at - 1]], rng))
        sources.append(_cut_anywhere(name, files[name], rng))
    for source in itertools.cycle(sources):
        yield next(source)


def _cut_anywhere(name: str, data: bytes, rng: np.random.Generator) -> Iterator[Case]:
    while True:
        n, rate = int(rng.integers(1, len(data))), int(rng.choice((RATE, SELDOM)))
        exact = name in {"first.mp4", "last.mp4", "between.mp4"}
        yield _cut_to(n, name, data, rate, exact=exact)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run cases for some seconds; keep what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the cases that went wrong")
    options = parser.parse_args(arguments)
    until = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as name, Harness(Path(name)) as harness:
        for number, case in enumerate(endless(Path(name), options.seed)):
            harness.run(case, survey if number % 50 == 0 else None)
            if time.monotonic() > until:
                break
    for number, (case, why) in enumerate(harness.wrong):
        print(f"WRONG {case.name}: {why}")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{number}{case.suffix}").write_bytes(case.data)
    for case in harness.died:
        print(f"the decoder died, and was told of: {case.name}")
    print(f"media: seed {options.seed}, {sum(harness.told.values())} cases: {dict(harness.told)}")
    return 1 if harness.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
