from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.protocol.draw import draw_folds, draw_validation, shuffled
from iptnet.protocol.split_lists import load_split_file
from iptnet.protocol.splits import (
    SETTINGS,
    TESTED,
    Split,
    check_split,
    identity,
    load_splits,
    missing_from,
    resolve,
    test_counts,
    videos_of,
)

FOLDED = [s for s in SETTINGS if s.startswith(("canonical", "validated", "augmented"))]


@pytest.mark.parametrize("dataset", TESTED)
@pytest.mark.parametrize("setting", FOLDED)
def test_every_video_is_tested_exactly_once(setting: str, dataset: str) -> None:
    splits = load_splits(setting, dataset)  # type: ignore[arg-type]
    assert len(splits) == 5
    assert test_counts(splits) == Counter(videos_of(dataset))
    own = set(videos_of(dataset))
    for split in splits:
        assert len(split.test) * 5 == len(own)
        assert own == (own & set(split.train)) | set(split.val) | set(split.test)


@pytest.mark.parametrize("dataset", TESTED)
@pytest.mark.parametrize("setting", SETTINGS)
def test_no_part_meets_another(setting: str, dataset: str) -> None:
    for split in load_splits(setting, dataset):  # type: ignore[arg-type]
        assert not set(split.train) & set(split.test)
        assert not set(split.val) & set(split.test)
        assert not set(split.train) & set(split.val)
        assert bool(split.val) == (setting.endswith("validated") or setting == "shipped")


@pytest.mark.parametrize("dataset", TESTED)
def test_settings_differ_in_what_they_say_and_no_more(dataset: str) -> None:
    other = TESTED[1 - TESTED.index(dataset)]
    canonical = load_splits("canonical", dataset)
    validated = load_splits("validated", dataset)
    augmented = load_splits("augmented", dataset)
    for plain, carved, joined in zip(canonical, validated, augmented, strict=True):
        assert plain.test == carved.test == joined.test
        assert set(plain.train) == set(carved.train) | set(carved.val)
        assert joined.train == (*plain.train, *videos_of(other), "ovp/*", "youtube/*")
    (transfer,) = load_splits("transfer", dataset)
    assert transfer == Split((*videos_of(other), "ovp/*", "youtube/*"), (), videos_of(dataset))
    (checked,) = load_splits("transfer-validated", dataset)
    assert set(transfer.train) == set(checked.train) | set(checked.val)
    assert all(video.startswith(f"{other}/") for video in checked.val)


def test_the_shipped_model_never_sees_two_videos() -> None:
    (split,) = load_splits("shipped")
    assert split.test == ("summe/paluma_jump", "summe/playing_ball")
    every = {*videos_of("summe"), *videos_of("tvsum")}
    assert {*split.train, *split.val} == every - set(split.test)


def test_the_files_can_be_drawn_again() -> None:
    folder = files("iptnet.protocol") / "split_files"
    for dataset in TESTED:
        raw = json.loads((folder / f"{dataset}.json").read_text())
        names = list(raw["keys"].values())
        assert [f["test"] for f in raw["folds"]] == [list(t) for t in draw_folds(names)]
        for k, fold in enumerate(raw["folds"]):
            rest = [n for n in names if n not in fold["test"]]
            assert fold["val"] == list(draw_validation(rest, f"{dataset}/{k}"))
    shipped = json.loads((folder / "shipped.json").read_text())
    drawn: list[str] = []
    for dataset in TESTED:
        rest = [v.split("/")[1] for v in videos_of(dataset) if v not in shipped["test"]]
        chosen = draw_validation(rest, f"shipped/{dataset}", 1 / 6)
        drawn += [f"{dataset}/{n}" for n in chosen]
    assert shipped["val"] == drawn


@settings(max_examples=40, deadline=None)
@given(st.sets(st.text(max_size=5), min_size=5, max_size=20), st.integers(2, 5), st.integers())
def test_folds_part_the_names(names: set[str], n_folds: int, seed: int) -> None:
    folds = draw_folds(names, n_folds, seed)
    assert Counter(n for fold in folds for n in fold) == Counter(names)
    assert max(map(len, folds)) - min(map(len, folds)) <= 1
    assert folds == draw_folds(sorted(names, reverse=True), n_folds, seed)


def test_drawing_refuses_what_it_cannot_part() -> None:
    with pytest.raises(ValueError, match="folds"):
        draw_folds(["a", "a", "b"], 2)
    with pytest.raises(ValueError, match="folds"):
        draw_folds(["a"], 2)
    with pytest.raises(ValueError, match="two names"):
        draw_validation(["a"], "x")
    assert shuffled("abcdef", "x") != shuffled("abcdef", "y")


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    ("split", "cause"),
    [
        (Split((), (), ("a/x",)), "train part is empty"),
        (Split(("a/x",), (), ()), "test part is empty"),
        (Split(("a/x",), (), ("a/x",)), "in train and again in test"),
        (Split(("a/x", "a/x"), (), ("a/y",)), "again in train"),
        (Split(("a/x",), ("a/z",), ("a/z",)), "in val and again in test"),
        (Split(("summe/video_1",), (), ("summe/Air Force One", "summe/Air_Force_One")), "again"),
        (Split(("summe/video_24",), (), ("summe/paluma_jump",)), "in train and again in test"),
        (Split(("ovp/*",), (), ("ovp/v7",)), r"ovp/\* in train means it too"),
        (Split(("x",), (), ("a/y",)), "form dataset/name"),
        (Split(("a/ ",), (), ("a/y",)), "form dataset/name"),
    ],
)
def test_leaks_are_refused(split: Split, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        check_split(split)


def test_unknown_settings_and_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="no setting"):
        load_splits("standard", "summe")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="summe and tvsum"):
        load_splits("canonical", "ovp")
    with pytest.raises(ValueError, match="summe and tvsum"):
        load_splits("canonical")


def test_names_keys_and_spaces_are_one_video() -> None:
    assert identity("summe/video_2") == identity("summe/Base jumping") == "summe/Base_jumping"
    assert identity("tvsum/video_1") == "tvsum/AwmHb44_ouw"
    assert identity("ovp/video_1") == "ovp/video_1"


def test_resolving_by_key_and_by_name() -> None:
    by_key = [f"summe/video_{k}" for k in range(1, 26)]
    by_name = [v.replace("_", " ") if "jumping" in v else v for v in videos_of("summe")]
    for split in load_splits("validated", "summe"):
        keyed, named = resolve(split, by_key), resolve(split, by_name)
        for part in ("train", "val", "test"):
            ids, wanted = getattr(keyed, part), getattr(split, part)
            assert [identity(v) for v in ids] == list(wanted)
            assert set(ids) <= set(by_key)
            assert [identity(v) for v in getattr(named, part)] == list(wanted)
            assert set(getattr(named, part)) <= set(by_name)


def test_a_star_is_whatever_is_at_hand() -> None:
    (split,) = load_splits("transfer", "summe")
    at_hand = [*videos_of("summe"), *videos_of("tvsum"), "ovp/video_21", "youtube/video_80"]
    assert resolve(split, at_hand).train == (*videos_of("tvsum"), *at_hand[-2:])
    assert missing_from(split, at_hand) == ()


def test_missing_videos_are_named_or_left_out() -> None:
    split = load_splits("augmented", "summe")[0]
    at_hand = [*videos_of("summe")[:20], "ovp/video_21"]
    with pytest.raises(ValueError, match=r"tvsum/AwmHb44_ouw.* and \d+ more"):
        resolve(split, at_hand)
    assert {"youtube/*", "tvsum/AwmHb44_ouw"} <= set(missing_from(split, at_hand))
    assert "ovp/*" not in missing_from(split, at_hand)
    partial = resolve(split, at_hand, allow_missing=True)
    assert {*partial.train, *partial.test} == set(at_hand)
    with pytest.raises(ValueError, match="test part is empty"):
        resolve(split, videos_of("tvsum"), allow_missing=True)


@pytest.mark.fault(12)
def test_two_ids_for_one_video_are_refused() -> None:
    split = Split(("summe/Jumps",), (), ("summe/Scuba",))
    with pytest.raises(ValueError, match="same video"):
        resolve(split, ["summe/Jumps", "summe/video_12", "summe/Scuba"])


H5 = "../datasets/eccv16_dataset_summe_google_pool5.h5"
YAML = f"""\
- test_keys:
  - {H5}/video_1
  train_keys:
  - {H5}/video_2
  - ../datasets/eccv16_dataset_tvsum_google_pool5.h5/video_1
- test_keys: [{H5}/video_2]
  train_keys: [{H5}/video_1]
  val_keys: [{H5}/video_3]
"""


def test_the_community_s_files_load(tmp_path: Path) -> None:
    file = tmp_path / "summe_aug.yml"
    file.write_text(YAML)
    expected = (
        Split(("summe/video_2", "tvsum/video_1"), (), ("summe/video_1",)),
        Split(("summe/video_1",), ("summe/video_3",), ("summe/video_2",)),
    )
    assert load_split_file(file) == expected
    bare = tmp_path / "splits.json"
    bare.write_text(json.dumps([{"train_keys": ["video_5"], "test_keys": ["video_6"]}]))
    (split,) = load_split_file(bare, "tvsum")
    assert split == Split(("tvsum/video_5",), (), ("tvsum/video_6",))
    assert resolve(split, videos_of("tvsum")).test == ("tvsum/HT5vyqe0Xaw",)


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("a.txt", "[]", "ends in .json"),
        ("a.json", "[1,\n2", "not JSON.*line 2"),
        ("a.yml", "- a: [1\n- b", "not YAML.*line 2"),
        ("a.yml", "- !!python/object:os.system x", "not YAML"),
        ("a.yml", "", "list of splits"),
        ("a.json", "{}", "list of splits"),
        ("a.json", "[]", "list of splits"),
        ("a.json", "[[]]", "split 1: expected train_keys"),
        ("a.json", '[{"train_keys": []}]', "split 1: test_keys is missing"),
        ("a.json", '[{"train_keys": "v", "test_keys": []}]', "train_keys is missing or not a list"),
        ("a.json", '[{"train_keys": ["tvsum.h5/v", 3], "test_keys": []}]', r"train_keys\[1\]"),
        ("a.json", '[{"train_keys": ["v"], "test_keys": ["w"]}]', "does not say its dataset"),
        ("a.json", '[{"train_keys": ["x.h5/v"], "test_keys": ["w"]}]', "does not say its dataset"),
        (
            "a.json",
            '[{"train_keys": ["ovp.h5/v"], "test_keys": ["ovp.h5/w", "ovp.h5/v"]}]',
            "split 1: ovp/v is in train and again in test",
        ),
        ("a.json", "[" * 100_000, "not JSON"),
    ],
)
def test_broken_files_say_where(tmp_path: Path, name: str, text: str, cause: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(ValueError, match=cause) as caught:
        load_split_file(file)
    assert str(file) in str(caught.value)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        load_split_file(tmp_path / "none.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="cannot be read"):
        load_split_file(tmp_path / "b.json")
