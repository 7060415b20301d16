"""Damaged videos: what is left of them at true times and a counted warning, or a refusal."""

from __future__ import annotations

import itertools
from pathlib import Path

import av
import pytest

from iptnet.video.frames import sample_frames
from iptnet.video.reader import ABSENT
from iptnet.video.tally import Tally
from tests.fuzz import media
from tests.fuzz.runner import regressions
from tests.video.test_sparse import film

pytestmark = pytest.mark.fault(3)

CASES = 2000
"""Of every kind and file in turn; ``make fuzz`` goes on with others."""


@pytest.mark.parametrize(
    ("name", "rate"),
    [("first.mp4", media.RATE), ("last.mp4", media.RATE), ("between.mp4", media.SELDOM)],
)
def test_cut_at_every_23rd_byte(tmp_path: Path, name: str, rate: int) -> None:
    data = media.seeds(tmp_path, [name])[name]
    with media.Harness(tmp_path) as harness:
        for case in media.truncations(name, data, 23, rate):
            harness.run(case)
    assert not harness.wrong, harness.wrong[0][1]
    assert not harness.died
    assert harness.told["refused"] > 10
    # With its index last a film that was cut has none; with its index first, what is there plays.
    assert harness.told["partial"] > 30 if name != "last.mp4" else not harness.told["partial"]
    assert name == "last.mp4" or not harness.told["whole"]


@pytest.mark.parametrize("name", ["first.mp4", "between.mp4"])
def test_cut_just_between_two_pictures(tmp_path: Path, name: str) -> None:
    """Nothing is left that could fail to decode: only the index tells of more."""
    data = media.seeds(tmp_path, [name])[name]
    with av.open(str(tmp_path / name)) as container:
        ends = [p.pos for p in container.demux(video=0) if p.size][1:]
    with media.Harness(tmp_path) as harness:
        for end in ends:
            case = media.Case(
                str(end), ".mp4", data[:end], True, True, media.SELDOM, media.DISORDER
            )
            harness.run(case)
    assert not harness.wrong, harness.wrong[0]
    assert harness.told == {"partial": len(ends)}


def test_flipped_bits_and_other_damage(tmp_path: Path) -> None:
    with media.Harness(tmp_path) as harness:
        for number, case in enumerate(itertools.islice(media.endless(tmp_path, 7), CASES)):
            harness.run(case, media.survey if number % 100 == 0 else None)
    assert not harness.wrong, f"{harness.wrong[0][0].name}: {harness.wrong[0][1]}"
    assert not harness.died
    assert min(harness.told[k] for k in ("whole", "partial", "refused")) > CASES // 20


def test_damage_in_pictures_that_are_not_looked_at_changes_nothing(tmp_path: Path) -> None:
    """They are no part of the result, so it is whole, and there is nothing to warn of."""
    path = film(tmp_path / "a.mp4", list(range(0, 400, 4)))
    data, whole = bytearray(path.read_bytes()), samples_of(path)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        unseen = [p for p in packets if is_referred_to_by_none(p) and shown(p, container) % 5]
    assert len(unseen) > 20 and not whole[1]
    for packet in unseen:
        for at in range(packet.pos + 5, packet.pos + packet.size):
            data[at] ^= 0xFF
    path.write_bytes(data)
    assert samples_of(path) == whole
    # Whoever looks at them is told.
    every = sample_frames(path, media.RATE, media.SIZE)
    assert sum(len(batch) for batch in every) == 100
    assert any("damaged packet" in w and "times" in w for w in every.warnings), every.warnings


def is_referred_to_by_none(packet: av.Packet) -> bool:
    """By the first byte after the length of an H.264 picture."""
    return not bytes(packet)[4] >> 5 & 3


def shown(packet: av.Packet, container: av.container.InputContainer) -> int:
    """The number of its picture, by its time."""
    start = container.streams.video[0].start_time or 0
    assert packet.pts is not None and packet.time_base is not None
    return round((packet.pts - start) * packet.time_base * media.RATE)


def samples_of(path: Path) -> tuple[list[bytes], list[str], int]:
    """Pictures that are seldom taken, warnings, and how many there are in all."""
    stream = sample_frames(path, media.SELDOM, media.SIZE)
    images = [picture.tobytes() for batch in stream for picture in batch.images]
    return images, stream.warnings, stream.n_frames


@pytest.mark.parametrize("path", regressions("media"), ids=lambda p: p.name)
def test_what_once_went_wrong(tmp_path: Path, path: Path) -> None:
    """Those named ``lost`` hold fewer pictures than they say."""
    lost = path.name.startswith("lost-")
    case = media.Case(path.name, path.suffix, path.read_bytes(), counted=lost)
    with media.Harness(tmp_path) as harness:
        harness.run(case, media.survey)
    assert not harness.wrong, harness.wrong[0][1]


def test_the_judge_sees_a_loss_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = media.seeds(tmp_path, ["first.mp4"])["first.mp4"]
    case = media.Case("x", ".mp4", data, counted=True)
    monkeypatch.setattr(media, "COUNT", media.COUNT + 1)
    with media.Harness(tmp_path) as harness:
        assert harness.run(case) == "wrong"
    assert "no warning" in harness.wrong[0][1]


@pytest.mark.parametrize("name", ["first.mp4", "between.mp4", "h264.mkv"])
def test_what_is_missing_at_the_end_is_counted(tmp_path: Path, name: str) -> None:
    data = media.seeds(tmp_path, [name])[name]
    path = tmp_path / f"short-{name}"
    path.write_bytes(data[: int(len(data) * 0.85)])
    stream = sample_frames(path, 5, (16, 24))
    assert [b.times[0] for b in stream]
    missing = media.COUNT - stream.n_frames
    assert missing > 2
    told = next(w for w in stream.warnings if w.startswith(ABSENT))
    # The packet in which the file ends was refused by the decoder, and that is told apart.
    assert any(f"{n} times" in told for n in (missing - 2, missing - 1, missing)), told


@pytest.mark.parametrize(
    "name", ["last.mp4", "first.mp4", "between.mp4", "h264.mkv", "h264.ts", "h264.avi"]
)
def test_a_whole_file_gives_no_warning(tmp_path: Path, name: str) -> None:
    data = media.seeds(tmp_path, [name])[name]
    (tmp_path / f"whole-{name}").write_bytes(data)
    stream = sample_frames(tmp_path / f"whole-{name}", 5, (16, 24))
    assert sum(len(b.times) for b in stream) and stream.n_frames == media.COUNT
    assert not stream.warnings


def test_pictures_that_a_decoder_drops_without_a_word(tmp_path: Path) -> None:
    """Counted from packets and pictures alone."""
    path = tmp_path / "a.mp4"
    path.write_bytes(media.seeds(tmp_path, [])["last.mp4"])
    with av.open(str(path)) as container:
        tally = Tally(container, container.streams.video[0], preview=False)
        first, shown = None, 0
        for packet in container.demux(video=0):
            tally.packet(packet, first)
            for frame in packet.decode():
                tally.frame(frame)
                first = frame.pts if first is None else first
                shown += 1
        assert (tally.lost(first or 0, shown), tally.absent()) == (0, 0)
        assert tally.lost(first or 0, shown - 3) == 3
        tally.failed()  # this one was told already
        assert tally.lost(first or 0, shown - 3) == 2
        tally.stop()
        assert tally.lost(first or 0, shown - 3) == 0
