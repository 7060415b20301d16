"""The demo video: whole, deterministic in its plan, and refused kindly without its pictures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from iptnet.demo import film, make_demo_video
from iptnet.demo.script import SCRIPT, Take
from iptnet.errors import MachineError

SHORT = tuple(
    Take(t.name, t.package, t.picture, 0.4, t.first, t.first, t.note, t.query) for t in SCRIPT[:4]
)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film, "SCRIPT", SHORT)


def decoded(path: Path) -> tuple[list[np.ndarray], float]:
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        pictures = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        sound = container.streams.audio[0]
        return pictures, float(sound.duration * sound.time_base)


def test_the_film_shows_each_scene_when_it_says(short: None, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int | None]] = []
    made = make_demo_video(tmp_path / "demo.mp4", on_progress=lambda *s: steps.append(s))
    pictures, sound = decoded(made.path)
    assert len(pictures) == made.duration * made.fps == 40
    assert pictures[0].shape == (360, 640, 3)
    assert abs(sound - made.duration) < 0.1
    assert steps[-1] == ("demo video", 40, 40)
    assert [s.name for s in made.scenes] == [t.name for t in SHORT]
    # The largest changes between neighbouring frames are the cuts, and they are where scenes end.
    change = [float(np.abs(a.astype(int) - b).mean()) for a, b in pairwise(pictures)]
    cuts = sorted(np.argsort(change)[-3:] + 1)
    assert cuts == [round(s.end * made.fps) for s in made.scenes[:-1]]
    assert list(tmp_path.iterdir()) == [made.path]


def test_the_same_packages_give_the_same_bytes(short: None, tmp_path: Path) -> None:
    first = make_demo_video(tmp_path / "a.mp4").path.read_bytes()
    assert make_demo_video(tmp_path / "b.mp4").path.read_bytes() == first


def test_every_view_stays_inside_its_picture_and_moves_without_jumps() -> None:
    for take in SCRIPT:
        width, height = film._picture(take).size
        boxes = np.array([film._box((width, height), take, k / 100) for k in range(101)])
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2] <= width + 1e-6).all()
        assert (boxes[:, 3] <= height + 1e-6).all()
        shape = (boxes[:, 2] - boxes[:, 0]) / (boxes[:, 3] - boxes[:, 1])
        np.testing.assert_allclose(shape, 16 / 9)
        assert np.abs(np.diff(boxes, axis=0)).max() < 0.02 * width
        assert (take.query is None) == (take.first == take.last)


def test_missing_pictures_name_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(film, "find_spec", lambda name: None)
    with pytest.raises(MachineError, match=r'scikit-image.*pip install "iptnet\[demo\]"'):
        make_demo_video(tmp_path / "demo.mp4")
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_fails_leaves_nothing(
    short: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import imageio_ffmpeg

    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no such codec >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(broken))
    with pytest.raises(MachineError, match="no such codec"):
        make_demo_video(tmp_path / "out" / "demo.mp4")
    assert not list((tmp_path / "out").iterdir())
