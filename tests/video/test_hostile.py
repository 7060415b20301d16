"""Files made to harm: none opens another file, hangs us, or takes the decoder down."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from iptnet.errors import InputError
from iptnet.timeline import Span
from iptnet.video.child import Child
from iptnet.video.cut import cut
from iptnet.video.frames import frames_at, sample_frames
from iptnet.video.probe import probe
from tests.video.making import make

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")

HLS = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:2
#EXTINF:2.0,
{secret}
#EXT-X-ENDLIST
"""
DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">
<Representation id="1" bandwidth="100"><BaseURL>{secret}</BaseURL><SegmentBase/></Representation>
</AdaptationSet></Period></MPD>
"""
SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=x
c=IN IP4 127.0.0.1
t=0 0
m=video 5004 RTP/AVP 96
a=rtpmap:96 H264/90000
"""
PLAYLISTS = {
    "hls": HLS,
    "dash": DASH,
    "sdp": SDP,
    "ffconcat": "ffconcat version 1.0\nfile {secret}\n",
    "ffmetadata": ";FFMETADATA1\ntitle={secret}\n",
    "address": "http://127.0.0.1:9/{secret}\n",
}


class OpenWatch:
    """Counts how often a file has been opened, by asking the kernel (inotify)."""

    IN_OPEN, IN_NONBLOCK = 0x20, 0o4000

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(self.IN_NONBLOCK)
        assert self.descriptor >= 0
        assert libc.inotify_add_watch(self.descriptor, os.fsencode(path), self.IN_OPEN) > 0

    def seen(self) -> bool:
        """Whether it was opened since the last question."""
        try:
            return bool(os.read(self.descriptor, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Stop watching."""
        os.close(self.descriptor)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A video that is none of the input's business."""
    return make(tmp_path / "secret.mp4", 20)


NAIVE = "import av, sys; print(sum(1 for _ in av.open(open(sys.argv[1], 'rb')).decode(video=0)))"


@pytest.mark.fault(4)
@linux
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_playlists_reach_no_other_file(tmp_path: Path, secret: Path, kind: str) -> None:
    playlist = tmp_path / "film.mp4"
    with contextlib.closing(OpenWatch(secret)) as watch, Child() as child:
        for name in ("secret.mp4", str(secret), f"file:{secret}"):
            playlist.write_text(PLAYLISTS[kind].format(secret=name))
            with pytest.raises(InputError, match="not a video in a container we read"):
                probe(playlist, child=child)
        assert not watch.seen()
        assert secret.read_bytes()
        assert watch.seen()  # it does notice


@pytest.mark.fault(4)
@linux
def test_no_way_in_follows_a_playlist(tmp_path: Path, secret: Path) -> None:
    playlist = tmp_path / "film.mp4"
    playlist.write_text(PLAYLISTS["ffconcat"].format(secret="secret.mp4"))
    with contextlib.closing(OpenWatch(secret)) as watch:
        with pytest.raises(InputError):
            list(sample_frames(playlist))
        with pytest.raises(InputError):
            frames_at(playlist, [0.0])
        with pytest.raises(InputError):
            cut(playlist, [Span(0, 1)], tmp_path / "out.mp4")
        assert not watch.seen()
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.fault(4)
@linux
def test_without_our_defence_a_playlist_would_be_followed(tmp_path: Path, secret: Path) -> None:
    """The control: PyAV as it comes opens what an ffconcat file under an .mp4 name points at."""
    playlist = tmp_path / "film.mp4"
    playlist.write_text(PLAYLISTS["ffconcat"].format(secret="secret.mp4"))
    with contextlib.closing(OpenWatch(secret)) as watch:
        done = subprocess.run(
            [sys.executable, "-c", NAIVE, str(playlist)], capture_output=True, check=True
        )
        assert watch.seen()
    assert done.stdout.strip() == b"20"


@pytest.mark.fault(4)
@linux
@pytest.mark.parametrize("kind", ["ffconcat", "sdp"])
def test_even_with_any_container_allowed_no_descriptor_is_left(
    tmp_path: Path, secret: Path, kind: str
) -> None:
    """The second line of defence, alone."""
    playlist = tmp_path / "film.mp4"
    playlist.write_text(PLAYLISTS[kind].format(secret="secret.mp4"))
    script = """
        import sys
        from iptnet.video import reader
        from iptnet.video.refusals import RefusalError
        reader.CONTAINERS = "mov,matroska,concat,sdp,hls,dash,rtp"
        limits = {"max_streams": 9, "max_pixels": 10**9, "max_duration": 1e5, "memory": 1 << 32}
        try:
            reader.Reader(sys.argv[1], limits)
        except RefusalError as error:
            print(error.cause)
    """
    with contextlib.closing(OpenWatch(secret)) as watch:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), str(playlist)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert not watch.seen()
    assert "not a video in a container we read" in done.stdout


@pytest.mark.fault(4)
@linux
def test_a_movie_that_keeps_its_pictures_elsewhere(tmp_path: Path, secret: Path) -> None:
    data = make(tmp_path / "a.mov", 20).read_bytes()
    own = b"\0\0\0\x0curl \0\0\0\1"
    assert own in data
    for alias in (_alias("secret.mp4", tmp_path), b""):
        entry = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
        (tmp_path / "film.mov").write_bytes(_grown(data, own, entry))
        with contextlib.closing(OpenWatch(secret)) as watch:
            with contextlib.suppress(InputError):
                list(sample_frames(tmp_path / "film.mov"))
            assert not watch.seen()


def _alias(name: str, folder: Path) -> bytes:
    """A Mac alias record that names a file, as QuickTime reference movies hold."""
    path = str(folder / name).encode()
    head = bytes(10) + b"\x01v".ljust(28, b"\0") + bytes(12)
    head += bytes([len(name)]) + name.encode().ljust(63, b"\0") + bytes(16)
    head += struct.pack(">hh", 0, 1) + bytes(16)
    records = struct.pack(">hH", 2, len(path)) + path + bytes(len(path) % 2)
    records += struct.pack(">hH", 18, len(path)) + path + bytes(len(path) % 2)
    return head + records + struct.pack(">hH", -1, 0)


def _grown(data: bytes, old: bytes, new: bytes) -> bytes:
    """Replace a box inside nested ones whose sizes grow with it."""
    at, extra = data.index(old), len(new) - len(old)
    out = bytearray(data)
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        head = data.rindex(box, 0, at) - 4
        out[head : head + 4] = struct.pack(
            ">I", struct.unpack(">I", data[head : head + 4])[0] + extra
        )
    return bytes(out[:at]) + new + bytes(out[at + len(old) :])


ODD_NAMES = [
    "-y.mp4",
    "a%03d.mp4",
    "a*[x]?.mp4",
    "concat:x.mp4",
    "http:x.mp4",
    "file:x.mp4",
    "pipe:0",
    "new\nline.mp4",
    "quote'\"`$(x).mp4",
    "bell\x07\x1b[31m.mp4",
    "snow☃ \u202e.mp4",
    " .mp4",
    "n" * 251 + ".mp4",
    "no suffix",
]


@pytest.mark.fault(5)
def test_odd_names_are_plain_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make(tmp_path / "a.mp4", 20).read_bytes()
    folder = tmp_path / "in"
    folder.mkdir()
    monkeypatch.chdir(folder)
    names = [*ODD_NAMES, os.fsdecode(b"latin-\xe9.mp4")]
    with Child() as child:
        for name in names:
            Path(name).write_bytes(data)
            info = probe(name, child=child)
            assert (info.path, info.n_frames) == (name, 20)
            Path(name).write_bytes(b"x")
            with pytest.raises(InputError) as caught:
                probe(name, child=child)
            assert name in caught.value.cause
    assert sorted(path.name for path in Path().iterdir()) == sorted(names)


@pytest.mark.fault(5)
def test_odd_names_are_cut_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = make(tmp_path / "a.mp4", 20).read_bytes()
    for name in [*ODD_NAMES, os.fsdecode(b"latin-\xe9.mp4"), "bell\x07%d'\n.mp4"]:
        Path(name).write_bytes(data)
        Path("out").mkdir(exist_ok=True)
        assert cut(name, [Span(0.2, 0.6)], Path("out", name)).n_frames == 10
        assert [path.name for path in Path("out").iterdir()] == [name]
        Path("out", name).unlink()
