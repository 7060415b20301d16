"""The cache never trusts an entry, never breaks a caller, and never grows past its limit."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.errors import InputError
from iptnet.features import cache as module
from iptnet.features.cache import FeatureCache, Features, content_sha256, default_folder
from iptnet.features.known import DINO768

RECIPE = replace(DINO768, name="tiny", width=3)
KEY = "ab" * 32


def made(steps: int = 4, dtype: Any = np.float32, **metadata: Any) -> Features:
    rng = np.random.default_rng(steps)
    times = np.cumsum(rng.uniform(0.1, 1, steps))
    return Features(times, rng.normal(size=(steps, 3)).astype(dtype), RECIPE, metadata)


def same(a: Features, b: Features | None) -> bool:
    return (
        b is not None
        and a.vectors.dtype == b.vectors.dtype
        and np.array_equal(a.vectors, b.vectors)
        and np.array_equal(a.times, b.times)
        and a.recipe == b.recipe
        and a.metadata == b.metadata
    )


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "cache")


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("steps", [0, 1, 50])
def test_comes_back_as_it_went(cache: FeatureCache, steps: int, dtype: Any) -> None:
    features = made(steps, dtype, fps=29.97, name="é", warnings=["late start"])
    assert cache.get(KEY, RECIPE) is None
    assert cache.put(KEY, features)
    assert same(features, cache.get(KEY, RECIPE))
    assert len(list(cache.folder.iterdir())) == 1


def test_content_and_recipe_are_the_key(cache: FeatureCache) -> None:
    cache.put(KEY, made())
    assert cache.get("cd" * 32, RECIPE) is None
    assert cache.get(KEY, replace(RECIPE, weights_sha256="other")) is None
    other = replace(made(5), recipe=replace(RECIPE, rate="1/s"))
    cache.put(KEY, other)
    assert same(other, cache.get(KEY, other.recipe))
    assert same(made(), cache.get(KEY, RECIPE))


def test_the_last_writer_wins(cache: FeatureCache) -> None:
    cache.put(KEY, made(4))
    cache.put(KEY, made(6))
    assert same(made(6), cache.get(KEY, RECIPE))


def test_an_entry_under_another_name_is_not_trusted(cache: FeatureCache) -> None:
    cache.put(KEY, made())
    moved = cache.path("cd" * 32, RECIPE)
    cache.path(KEY, RECIPE).rename(moved)
    assert cache.get("cd" * 32, RECIPE) is None
    assert not moved.exists()


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_dropped(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    cache = FeatureCache(tmp_path_factory.mktemp("cache"))
    cache.put(KEY, made(name="x"))
    path = cache.path(KEY, RECIPE)
    whole = bytearray(path.read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole)
    assert cache.get(KEY, RECIPE) is None
    assert not path.exists(), "a broken entry is dropped"


@pytest.mark.parametrize("keep", [0, 4, 8, 20, 200, -1])
def test_a_truncated_entry_is_dropped(cache: FeatureCache, keep: int) -> None:
    cache.put(KEY, made())
    path = cache.path(KEY, RECIPE)
    path.write_bytes(path.read_bytes()[:keep])
    assert cache.get(KEY, RECIPE) is None
    assert not path.exists()
    assert cache.put(KEY, made())
    assert same(made(), cache.get(KEY, RECIPE))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "iptnet/features/9"},
        {"content": "cd" * 32},
        {"recipe": {}},
        {"recipe": replace(RECIPE, rate="1/s").to_dict()},
        {"metadata": ...},
    ],
    ids=lambda c: next(iter(c)),
)
def test_a_forged_entry_with_a_right_digest_is_dropped(
    cache: FeatureCache, change: dict[str, Any]
) -> None:
    from safetensors.numpy import save

    tensors = {"times": made().times, "vectors": np.asarray(made().vectors)}
    head = {
        "schema": module.SCHEMA,
        "content": KEY,
        "recipe": RECIPE.to_dict(),
        "metadata": {},
    }
    for altered, stays in (({}, True), (change, False)):
        text = json.dumps({k: v for k, v in {**head, **altered}.items() if v is not ...})
        path = cache.path(KEY, RECIPE)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(save(tensors, {"iptnet": text, "sha256": module._digest(text, tensors)}))
        assert (cache.get(KEY, RECIPE) is not None) == stays


@pytest.mark.parametrize(
    "key", ["", "x", "AB" * 32, "../" * 20 + "ab", "ab" * 32 + "\n", "a/" * 32]
)
def test_only_a_sha256_names_an_entry(cache: FeatureCache, key: str) -> None:
    with pytest.raises(ValueError, match="not a sha256"):
        cache.get(key, RECIPE)
    with pytest.raises(ValueError, match="not a sha256"):
        cache.put(key, made())


# --- folders


def test_a_folder_that_cannot_be_made_costs_only_the_caching(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = FeatureCache(tmp_path / "file")
    assert cache.get(KEY, RECIPE) is None
    assert not cache.put(KEY, made())
    cache.tidy()


def test_a_read_only_folder_still_serves(
    cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.put(KEY, made())

    # Permissions do not bind root, which tests may run as, so the calls themselves refuse.
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "read-only")

    for name in ("open", "utime", "unlink"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    assert same(made(), cache.get(KEY, RECIPE))
    assert not cache.put("cd" * 32, made())
    monkeypatch.setattr(module, "_digest", lambda *_: "another")
    assert cache.get(KEY, RECIPE) is None


def test_the_default_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("IPTNET_CACHE", raising=False)
    for value, expected in (
        (None, "/home/me/.cache/iptnet"),
        ("", "/home/me/.cache/iptnet"),
        ("relative", "/home/me/.cache/iptnet"),
        ("/xdg", "/xdg/iptnet"),
    ):
        if value is None:
            monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert default_folder() == Path(expected)
    monkeypatch.setenv("IPTNET_CACHE", str(tmp_path))
    assert default_folder() == tmp_path
    assert FeatureCache().folder == tmp_path / "features"


# --- size


def used(cache: FeatureCache, key: str, seconds_ago: float) -> None:
    then = time.time() - seconds_ago
    os.utime(cache.path(key, RECIPE), (then, then))


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    roomy = FeatureCache(tmp_path)
    keys = [f"{i:064x}" for i in range(4)]
    for i, key in enumerate(keys[:3]):
        roomy.put(key, made())
        used(roomy, key, 100 - i)
    size = roomy.path(keys[0], RECIPE).stat().st_size
    assert roomy.get(keys[0], RECIPE) is not None  # used just now
    FeatureCache(tmp_path, max_bytes=3 * size).put(keys[3], made())
    kept = [key for key in keys if roomy.path(key, RECIPE).exists()]
    assert kept == [keys[0], keys[2], keys[3]]


def test_a_new_entry_outlives_older_ones_dated_in_the_future(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.put(KEY, made())
    used(cache, KEY, -1000)
    tight = FeatureCache(tmp_path, max_bytes=cache.path(KEY, RECIPE).stat().st_size)
    assert tight.put("cd" * 32, made())
    assert cache.get(KEY, RECIPE) is None
    assert cache.get("cd" * 32, RECIPE) is not None


def test_what_alone_exceeds_the_limit_is_not_kept(tmp_path: Path) -> None:
    assert not FeatureCache(tmp_path, max_bytes=100).put(KEY, made())
    assert not (tmp_path / "features").exists()


def test_only_old_temporaries_and_own_entries_are_removed(cache: FeatureCache) -> None:
    cache.put(KEY, made())
    folder = cache.folder
    for name in (".old.partial.safetensors", ".new.partial.safetensors", "notes.txt"):
        (folder / name).write_bytes(b"x" * 10_000)
    (folder / "a folder").mkdir()
    past = time.time() - module.STALE_SECONDS - 60
    for name in (".old.partial.safetensors", "notes.txt"):
        os.utime(folder / name, (past, past))
    cache.tidy()
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        [".new.partial.safetensors", "notes.txt", "a folder", cache.path(KEY, RECIPE).name]
    )


def test_processes_share_a_folder(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from tests.features.test_cache import KEY, RECIPE, made, same
from iptnet.features.cache import FeatureCache
cache = FeatureCache(Path(sys.argv[1]), max_bytes=3000)
other = "cd" * 32
for i in range(60):
    assert cache.put(KEY if i % 2 else other, made(40))
    found = cache.get(KEY, RECIPE)
    assert found is None or same(made(40), found)
"""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=Path(__file__).parents[2],
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for child in children:
        _, error = child.communicate(timeout=120)
        assert child.returncode == 0, error
    assert not [p for p in (tmp_path / "features").iterdir() if "partial" in p.name]


# --- features and digests


@pytest.mark.parametrize(
    "change",
    [
        {"times": np.array([0.0, 0.0])},
        {"times": np.array([0.0, np.nan])},
        {"times": np.array([0.0])},
        {"times": np.array([0, 1])},
        {"times": np.zeros((2, 1))},
        {"vectors": np.zeros((2, 4), np.float32)},
        {"vectors": np.zeros((2, 3))},
        {"vectors": np.full((2, 3), np.inf, np.float32)},
    ],
)
def test_features_hold_what_they_say(change: dict[str, Any]) -> None:
    good = {"times": np.array([0.0, 1.0]), "vectors": np.zeros((2, 3), np.float32)}
    Features(**good, recipe=RECIPE)
    with pytest.raises(ValueError, match=r"vectors|features|times"):
        Features(**{**good, **change}, recipe=RECIPE)


@pytest.mark.parametrize("size", [0, 1, module.CHUNK, 2 * module.CHUNK + 7])
def test_content_is_hashed_in_pieces(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "v").write_bytes(data[:size])
    steps: list[tuple[str, int, int]] = []
    digest = content_sha256(tmp_path / "v", lambda *step: steps.append(step))
    assert digest == hashlib.sha256(data[:size]).hexdigest()
    assert len(steps) == -(-size // module.CHUNK)
    assert not steps or steps[-1] == ("hash", size, size)


def test_only_files_are_hashed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("none", "pipe", "."):
        with pytest.raises(InputError):
            content_sha256(tmp_path / name)
