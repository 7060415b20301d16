"""Which videos train, validate and test, by name: never by index.

A video's id is ``dataset/name`` (``summe/Air_Force_One``, whitespace as ``_``); the benchmark
files' keys (``summe/video_1``) name the same videos where a file has no names, and ``ovp/*`` is all
of a set. The lists are JSON files beside this module, drawn by :mod:`iptnet.protocol.draw`. Five
folds part each of SumMe and TVSum, so every video is tested exactly once; splits drawn
independently, as many published ones were, leave some untested and count others twice.

| setting | train | validation | test |
|---|---|---|---|
| canonical | four folds | none | one fold |
| validated | four folds without the validation part | a fifth of the four folds | one fold |
| augmented | four folds and all other sets | none | one fold |
| augmented-validated | as augmented, without the validation part | as validated | one fold |
| transfer | all other sets | none | all of this one |
| transfer-validated | transfer's, without validation | 16 % of TVSum (of SumMe) | all of this one |
| shipped | SumMe and TVSum without the rest | 3 SumMe, 8 TVSum | paluma_jump, playing_ball |
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

Setting = Literal[
    "canonical",
    "validated",
    "augmented",
    "augmented-validated",
    "transfer",
    "transfer-validated",
    "shipped",
]
SETTINGS: tuple[Setting, ...] = get_args(Setting)
TESTED = ("summe", "tvsum")
UNNAMED = ("ovp/*", "youtube/*")  # their public files carry no names: whatever the file holds


@dataclass(frozen=True, slots=True)
class Split:
    """Ids of the videos to train on, to select by, and to test on; ``ovp/*`` is a whole set."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]


def load_splits(setting: Setting, dataset: str | None = None) -> tuple[Split, ...]:
    """The splits of a setting, checked.

    Args:
        setting: a row of the table above.
        dataset: ``"summe"`` or ``"tvsum"``, the set that is tested; not for ``"shipped"``.

    Returns:
        Five splits, or one for the transfer settings and ``"shipped"``.

    Raises:
        ValueError: an unknown setting or dataset, or a split file that contradicts itself.
    """
    if setting not in SETTINGS:
        raise ValueError(f"no setting {setting!r}; there are {', '.join(SETTINGS)}")
    splits: tuple[Split, ...]
    if setting == "shipped":
        splits = (_shipped(),)
    elif dataset not in TESTED:
        raise ValueError(f"{setting} splits exist for {' and '.join(TESTED)}, not {dataset!r}")
    else:
        other = TESTED[1 - TESTED.index(dataset)]
        carve = setting.endswith("validated")
        if setting.startswith("transfer"):
            val = _fold(other, 0)["val"] if carve else ()
            elsewhere = _without(videos_of(other), val)
            splits = (Split(elsewhere + UNNAMED, val, videos_of(dataset)),)
        else:
            joined = videos_of(other) + UNNAMED if setting.startswith("augmented") else ()
            splits = tuple(_canonical(dataset, k, carve, joined) for k in range(5))
    for split in splits:
        check_split(split)
    return splits


def videos_of(dataset: str) -> tuple[str, ...]:
    """Ids of all videos of SumMe or TVSum, in the benchmark files' order."""
    return tuple(f"{dataset}/{name}" for name in _keys(dataset).values())


def check_split(split: Split) -> None:
    """Refuse a split that leaks or is empty.

    Raises:
        ValueError: no training or no test videos, an id that is not ``dataset/name``, a video twice
            in a part or in two parts, under its name or its key, or also meant by ``dataset/*``.
    """
    parts = {"train": split.train, "val": split.val, "test": split.test}
    for part in ("train", "test"):
        if not parts[part]:
            raise ValueError(f"the split's {part} part is empty")
    seen: dict[str, str] = {}
    for part, ids in parts.items():
        for video in ids:
            same = identity(video)
            if same in seen:
                raise ValueError(f"{video} is in {seen[same]} and again in {part}")
            seen[same] = part
    for same, part in seen.items():
        whole = same.split("/")[0] + "/*"
        if same != whole and whole in seen:
            raise ValueError(f"{same} is in {part}, and {whole} in {seen[whole]} means it too")


def test_counts(splits: Iterable[Split]) -> Counter[str]:
    """How often each video is tested; over a proper set of folds, once."""
    return Counter(identity(video) for split in splits for video in split.test)


test_counts.__test__ = False  # type: ignore[attr-defined]  # not a test for pytest to collect


def identity(video: str) -> str:
    """One spelling for one video: whitespace as ``_``, benchmark keys as names.

    Raises:
        ValueError: not ``dataset/name``.
    """
    dataset, slash, name = video.partition("/")
    if not slash or not dataset or not name.strip():
        raise ValueError(f"{video!r} is not an id of the form dataset/name")
    name = re.sub(r"\s+", "_", name.strip())
    return f"{dataset}/{_keys(dataset).get(name, name) if dataset in TESTED else name}"


def missing_from(split: Split, available: Iterable[str]) -> tuple[str, ...]:
    """Ids of the split that ``available`` does not have, ``dataset/*`` included, in order."""
    have = _index(available)
    sets = {f"{same.split('/')[0]}/*" for same in have}
    every = (*split.train, *split.val, *split.test)
    return tuple(v for v in every if identity(v) not in have and v not in sets)


def resolve(split: Split, available: Iterable[str], *, allow_missing: bool = False) -> Split:
    """The split in the ids that a program holds, with ``dataset/*`` spelled out.

    Args:
        split: names, keys or ``dataset/*``.
        available: ids at hand (a mapping's keys will do), by name or by key, one per video.
        allow_missing: leave out what is not at hand, as long as training and test videos remain;
            :func:`missing_from` tells what that was.

    Returns:
        The same split with every id as ``available`` spells it.

    Raises:
        ValueError: videos are missing, or two available ids mean the same video.
    """
    have = _index(available)
    if not allow_missing and (missing := missing_from(split, have.values())):
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise ValueError(f"not among the videos at hand: {', '.join(missing[:5])}{more}")

    def found(ids: tuple[str, ...]) -> tuple[str, ...]:
        out: list[str] = []
        for video in ids:
            if video.endswith("/*"):
                out += [v for same, v in have.items() if same.startswith(video[:-1])]
            elif (same := identity(video)) in have:
                out.append(have[same])
        return tuple(out)

    resolved = Split(found(split.train), found(split.val), found(split.test))
    check_split(resolved)
    return resolved


def _index(available: Iterable[str]) -> dict[str, str]:
    have: dict[str, str] = {}
    for video in available:
        if (same := identity(video)) in have:
            raise ValueError(f"{have[same]} and {video} are the same video")
        have[same] = video
    return have


def _canonical(dataset: str, k: int, carve: bool, joined: tuple[str, ...]) -> Split:
    fold = _fold(dataset, k)
    val = fold["val"] if carve else ()
    train = _without(videos_of(dataset), fold["test"] + val)
    return Split(train + joined, val, fold["test"])


def _shipped() -> Split:
    raw = _read("shipped")
    val, test = tuple(raw["val"]), tuple(raw["test"])
    return Split(_without(videos_of("summe") + videos_of("tvsum"), val + test), val, test)


def _without(videos: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := sorted(set(others) - set(videos)):
        raise ValueError(f"the split files name {unknown[0]}, which is no video of the set")
    return tuple(v for v in videos if v not in others)


def _fold(dataset: str, k: int) -> dict[str, tuple[str, ...]]:
    fold = _read(dataset)["folds"][k]
    return {part: tuple(f"{dataset}/{name}" for name in fold[part]) for part in ("test", "val")}


def _keys(dataset: str) -> Mapping[str, str]:
    """Benchmark key to name."""
    keys: dict[str, str] = _read(dataset)["keys"]
    return keys


@cache
def _read(name: str) -> dict[str, Any]:
    text = (files("iptnet.protocol") / "split_files" / f"{name}.json").read_text(encoding="utf-8")
    raw: dict[str, Any] = json.loads(text)
    return raw
