"""The benchmark layout as published, and everything that must not pass for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from iptnet.data.benchmark import load_benchmark
from iptnet.data.guarded import Limits
from iptnet.errors import InputError, IntegrityError, LimitError
from iptnet.features.known import BLIP_WORDLLAMA256, DINO768, GOOGLENET_POOL5
from iptnet.protocol.keyshots import ground_truth_summary, summary_of_frames
from tests.data.layout import eccv16, video, with_changes


@pytest.mark.parametrize("dataset", ["summe", "tvsum", "ovp", "youtube"])
def test_public_files_load_as_they_are(tmp_path: Path, dataset: str) -> None:
    bench = load_benchmark(eccv16(tmp_path, dataset, videos=11))
    assert bench.dataset == dataset
    assert bench.recipe == GOOGLENET_POOL5
    assert [v.key for v in bench] == [f"video_{i}" for i in range(1, 12)], "natural order"
    assert len(bench) == 11
    for i, found in enumerate(bench, 1):
        raw = video(i)
        assert found.name == (f"Air Force {i}" if dataset == "summe" else f"video_{i}")
        assert found.n_frames == 100
        assert found.features.dtype == np.float32
        assert found.user_summary is not None
        assert found.user_summary.dtype == np.uint8
        assert found.picks.dtype == found.change_points.dtype == np.int64
        for key in ("features", "picks", "change_points", "n_frame_per_seg", "user_summary"):
            np.testing.assert_array_equal(getattr(found, key), raw[key])
        for key in ("gtscore", "gtsummary"):
            np.testing.assert_array_equal(getattr(found, key), raw[key])
        assert found.users is found.user_summary
        assert (found.fps, found.times, found.user_scores, found.title) == (None,) * 4


def test_videos_are_found_by_key_and_by_name(tmp_path: Path) -> None:
    bench = load_benchmark(eccv16(tmp_path, "summe"))
    assert bench["video_2"] is bench["Air Force 2"] is bench.videos[1]
    with pytest.raises(KeyError, match="no video video_9"):
        bench["video_9"]


@pytest.mark.parametrize(
    "changes",
    [
        {"user_summary": None},
        {"gtsummary": None},
        {"gtscore": None},
        {"n_frame_per_seg": None},
        {"n_steps": None},
        {"user_summary": None, "gtscore": None, "gtsummary": None},
        {"n_frames": np.array([100], np.int32), "n_steps": np.float64(7)},
        {"fps": np.float32(25)},
        {"length": "3:10", "unknown": np.arange(3)},
        {"user_summary": np.ones(100, np.float32)},
        {"features": video(1)["features"].astype(np.float16)},
        {"features": video(1)["features"].astype(">f8")},
        {"picks": np.arange(0, 100, 15).astype(np.float64)},
        {"user_anno": np.full((2, 100), 5, np.uint8)},
    ],
    ids=",".join,
)
def test_what_may_be_there_or_not(tmp_path: Path, changes: dict[str, Any]) -> None:
    (found,) = load_benchmark(with_changes(tmp_path, changes))
    assert len(found.features) == len(found.picks) == 7
    assert found.n_frame_per_seg.sum() == 100
    assert found.fps == (25.0 if "fps" in changes else None)


@pytest.mark.parametrize("counted", [False, True])
def test_a_last_change_point_at_n_frames_is_the_last_frame(tmp_path: Path, counted: bool) -> None:
    changes = {k: video(1)[k].copy() for k in ("change_points", "n_frame_per_seg")}
    changes["change_points"][-1, 1] += 1
    changes["n_frame_per_seg"][-1] += counted
    (found,) = load_benchmark(with_changes(tmp_path, changes))
    np.testing.assert_array_equal(found.change_points, video(1)["change_points"])
    assert found.n_frame_per_seg.sum() == 100


def test_compression_and_filters_do_not_matter(tmp_path: Path) -> None:
    def pack(group: h5py.Group) -> None:
        for key, options in (
            ("features", {"compression": "gzip", "shuffle": True}),
            ("user_summary", {"compression": "lzf"}),
            ("picks", {"fletcher32": True, "chunks": (3,)}),
        ):
            value = group[key][()]
            del group[key]
            group.create_dataset(key, data=value, **options)

    (found,) = load_benchmark(with_changes(tmp_path, pack))
    np.testing.assert_array_equal(found.features, video(1)["features"])


# --- labels


@pytest.mark.fault(11)
def test_importance_is_min_max_scaled_and_constant_scores_are_zero(tmp_path: Path) -> None:
    score = np.array([2, 4, 6, 2, 2, 2, 3], np.float32)
    (found,) = load_benchmark(with_changes(tmp_path, {"gtscore": score}))
    assert found.importance is not None
    assert found.keyshots is not None
    np.testing.assert_allclose(found.importance, [0, 0.5, 1, 0, 0, 0, 0.25])
    np.testing.assert_array_equal(
        found.keyshots, ground_truth_summary(score, found.picks, found.change_points, 100)
    )
    (flat,) = load_benchmark(with_changes(tmp_path, {"gtscore": np.full(7, 0.3, np.float32)}))
    assert flat.importance is not None
    assert flat.keyshots is not None
    assert not flat.importance.any()
    assert not flat.keyshots.any()


def test_user_scores_become_summaries_and_importance(tmp_path: Path) -> None:
    anno = np.random.default_rng(0).integers(1, 6, (4, 100)).astype(np.uint8)
    path = with_changes(tmp_path, {"user_summary": None, "gtscore": None, "user_anno": anno})
    (found,) = load_benchmark(path)
    assert found.users is not None
    assert found.importance is not None
    assert found.users.shape == (4, 100)
    for row, scores in zip(found.users, anno, strict=True):
        np.testing.assert_array_equal(row, summary_of_frames(scores, found.change_points))
    mean = anno[:, ::15].mean(axis=0)
    np.testing.assert_allclose(found.importance, (mean - mean.min()) / np.ptp(mean), rtol=1e-6)


def test_without_gtscore_the_users_make_it(tmp_path: Path) -> None:
    (found,) = load_benchmark(with_changes(tmp_path, {"gtscore": None}))
    (given,) = load_benchmark(eccv16(tmp_path, videos=1))
    assert found.importance is not None
    np.testing.assert_allclose(found.importance, given.importance)


def test_without_labels_there_is_nothing_to_learn_from(tmp_path: Path) -> None:
    changes = dict.fromkeys(("user_summary", "gtscore", "gtsummary"))
    (found,) = load_benchmark(with_changes(tmp_path, changes))
    assert found.users is found.importance is found.keyshots is None


# --- which set, which recipe


def test_the_set_is_declared_named_or_guessed(tmp_path: Path) -> None:
    path = eccv16(tmp_path, "summe")
    assert load_benchmark(path).dataset == "summe"
    assert load_benchmark(path, dataset="mine").dataset == "mine"
    other = path.rename(tmp_path / "Holidays.h5")
    assert load_benchmark(other).dataset == "holidays"
    both = other.rename(tmp_path / "summe_and_tvsum.h5")
    assert load_benchmark(both).dataset == "summe_and_tvsum"
    with h5py.File(both, "r+") as file:
        file["video_1/user_anno"] = np.ones((1, 100))
    assert load_benchmark(both).dataset == "tvsum"
    with h5py.File(both, "r+") as file:
        file.attrs["dataset"] = "ovp"
    assert load_benchmark(both).dataset == "ovp"


def test_recipes_by_rule(tmp_path: Path) -> None:
    path = eccv16(tmp_path).rename(tmp_path / "x.h5")
    undeclared = load_benchmark(path).recipe
    assert (undeclared.name, undeclared.width) == ("undeclared", 1024)
    assert load_benchmark(path, recipe=GOOGLENET_POOL5).recipe == GOOGLENET_POOL5
    with pytest.raises(IntegrityError, match="width 1024, but dino768 has 768"):
        load_benchmark(path, recipe=DINO768)
    with h5py.File(path, "r+") as file:
        file.attrs["recipe"] = json.dumps(GOOGLENET_POOL5.to_dict())
    assert load_benchmark(path).recipe == GOOGLENET_POOL5
    with pytest.raises(IntegrityError, match="declares another recipe"):
        load_benchmark(path, recipe=BLIP_WORDLLAMA256)
    with h5py.File(path, "r+") as file:
        file.attrs["recipe"] = "dino-vitb16-cls"
    with pytest.raises(IntegrityError, match="width 1024, but dino768"):
        load_benchmark(path)
    with h5py.File(path, "r+") as file:
        file.attrs["recipe"] = np.arange(3)
    with pytest.raises(IntegrityError, match="recipe is not a text"):
        load_benchmark(path)


# --- contradictions


def changed(key: str, at: Any, value: Any, dtype: Any = None) -> dict[str, Any]:
    array = np.array(video(1)[key], dtype=dtype)
    array[at] = value
    return {key: array}


BAD: list[tuple[str, dict[str, Any]]] = [
    *(("is missing", {k: None}) for k in ("features", "picks", "n_frames", "change_points")),
    ("features holds NaN", changed("features", (2, 3), np.nan)),
    ("features holds NaN", changed("features", (0, 0), -np.inf)),
    ("features overflows", changed("features", (0, 0), 1e300, np.float64)),
    ("features has shape", {"features": np.zeros((7, 2, 2), np.float32)}),
    ("features has shape", {"features": np.zeros((0, 5), np.float32)}),
    ("features has shape", {"features": np.zeros((7, 0), np.float32)}),
    ("features holds .*, not numbers", {"features": np.array([b"a"] * 7)}),
    ("picks has 6 entries, not 7", {"picks": video(1)["picks"][:-1]}),
    ("picks has 8 entries, not 7", {"picks": np.append(video(1)["picks"], 99)}),
    ("picks do not ascend", changed("picks", 3, 30)),
    ("picks do not ascend", changed("picks", 0, -1)),
    ("picks do not ascend", changed("picks", 6, 100)),
    ("picks holds fractions", changed("picks", 1, 15.5, np.float64)),
    ("picks holds NaN", changed("picks", 1, np.nan, np.float64)),
    ("n_steps is 8, but features has 7", {"n_steps": 8}),
    ("n_frames is 0", {"n_frames": 0}),
    ("n_frames is -5", {"n_frames": -5}),
    ("n_frames has shape", {"n_frames": [100, 100]}),
    ("n_frames holds fractions", {"n_frames": 100.5}),
    ("n_frames holds huge", {"n_frames": np.uint64(2**63 + 5)}),
    ("change_points does not cover", changed("change_points", (0, 0), 1)),
    ("change_points does not cover", {"change_points": video(1)["change_points"][:-1]}),
    ("change_points does not cover", {"change_points": video(1)["change_points"][[0, 2, 3]]}),
    ("change_points does not cover", {"change_points": video(1)["change_points"][[1, 0, 2, 3]]}),
    ("change_points does not cover", {"change_points": [[0, 50], [50, 99]]}),
    ("change_points does not cover", {"change_points": [[0, 101]]}),
    ("change_points does not cover", {"change_points": [[0, 97]]}),
    ("change_points runs backwards", {"change_points": [[0, 99], [100, 100]]}),
    ("change_points runs backwards", {"change_points": [[0, 60], [61, 40], [41, 99]]}),
    ("change_points is not rows of two", {"change_points": [[0, 50, 99]]}),
    ("change_points is not rows of two", {"change_points": np.zeros((0, 2), np.int32)}),
    ("change_points has shape", {"change_points": [0, 99]}),
    ("n_frame_per_seg contradicts", changed("n_frame_per_seg", 0, 1000)),
    ("n_frame_per_seg has 1 entries", {"n_frame_per_seg": [100]}),
    ("user_summary has shape", {"user_summary": np.zeros((3, 99), np.float32)}),
    ("user_summary has shape", {"user_summary": np.zeros((0, 100), np.float32)}),
    ("user_summary has shape", {"user_summary": np.zeros((100, 3), np.float32)}),
    ("user_summary holds values", changed("user_summary", (0, 0), 0.5)),
    ("user_summary holds values", changed("user_summary", (0, 0), 2)),
    ("user_summary holds NaN", changed("user_summary", (0, 0), np.nan)),
    ("user_anno holds scores", {"user_anno": np.zeros((2, 100), np.uint8)}),
    ("user_anno holds scores", {"user_anno": np.full((2, 100), 6)}),
    ("user_anno has shape", {"user_anno": np.ones((2, 7))}),
    ("gtscore has 8 entries", {"gtscore": np.zeros(8)}),
    ("gtscore holds NaN", {"gtscore": np.full(7, np.nan)}),
    ("gtsummary has 100 entries", {"gtsummary": np.zeros(100)}),
    ("gtsummary holds values", {"gtsummary": np.full(7, 0.5)}),
    ("fps is not", {"fps": 0.0}),
    ("fps holds NaN", {"fps": np.nan}),
    ("times do not ascend", {"times": np.zeros(7)}),
    ("times do not ascend", {"times": np.arange(7.0) - 1}),
    ("times has 6", {"times": np.arange(6.0)}),
    ("video_name is not one text", {"video_name": np.arange(3)}),
]


NAMES = [f"{problem}-{i}" for i, (problem, _) in enumerate(BAD)]


@pytest.mark.fault(11)
@pytest.mark.parametrize(("problem", "changes"), BAD, ids=NAMES)
def test_contradictions_name_file_video_and_key(
    tmp_path: Path, problem: str, changes: dict[str, Any]
) -> None:
    path = with_changes(tmp_path, changes)
    key = problem.split(maxsplit=1)[0] if problem != "is missing" else next(iter(changes))
    with pytest.raises(IntegrityError, match=problem) as caught:
        load_benchmark(path)
    assert str(path) in caught.value.cause
    assert f"video_1/{key}" in caught.value.cause


@pytest.mark.fault(11)
def test_one_width_a_file(tmp_path: Path) -> None:
    path = eccv16(tmp_path, videos=2)
    with h5py.File(path, "r+") as file:
        del file["video_2/features"]
        file["video_2/features"] = np.zeros((7, 5), np.float32)
    with pytest.raises(IntegrityError, match="mixes feature widths"):
        load_benchmark(path)


def test_a_file_without_videos(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["loose"] = 3
    with pytest.raises(IntegrityError, match="holds no video"):
        load_benchmark(tmp_path / "x.h5")


# --- limits


@pytest.mark.fault(11)
@pytest.mark.parametrize("chunks", [None, (1024, 1024)])
@pytest.mark.parametrize("key", ["features", "user_summary", "gtscore"])
def test_absurd_sizes_are_refused_before_they_are_read(
    tmp_path: Path, key: str, chunks: tuple[int, int] | None
) -> None:
    def declare(group: h5py.Group) -> None:
        del group[key]
        shape = (2**31, 1024)  # 8 TiB of float32
        group.create_dataset(key, shape=shape, dtype=np.float32, chunks=chunks)

    with pytest.raises(LimitError, match=rf"video_1/{key} declares shape \(2147483648, 1024\)"):
        load_benchmark(with_changes(tmp_path, declare))


@pytest.mark.fault(11)
def test_the_whole_file_has_a_limit(tmp_path: Path) -> None:
    path = eccv16(tmp_path, videos=3)
    one = 7 * 1024 * 4
    assert len(load_benchmark(path, limits=Limits(file_bytes=4 * one))) == 3
    with pytest.raises(LimitError, match=r"video_3/features .* with those before it"):
        load_benchmark(path, limits=Limits(file_bytes=3 * one))


@pytest.mark.fault(11)
def test_absurd_lengths_and_counts(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="n_frames declares 1099511627776"):
        load_benchmark(with_changes(tmp_path, {"n_frames": 2**40}))
    path = eccv16(tmp_path, videos=3)
    with pytest.raises(LimitError, match="declares 3 videos"):
        load_benchmark(path, limits=Limits(videos=2))
    long = with_changes(tmp_path, {"title": "x" * 70_000})
    with pytest.raises(LimitError, match="70000 characters"):
        load_benchmark(long)


def test_an_array_that_was_never_written(tmp_path: Path) -> None:
    def declare(group: h5py.Group) -> None:
        del group["gtscore"]
        group.create_dataset("gtscore", shape=(7,), dtype=np.float32)

    with pytest.raises(IntegrityError, match="gtscore was declared but never written"):
        load_benchmark(with_changes(tmp_path, declare))


# --- not a file of this kind


@pytest.mark.parametrize("content", [b"", b"x", b"GIF89a" * 100, b"\x89HDF\r\n\x1a\n"[:5]])
def test_other_files_are_bad_input(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.h5").write_bytes(content)
    with pytest.raises(InputError, match="not an HDF5 file"):
        load_benchmark(tmp_path / "x.h5")


def test_missing_and_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        load_benchmark(tmp_path / "none.h5")
    with pytest.raises(InputError, match="is not a file"):
        load_benchmark(tmp_path)


@pytest.mark.fault(11)
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_broken(tmp_path: Path, share: float) -> None:
    path = eccv16(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(IntegrityError, match="truncated"):
        load_benchmark(path)


# --- the three real files


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "dataset", "videos", "recipe"),
    [
        ("summe_blip_wordllama256", "summe", 25, BLIP_WORDLLAMA256),
        ("tvsum_blip_wordllama256", "tvsum", 50, BLIP_WORDLLAMA256),
        ("summe_dino768", "summe", 14, DINO768),
    ],
)
def test_real_files(research_data: Path, name: str, dataset: str, videos: int, recipe: Any) -> None:
    bench = load_benchmark(research_data / "summarization" / f"{name}.h5")
    assert (bench.dataset, len(bench), bench.recipe) == (dataset, videos, recipe)
    for found in bench.videos[:3]:
        assert found.users is not None
        assert found.keyshots is not None
        assert 15 <= len(found.users) <= 20
        assert 0 < found.keyshots.mean() <= 0.15
