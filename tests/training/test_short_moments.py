from __future__ import annotations

import numpy as np
import pytest

from iptnet.data.joined import Clip
from iptnet.model.localization.video import GridVideo
from iptnet.training.clip_features import read_vectors
from iptnet.training.moment_examples import Example, Timed, part_of
from iptnet.training.short_moments import SECONDS, piece_examples, trimmed_examples
from tests.training.toys import THINGS


def clips() -> tuple[list[Clip], dict[str, Timed]]:
    draw = np.random.default_rng(0)
    found = [
        Clip(f"c{k}", 20.0, (f"a {THINGS[k % 8]} number w{k}", f"one {THINGS[k % 8]}"))
        for k in range(60)
    ]
    rows = {
        c.name: (np.arange(40) / 2, draw.standard_normal((40, 256)).astype(np.float32))
        for c in found
    }
    return found, rows


def test_pieces_lie_where_their_vectors_are() -> None:
    found, features = clips()
    owner = {row.tobytes(): name for name, (_, rows) in features.items() for row in rows}
    examples = piece_examples(found, features, 2, videos=8, seed=0)
    assert examples
    lengths, words = [], []
    for example in examples:
        video = example.video
        assert video.step == pytest.approx(0.5, rel=0.1)
        middles = (video.edges[1:] + video.edges[:-1]) / 2
        words.append(len(example.query.split()))
        for start, end in example.windows:
            lengths.append(end - start)
            inside = video.vectors[(middles > start + 1) & (middles < end - 1)]
            names = {owner[row.tobytes()] for row in inside if row.tobytes() in owner}
            assert len(names) <= 1
            for name in names:
                assert part_of(name, 2) == example.part
                clip = next(c for c in found if c.name == name)
                assert example.query in " ".join(clip.captions)
    assert min(lengths) >= SECONDS[0] - 1e-6
    assert np.mean(np.array(lengths) <= SECONDS[1]) > 0.6
    assert min(words) == 1 < max(words)
    again = piece_examples(found, features, 2, videos=8, seed=0)
    assert [e.query for e in again] == [e.query for e in examples]


def test_a_word_that_another_clip_shares_does_not_ask() -> None:
    found, features = clips()
    for example in piece_examples(found, features, 1, videos=4, seed=1):
        if len(example.query.split()) == 1:
            said = [c for c in found if example.query in " ".join(c.captions).split()]
            shown = {row.tobytes() for row in example.video.vectors}
            present = [
                c for c in said if any(row.tobytes() in shown for row in features[c.name][1])
            ]
            assert len(present) <= 1


def test_trimmed_windows_are_short_and_hold_what_they_held() -> None:
    vectors = np.arange(60, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32)
    video = GridVideo(np.arange(61) * 2.0, vectors, np.array([20.0, 100.0]))
    windows = np.array([[20.0, 80.0], [100.0, 104.0]])
    example = Example("captions", video, "q", np.zeros((1, 4), np.float32), windows, None, 0)
    for seed in range(10):
        (short,) = trimmed_examples([example], 1.0, seed)
        assert len(short.windows) == 2 and short.saliency is None
        first, second = short.windows
        assert SECONDS[0] <= first[1] - first[0] <= SECONDS[1]
        assert SECONDS[0] <= second[1] - second[0] <= 4  # it may be left as it was
        middles = (short.video.edges[1:] + short.video.edges[:-1]) / 2
        inside = short.video.vectors[(middles > first[0]) & (middles < first[1]), 0]
        assert inside.min() >= 10 and inside.max() < 40 and (np.diff(inside) == 1).all()
        kept = short.video.vectors[:, 0]
        assert set(range(10)) <= set(kept) and {*range(40, 50), *range(52, 60)} <= set(kept)
        # The shot that began with the window begins there still.
        assert first[0] in short.video.cuts and second[0] in short.video.cuts
    assert trimmed_examples([example], 0.0, 0) == []


def test_clip_vectors_come_from_a_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import h5py

    from iptnet.errors import InputError, IntegrityError

    times, rows = np.arange(3) / 2, np.ones((3, 4), np.float32)
    stored = {"a/times": times, "a/vectors": rows, "b/times": times, "b/vectors": 2 * rows}
    np.savez(tmp_path / "clips.npz", **stored)
    with h5py.File(tmp_path / "clips.h5", "w") as file:
        for key, value in stored.items():
            file[key] = value
    for name in ("clips.npz", "clips.h5"):
        found = read_vectors(tmp_path / name, ["b", "a"], 4)
        np.testing.assert_array_equal(found["b"][1], 2 * rows)
        np.testing.assert_array_equal(found["a"][0], times)
        with pytest.raises(InputError, match="lacks c"):
            read_vectors(tmp_path / name, ["c"], 4)
        with pytest.raises(IntegrityError, match="do not fit"):
            read_vectors(tmp_path / name, ["a"], 5)
    with pytest.raises(InputError, match="no clip vectors"):
        read_vectors(tmp_path / "none.npz", ["a"], 4)
    (tmp_path / "broken.npz").write_bytes(b"PK nothing")
    with pytest.raises(IntegrityError, match="holds no clip vectors"):
        read_vectors(tmp_path / "broken.npz", ["a"], 4)
