"""Joined clips: each where it should be, no question that two clips answer, same seed same join."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.data.annotation_file import read_json
from iptnet.data.joined import (
    Clip,
    JoinedVideo,
    join_captions,
    join_clips,
    joined_features,
    joined_queries,
)
from iptnet.timeline import Span


def clips(count: int) -> list[Clip]:
    return [Clip(f"c{k}", 1.0 + k / 4, (f"only {k}", "a person talks")) for k in range(count)]


def test_spans_by_hand() -> None:
    video = JoinedVideo("v", (Clip("a", 2.5, ("x",)), Clip("b", 4.0, ("y",))))
    assert video.spans == (Span(0, 2.5), Span(2.5, 6.5))
    assert video.duration == 6.5


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.none() | st.integers(0, 12), st.integers(0, 9))
def test_every_clip_is_used_equally(
    count: int, per_video: int, videos: int | None, seed: int
) -> None:
    if per_video > count:
        with pytest.raises(ValueError, match="cannot be taken"):
            join_clips(clips(count), per_video=per_video, videos=videos, seed=seed)
        return
    made = join_clips(clips(count), per_video=per_video, videos=videos, seed=seed)
    assert len(made) == (count // per_video if videos is None else videos)
    used: Counter[str] = Counter()
    for video in made:
        names = [c.name for c in video.clips]
        assert len(set(names)) == len(names) == per_video
        used.update(names)
    # After every video some clips may be one round ahead, none two.
    uses = [used[c.name] for c in clips(count)]
    assert max(uses) - min(uses) <= 1


def test_same_seed_same_videos_in_any_order() -> None:
    one = join_clips(clips(20), seed=3)
    assert one == join_clips(clips(20)[::-1], seed=3)
    assert one != join_clips(clips(20), seed=4)
    assert joined_queries(one[0], seed=1) == joined_queries(one[0], seed=1)


def test_names_must_differ() -> None:
    with pytest.raises(ValueError, match="share a name"):
        join_clips([*clips(3), *clips(1)], per_video=2)


def test_only_captions_of_one_clip_ask() -> None:
    video = JoinedVideo(
        "v",
        (
            Clip("a", 2.0, ("A person talks ", "a dog runs")),
            Clip("b", 3.0, ("a person talks", "rain")),
            Clip("c", 1.0, ("RAIN", "a person talks")),
        ),
    )
    for seed in range(20):
        (query,) = joined_queries(video, seed=seed)
        assert (query.query, query.windows, query.duration) == ("a dog runs", (Span(0, 2),), 6.0)


def test_features_move_with_their_clip() -> None:
    video = JoinedVideo("v", (Clip("a", 1.0, ("x",)), Clip("b", 2.0, ("y",))))
    # The last step of a decoder may lie at the very end: it would fall on the next clip's first.
    times, vectors = joined_features(
        video,
        {"a": ([0, 0.5, 1.0], [[1], [2], [3]]), "b": ([0.1, 1.6], [[4], [5]])},
    )
    np.testing.assert_allclose(times, [0, 0.5, 1.1, 2.6])
    np.testing.assert_array_equal(vectors, [[1], [2], [4], [5]])
    with pytest.raises(KeyError):
        joined_features(video, {"a": ([0], [[1]])})
    with pytest.raises(ValueError, match="widths"):
        joined_features(video, {"a": ([0], [[1]]), "b": ([0], [[1, 2]])})
    with pytest.raises(ValueError, match="times for features"):
        joined_features(video, {"a": ([0, 1], [[1]]), "b": ([0], [[1]])})


words = st.sampled_from(["cat", "Cat", "dog", "rain ", "sun", "sea", "car", " "])


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.lists(words, max_size=6), min_size=4),
    st.integers(0, 5),
)
def test_text_videos(captions: dict[str, list[str]], seed: int) -> None:
    def say(clip: str) -> set[str]:
        return {c.strip().casefold() for c in captions[clip]}

    usable = [c for c in captions if len(say(c) - {""}) > 1]
    if len(usable) < 3:
        with pytest.raises(ValueError, match="cannot be taken"):
            join_captions(captions, per_video=3, seed=seed)
        return
    made = join_captions(captions, per_video=3, seed=seed, step=0.5, seconds=(2.0, 4.0))
    assert made == join_captions(captions, per_video=3, seed=seed, step=0.5, seconds=(2.0, 4.0))
    assert len(made) == len(usable) // 3
    for video in made:
        assert video.times == tuple(0.5 * k for k in range(len(video.frames)))
        assert 3 * 4 <= len(video.frames) <= 3 * 8
        for query in video.queries:
            (span,) = query.windows
            clip = str(query.qid).rsplit("/", 1)[1]
            assert 2.0 <= span.duration <= 4.0
            for at, frame in zip(video.times, video.frames, strict=True):
                if span.start <= at < span.end:
                    # The asking caption never stands for a frame of its own clip …
                    assert frame.casefold() != query.query.casefold()
                    assert frame.casefold() in say(clip)
                else:
                    # … nor does any frame elsewhere repeat it.
                    assert frame.casefold() != query.query.casefold()


def test_lengths_that_make_no_sense() -> None:
    captions = {str(k): ["a", str(k)] for k in range(9)}
    for options in ({"step": 0.0}, {"seconds": (5.0, 3.0)}, {"hold": (0, 2)}, {"step": 20.0}):
        with pytest.raises(ValueError, match="no sense"):
            join_captions(captions, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bad", [{"duration": 0.0}, {"duration": float("nan")}, {"captions": (" ",)}]
)
def test_clips_that_cannot_be(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="clip 'a'"):
        Clip(**{"name": "a", "duration": 1.0, "captions": ("x",), **bad})  # type: ignore[arg-type]


@pytest.mark.data
def test_real_captions(research_data: Path) -> None:
    captions = read_json(research_data / "localization" / "msrvtt_trainval_captions.json.gz")
    assert len(captions) == 7010
    made = join_captions(captions, seed=1)
    assert len(made) == 7010 // 8
    asked = sum(len(v.queries) for v in made)
    # A clip is mute only if all of its twenty captions are someone else's too.
    assert asked == 8 * len(made)
    raw = read_json(research_data / "clips" / "captions.json.gz")
    assert len(raw) == 310
    real = [Clip(n, 15.0, tuple(v["captions"])) for n, v in raw.items()]
    assert sum(len(joined_queries(v)) for v in join_clips(real)) == 8 * (310 // 8)
