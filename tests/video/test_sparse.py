"""Pictures left out while decoding change no sample, and hide no cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from iptnet.video import reader as reader_module
from iptnet.video import sampling, sparse
from iptnet.video.about import describe
from iptnet.video.limits import Limits
from iptnet.video.reader import Reader

SIZE = (48, 64)


def film(
    path: Path, stamps: list[int], cuts: tuple[int, ...] = (), options: dict[str, str] | None = None
) -> Path:
    """A pattern that drifts, another after each cut; stamps in hundredths of a second."""
    waves = np.random.default_rng(0).uniform(0.03, 0.2, (len(cuts) + 1, 2, 3))
    y, x = (axis[:, :, None] for axis in np.mgrid[:96, :128])
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 100)
        stream.options = {"preset": "fast", "bf": "3", "crf": "24"} | (options or {})
        for k, stamp in enumerate(stamps):
            down, right = waves[sum(k >= cut for cut in cuts)]
            picture = (128 + 120 * np.sin(down * y + right * x + k / 40)).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = stamp, Fraction(1, 100)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


class Told:
    """Stands for the pipe; remembers what was told."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes]] = []

    def record(self, header: dict[str, Any], payload: bytes = b"") -> None:
        self.records.append((json.dumps(header), payload))

    def beat(self, position: float) -> None:
        pass


@pytest.fixture
def decode(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[Any], Any, int]]:
    """Samples of a file, what the end says, and how many pictures were looked at."""
    monkeypatch.setattr(reader_module, "freeze_descriptors", lambda highest: None)

    def run(path: Path, plain: bool = False, **request: Any) -> tuple[list[Any], Any, int]:
        seen: list[int] = []

        class Counting(sparse.Sparse):
            def pictures(self) -> Iterator[Any]:
                for picture in super().pictures():
                    seen.append(picture.index)
                    yield picture

        limits = asdict(Limits())
        reader = Reader(str(path), limits)
        info = describe(reader)
        reader.reopen()
        out: Any = Told()
        with monkeypatch.context() as patch:
            patch.setattr(sparse, "Sparse", Counting)
            if plain:
                patch.setattr(sparse, "may_skip", lambda *_: False)
            job = sampling.at if "times" in request else sampling.sample
            job(out, reader, info, {"size": SIZE, "rate": "2", "limits": limits} | request)
        end = (reader.count, reader.end, dict(reader.warnings), reader.stopped)
        reader.close()
        return out.records, end if "times" not in request else None, len(seen)

    return run


EVEN = list(range(0, 1200, 4))
UNEVEN = sorted(
    {int(400 * (1 - np.cos(k / 60))) + k // 3 * 4 + 900 * (k > 150) for k in range(300)}
)


def without_cuts(records: list[tuple[str, bytes]]) -> list[tuple[dict[str, Any], bytes]]:
    """Where no cut is, the largest change may be found in another picture."""
    heads = [
        {k: v for k, v in json.loads(h).items() if k not in {"cut", "change"}} for h, _ in records
    ]
    return list(zip(heads, (pixels for _, pixels in records), strict=True))


@pytest.mark.parametrize("stamps", [EVEN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    "options",
    [{}, {"x264-params": "open-gop=1:keyint=40:scenecut=0"}, {"x264-params": "b-pyramid=none"}],
    ids=["usual", "open", "flat"],
)
def test_samples_have_the_same_bits(
    tmp_path: Path, decode: Any, stamps: list[int], suffix: str, options: dict[str, str]
) -> None:
    path = film(tmp_path / f"a{suffix}", stamps, (100, 201), options)
    expected, end, none = decode(path, plain=True)
    found, same_end, seen = decode(path)
    assert none == 0 < seen < 0.8 * len(stamps)
    assert without_cuts(found) == without_cuts(expected)
    assert same_end == end
    assert len({pixels for _, pixels in found}) > 10


@pytest.mark.parametrize("rate", ["1/3", "7", "25"])
def test_any_rate(tmp_path: Path, decode: Any, rate: str) -> None:
    path = film(tmp_path / "a.mp4", EVEN)
    found, expected = decode(path, rate=rate)[0], decode(path, plain=True, rate=rate)[0]
    assert without_cuts(found) == without_cuts(expected)


@pytest.mark.parametrize("cut", range(60, 68))
def test_a_cut_among_pictures_left_out_is_found_to_the_frame(
    tmp_path: Path, decode: Any, cut: int
) -> None:
    # An encoder that does not look for cuts: they fall on pictures of any kind.
    options = {"x264-params": "scenecut=0:keyint=90:b-adapt=0"}
    path = film(tmp_path / "a.mp4", EVEN, (cut,), options)
    records, _, seen = decode(path)
    assert 0 < seen < 0.7 * len(EVEN)
    strongest = max((json.loads(h) for h, _ in records), key=lambda h: h.get("change", 0))
    assert strongest["cut"] == pytest.approx(cut / 25)
    plain = max((json.loads(h) for h, _ in decode(path, True)[0]), key=lambda h: h.get("change", 0))
    assert strongest["change"] == pytest.approx(plain["change"])


def test_an_irregular_file_is_decoded_whole(
    tmp_path: Path, decode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(tmp_path / "a.mp4", EVEN, (100,))
    expected, end, _ = decode(path, plain=True)
    whole = sparse._decoded

    def fails(decoder: Any, packet: Any, reader: Reader) -> list[Any]:
        if packet is not None and packet.pts * packet.time_base > 5:
            raise sparse.IrregularError
        return whole(decoder, packet, reader)

    monkeypatch.setattr(sparse, "_decoded", fails)
    found, same_end, seen = decode(path)
    assert 0 < seen < 150
    assert without_cuts(found) == without_cuts(expected)  # none twice, none missing
    assert same_end == end
    assert found[15:] == expected[15:]


def test_fields_are_decoded_whole(tmp_path: Path, decode: Any) -> None:
    path = film(tmp_path / "a.mp4", EVEN, (), {"flags": "+ildct+ilme"})
    found, _, seen = decode(path)
    assert seen == 0
    assert found == decode(path, plain=True)[0]


@pytest.mark.parametrize("stamps", [EVEN, UNEVEN], ids=["even", "uneven"])
def test_single_pictures_have_the_same_bits(tmp_path: Path, decode: Any, stamps: list[int]) -> None:
    path = film(tmp_path / "a.mp4", stamps, (), {"x264-params": "keyint=1000:scenecut=0"})
    # In the uneven film one picture is on show for nine seconds.
    times = [0.0, 0.05, 1.5, 1.54, 3.0, 7.0, 8.3, 9.9, 11.5, 30.0]
    found, expected = decode(path, times=times)[0], decode(path, plain=True, times=times)[0]
    assert found == expected
    assert len({pixels for _, pixels in found}) > 4


def test_which_pictures_are_wanted() -> None:
    step, slack = Fraction(17, 3), Fraction(2, 5)
    wanted = sparse.instants(step, slack)
    points = [k * step + slack for k in range(40)]
    for begin in range(100):
        for length in range(1, 9):
            end = begin + length
            assert wanted(begin, end) == any(begin <= p < end for p in points)
