"""The tone map: NumPy's curves are those of the cut's filters, and only what needs it is mapped."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from iptnet.timeline import Span
from iptnet.video.cut import cut
from iptnet.video.ffmpeg import executable
from iptnet.video.frames import frames_at, sample_frames
from iptnet.video.probe import probe
from iptnet.video.tone import Light, filters, tone_mapped
from tests.oracles.tone import tone_mapped as naively
from tests.video.making import convert, make

HDR = ("smpte2084", "arib-std-b67")


def by_ffmpeg(picture: NDArray[np.uint16], light: Light) -> NDArray[np.float64]:
    """What the cut's filters make of full-range RGB, (H, W, 3) in 8-bit levels."""
    height, width = picture.shape[:2]
    marks, mapped = filters(light)
    chain = [
        f"{marks}:colorspace=gbr:range=pc,zscale=m=bt2020nc:r=pc,format=yuv444p16le",
        mapped.replace("r=tv", "r=pc"),
        "format=yuv444p16le,zscale=m=gbr:r=pc,format=gbrp16le",
    ]
    command = [executable(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "gbrp16le"]
    command += ["-s", f"{width}x{height}", "-i", "-", "-vf", ",".join(chain)]
    command += ["-f", "rawvideo", "-"]
    planes = np.stack([picture[..., 1], picture[..., 2], picture[..., 0]]).astype("<u2").tobytes()
    done = subprocess.run(command, input=planes, capture_output=True, check=True)
    green, blue, red = np.frombuffer(done.stdout, "<u2").reshape(3, height, width) / 257
    return np.stack([red, green, blue], axis=-1)


@pytest.mark.parametrize("primaries", ["bt2020", "smpte432", "bt709"])
@pytest.mark.parametrize("transfer", HDR)
def test_the_curves_are_those_of_the_filters(transfer: str, primaries: str) -> None:
    light = Light(transfer, primaries, True)
    rng = np.random.default_rng(5)
    grey = np.repeat(np.linspace(0, 65_535, 64).astype(np.uint16)[None, :, None], 3, axis=2)
    soft = ((rng.random((63, 64, 3)) * 0.3 + 0.25) * 65_535).astype(np.uint16)
    picture = np.concatenate([grey, soft])
    difference = np.abs(by_ffmpeg(picture, light) - tone_mapped(picture, light))
    assert difference.max() < 2 and difference.mean() < 0.5


@pytest.mark.parametrize("transfer", HDR)
@pytest.mark.parametrize("primaries", ["bt2020", "smpte432"])
def test_the_same_as_pixel_by_pixel(transfer: str, primaries: str) -> None:
    light = Light(transfer, primaries, True)
    picture = np.random.default_rng(3).integers(0, 65_536, (9, 11, 3)).astype(np.uint16)
    slow = naively(picture, light)
    assert np.abs(tone_mapped(picture, light).astype(int) - slow).max() <= 1


@pytest.mark.parametrize("wrong", [("bt709", "bt2020"), ("smpte2084", "xyz")])
def test_light_of_no_kind_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="light"):
        Light(*wrong, True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """White and black bars, marked as BT.709."""
    marks = {"colorprim": "bt709", "transfer": "bt709", "colormatrix": "bt709"}
    x264 = {"x264-params": ":".join(f"{k}={v}" for k, v in marks.items())}
    return make(tmp_path_factory.mktemp("tone") / "sdr.mp4", 25, size=(90, 160), options=x264)


UNMARKED = "colour_primaries=2:transfer_characteristics=2:matrix_coefficients=2"


def bright(
    plain: Path, target: Path, transfer: str, *more: str, marks: str = "all", full: bool = False
) -> Path:
    """A copy in high dynamic range; white of the original is 203 cd/m² (ITU-R BT.2408).

    Args:
        plain: the original.
        target: the copy.
        transfer: its curve.
        more: parameters of x265.
        marks: ``all`` or ``transfer`` alone.
        full: whether levels run from 0 to 1023.
    """
    span = "pc" if full else "tv"
    chain = (
        "zscale=tin=bt709:pin=bt709:min=bt709:t=linear:npl=203,"
        f"zscale=t={transfer}:p=bt2020:m=bt2020nc:r={span}:npl=203,format=yuv420p10le"
    )
    told = ["log-level=none", f"range={'full' if full else 'limited'}", f"transfer={transfer}"]
    if marks == "all":
        told += ["colorprim=bt2020", "colormatrix=bt2020nc"]
    else:
        chain += ",setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown"
    return convert(
        plain, target, "-vf", chain, "-c:v", "libx265", "-preset", "ultrafast",
        "-x265-params", ":".join([*told, *more]),
    )  # fmt: skip


def white(path: Path) -> float:
    """The brightest grey of the 20th picture, whose number has ones and zeros."""
    (picture,) = frames_at(path, [0.8], height=90).images
    return float(np.percentile(picture[:40].mean(axis=2), 95))


@pytest.mark.parametrize("transfer", HDR)
@pytest.mark.parametrize("full", [False, True])
def test_pictures_are_as_bright_as_the_cut(
    plain: Path, tmp_path: Path, transfer: str, full: bool
) -> None:
    video = bright(plain, tmp_path / "hdr.mp4", transfer, full=full)
    info = probe(video)
    assert info.hdr and info.light is not None and info.light.transfer == transfer
    assert info.light.primaries == "bt2020" and not info.warnings
    cut(video, [Span(0.0, 1.0)], tmp_path / "cut.mp4")
    shown, played = (
        frames_at(path, [0.2, 0.8], height=90).images.astype(int)
        for path in (video, tmp_path / "cut.mp4")
    )
    assert not probe(tmp_path / "cut.mp4").hdr
    assert abs((shown - played).mean()) < 2 and np.abs(shown - played).mean() < 6
    assert 180 < white(video) < 215


@pytest.mark.parametrize("transfer", HDR)
def test_what_the_model_sees_is_mapped_too(plain: Path, tmp_path: Path, transfer: str) -> None:
    video = bright(plain, tmp_path / "hdr.mp4", transfer)
    with sample_frames(video, 2.0, (90, 160)) as stream:
        seen = np.concatenate([batch.images for batch in stream])
    assert np.array_equal(seen, frames_at(video, [0.0, 0.5], size=(90, 160)).images)


def test_a_transfer_alone_is_enough(plain: Path, tmp_path: Path) -> None:
    """Colours that are not marked beside it are those of BT.2020, in pictures and cuts alike."""
    whole = bright(plain, tmp_path / "all.mp4", "smpte2084")
    video = bright(plain, tmp_path / "some.mp4", "smpte2084", marks="transfer")
    light = probe(video).light
    assert light is not None and not light.marked
    shown, same = (frames_at(path, [0.8], height=90).images.astype(int) for path in (video, whole))
    assert np.abs(shown - same).mean() < 2
    cut(video, [Span(0.0, 1.0)], tmp_path / "cut.mp4")
    assert white(tmp_path / "cut.mp4") == pytest.approx(white(video), abs=6)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_marks_of_the_container_alone_are_enough(plain: Path, tmp_path: Path, suffix: str) -> None:
    whole = bright(plain, tmp_path / "all.mp4", "smpte2084")
    marks = ("-c", "copy", "-bsf:v", f"hevc_metadata={UNMARKED}")
    video = convert(whole, tmp_path / f"some{suffix}", *marks)
    assert probe(video).hdr
    shown, same = (frames_at(path, [0.8], height=90).images.astype(int) for path in (video, whole))
    assert np.abs(shown - same).mean() < 2
    cut(video, [Span(0.0, 1.0)], tmp_path / "cut.mp4")
    assert white(tmp_path / "cut.mp4") == pytest.approx(white(video), abs=6)


def test_turned_pictures_are_mapped(plain: Path, tmp_path: Path) -> None:
    video = bright(plain, tmp_path / "hdr.mp4", "smpte2084")
    turned = convert(
        video, tmp_path / "turned.mp4", "-c", "copy", before=["-display_rotation", "-90"]
    )
    (upright,) = frames_at(turned, [0.8], size=(160, 90)).images
    (plainly,) = frames_at(video, [0.8], size=(90, 160)).images
    assert np.array_equal(upright, np.rot90(plainly, -1))


@pytest.mark.parametrize(
    "marks",
    ["colorprim=bt709:transfer=bt709:colormatrix=bt709", "colorprim=bt2020:colormatrix=bt2020nc",
     "colorprim=bt2020:transfer=bt2020-10:colormatrix=bt2020nc", "log-level=none"],
)  # fmt: skip
def test_ten_bits_and_wide_colours_alone_are_not_mapped(
    plain: Path, tmp_path: Path, marks: str
) -> None:
    video = convert(
        plain, tmp_path / "ten.mp4", "-vf", "format=yuv420p10le",
        "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", f"{marks}:log-level=none",
    )  # fmt: skip
    info = probe(video)
    assert info.bit_depth == 10 and not info.hdr and info.light is None
    assert white(video) == pytest.approx(white(plain), abs=12)


@pytest.mark.parametrize("said", ["max-cll=600,200", "max-cll=4000,200", "display"])
def test_what_a_file_says_of_its_brightest_light_changes_nothing(
    plain: Path, tmp_path: Path, said: str
) -> None:
    if said == "display":
        said = (
            "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,50)"
        )
    usual = bright(plain, tmp_path / "usual.mp4", "smpte2084")
    video = bright(plain, tmp_path / "hdr.mp4", "smpte2084", said)
    cut(video, [Span(0.0, 1.0)], tmp_path / "cut.mp4")
    assert white(video) == pytest.approx(white(usual), abs=1)
    assert white(tmp_path / "cut.mp4") == pytest.approx(white(usual), abs=3)
