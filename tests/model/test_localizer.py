from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iptnet import checkpoint as files_of
from iptnet.checkpoint import Checkpoint
from iptnet.errors import InputError, IntegrityError, UsageError
from iptnet.features.known import BLIP_WORDLLAMA256
from iptnet.features.text import TextEncoder
from iptnet.model import vocabulary
from iptnet.model.localization.files import to_checkpoint
from iptnet.model.localization.module import LocalizationConfig, LocalizationModule
from iptnet.model.localizer import Localizer, load_localizer
from iptnet.moments.confidence import GUESS, Background, Confidence
from iptnet.moments.similarity import unit
from tests.moments.test_ranker import ranker

RECIPE = BLIP_WORDLLAMA256
KNOWN = "a dog runs on the beach while two people cook in a kitchen"


def make(decode: str = "ranked", steps: int = 16) -> Localizer:
    torch.manual_seed(0)
    ranked = decode == "ranked"
    config = LocalizationConfig(
        hidden=16, heads=4, steps=steps, similarity=1 if ranked else 0, saliency=ranked
    )
    module = LocalizationModule(config).eval()
    bits = vocabulary.new_filter()
    vocabulary.learn(bits, [KNOWN])
    stored = Checkpoint("localization", {}, (RECIPE,), {})
    if not ranked:
        return Localizer(module, bits, stored)
    draw = np.random.default_rng(9)
    rows = unit(draw.standard_normal((2, 12, 256)).astype(np.float32))
    sentences, pictures = rows.astype(np.float16).astype(np.float32)
    confidence = Confidence((0.5, 0.25, -0.125, 0.3), (1.0, 0.5, 0.1), 0.25)
    background = Background(sentences, np.arange(12) % 5, pictures)
    return Localizer(module, bits, stored, ranker(), confidence, background)


def video(seconds: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(0, seconds, 0.5)
    rows = np.random.default_rng(seed).standard_normal((len(times), 256)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), times


@pytest.mark.parametrize("decode", ["ranked", "spans"])
@pytest.mark.parametrize("seconds", [0.5, 7, 40, 300])
def test_any_length_gets_ranked_moments_inside_the_video(decode: str, seconds: float) -> None:
    lo = make(decode)
    rows, times = video(seconds)
    (found,) = lo.find(rows, times, RECIPE, ["a dog runs"], seconds, top=3)
    assert 1 <= len(found) <= 3
    scores = [m.score for m in found]
    assert scores == sorted(scores, reverse=True)
    for moment in found:
        assert 0 <= moment.start < moment.end <= seconds + 1e-3
        assert moment.query == "a dog runs"
        assert 0 <= moment.score <= 1
        if decode == "spans":  # nothing tells what the span predictor's answers are worth
            assert moment.confidence is None and moment.present is None
        else:
            assert moment.confidence is not None and 0 <= moment.confidence <= 1
            assert moment.present is found[0].present is not None
    values = lo.importance(rows, times, RECIPE, "a dog runs", seconds)
    assert values.shape == times.shape
    assert ((values >= 0) & (values <= 1)).all()


def test_shots_decide_where_moments_end() -> None:
    lo = make()
    rows, times = video(16)
    shots = [[0, 5.3], [5.3, 11.7], [11.7, 16]]
    found = lo.find(rows, times, RECIPE, ["dog"], 16, top=9, shots=shots)[0]
    bounds = {b for m in found for b in (m.start, m.end)}
    step = 0.5
    for bound in bounds:
        near = min((0, 5.3, 11.7, 16), key=lambda c: abs(c - bound))
        assert abs(near - bound) < 1e-6 or abs(near - bound) > step / 2


def test_asking_twice_or_together_changes_nothing() -> None:
    lo = make()
    rows, times = video(30)
    index = lo.encode(rows, times, RECIPE, 30)
    one = index.find(["a dog", "people cook"])
    assert one == [index.find(["a dog"])[0], index.find(["people cook"])[0]]


def test_the_null_query_has_a_map() -> None:
    rows, times = video(10)
    values = make().importance(rows, times, RECIPE, None, 10)
    assert values.shape == times.shape


@pytest.mark.parametrize(
    "query", ["🦄🦄", "собака бежит", "x" * 100_000, "a\x00dog\x1b[31m", "\ud800", "   12 % "]
)
def test_odd_queries_get_an_answer_and_a_warning(query: str) -> None:
    lo = make()
    rows, times = video(10)
    (found,) = lo.find(rows, times, RECIPE, [query], 10)
    assert found
    if "dog" not in query:
        warning = lo.warning(query)
        assert warning is not None
        assert "no word" in warning
        assert len(warning) < 300
        assert all(m.confidence is not None and m.confidence <= GUESS for m in found)


def test_unknown_words_lower_the_confidence_and_are_named() -> None:
    lo = make()
    assert lo.warning("the dog runs on the beach") is None
    warning = lo.warning("the dog blorpts")
    assert warning is not None
    assert "'blorpts'" in warning
    rows, times = video(10)
    index = lo.encode(rows, times, RECIPE, 10)
    known, half = (index.localizer.confidence.confidence(0.6, 0.5, share) for share in (1, 0.5))
    assert half == pytest.approx(known / 2)


def test_two_answers_share_at_most_half_of_the_shorter() -> None:
    lo = make()
    rows, times = video(60)
    found = lo.find(rows, times, RECIPE, ["a dog runs"], 60, top=9)[0]
    assert len(found) > 2
    for k, one in enumerate(found):
        for other in found[:k]:
            shared = min(one.end, other.end) - max(one.start, other.start)
            # The grid's rounding may be undone by half a step at each bound.
            assert shared <= min(one.duration, other.duration) / 2 + 0.5


def test_presence_is_told_at_the_threshold_and_never_of_unknown_words() -> None:
    lo = make()
    rows, times = video(30)
    index = lo.encode(rows, times, RECIPE, 30)
    shown = index.presence("a dog runs")
    assert shown is not None
    for threshold, present in ((shown - 1e-6, True), (shown + 1e-6, False)):
        told = replace(lo, confidence=replace(lo.confidence, threshold=threshold))
        other = told.encode(rows, times, RECIPE, 30)
        assert {m.present for m in other.find(["a dog runs"])[0]} == {present}
    eager = replace(lo, confidence=replace(lo.confidence, threshold=0.0))
    assert not eager.find(rows, times, RECIPE, ["blorpt"], 30)[0][0].present


def test_misuse_is_refused() -> None:
    lo = make()
    rows, times = video(10)
    with pytest.raises(UsageError, match="empty query"):
        lo.find(rows, times, RECIPE, [" \n"], 10)
    with pytest.raises(UsageError, match="top 0"):
        lo.find(rows, times, RECIPE, ["dog"], 10, top=0)
    with pytest.raises(IntegrityError, match="not for"):
        lo.find(rows, times, replace(RECIPE, projection="other"), ["dog"], 10)
    with pytest.raises(InputError, match="256"):
        lo.find(rows[:, :5], times, RECIPE, ["dog"], 10)
    with pytest.raises(InputError, match="ascend"):
        lo.find(rows, times[::-1], RECIPE, ["dog"], 10)
    broken = rows.copy()
    broken[3, 3] = np.nan
    with pytest.raises(IntegrityError, match="NaN"):
        lo.find(broken, times, RECIPE, ["dog"], 10)


def test_saved_and_loaded_it_answers_alike(tmp_path: Path) -> None:
    lo = make()
    path = tmp_path / "localizer.safetensors"
    files_of.save(path, to_checkpoint(lo, (RECIPE,), {"variant": "test"}))
    again = load_localizer(path)
    rows, times = video(20)
    first, second = (m.find(rows, times, RECIPE, ["a dog runs"], 20)[0] for m in (lo, again))
    assert [(m.start, m.end) for m in first] == [(m.start, m.end) for m in second]
    # Half precision on disk.
    np.testing.assert_allclose([m.score for m in first], [m.score for m in second], atol=2e-3)
    assert "embedding" not in " ".join(files_of.load(path).tensors)


def test_constants_and_background_are_saved(tmp_path: Path) -> None:
    lo = make()
    path = tmp_path / "localizer.safetensors"
    files_of.save(path, to_checkpoint(lo, (RECIPE,), {}))
    again = load_localizer(path)
    assert again.confidence == lo.confidence
    assert again.background is not None and lo.background is not None
    np.testing.assert_array_equal(again.background.pictures, lo.background.pictures)
    np.testing.assert_array_equal(again.background.sentences, lo.background.sentences)
    np.testing.assert_array_equal(again.background.lengths, lo.background.lengths)
    assert load_plain(tmp_path).background is None


def load_plain(folder: Path) -> Localizer:
    """The literal module, saved and loaded."""
    path = folder / "plain.safetensors"
    files_of.save(path, to_checkpoint(make("spans"), (RECIPE,), {}))
    return load_localizer(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": 2}, "format 2, not 3"),
        ({"format": None}, "format None"),
        ({"confidence": {"heat": 1.0}}, "presence"),
        ({"confidence": {"presence": [1.0], "right": [1, 0, 0], "threshold": 0.5}}, "figures"),
    ],
)
def test_checkpoints_of_another_version_are_refused(
    tmp_path: Path, change: dict[str, object], why: str
) -> None:
    stored = to_checkpoint(make(), (RECIPE,), {})
    path = tmp_path / "localizer.safetensors"
    files_of.save(path, replace(stored, config={**stored.config, **change}))
    with pytest.raises(IntegrityError, match="version") as caught:
        load_localizer(path)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("background.pictures", torch.zeros(3, 5), "its background"),
        ("background.lengths", torch.full((12,), 9, dtype=torch.uint8), "its background"),
        ("background.lengths", None, "its background"),
        ("ranker.w2", torch.zeros(3, 8, 9), "w2"),
        ("ranker.more", torch.zeros(1), "more"),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    tmp_path: Path, name: str, value: torch.Tensor | None, why: str
) -> None:
    stored = to_checkpoint(make(), (RECIPE,), {})
    path = tmp_path / "localizer.safetensors"
    tensors = {k: v for k, v in {**stored.tensors, name: value}.items() if v is not None}
    files_of.save(path, replace(stored, tensors=tensors))
    with pytest.raises(IntegrityError, match=why):
        load_localizer(path)


def test_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    files_of.save(path, Checkpoint("localization", {"module": {}}, (), {"x": torch.zeros(1)}))
    with pytest.raises(IntegrityError, match="another version"):
        load_localizer(path)
    with pytest.raises(InputError, match="no checkpoint"):
        load_localizer(tmp_path / "absent.safetensors")


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=8), max_size=30))
def test_a_learnt_word_is_never_forgotten(words: list[str]) -> None:
    bits = vocabulary.new_filter()
    vocabulary.learn(bits, [" ".join(words)])
    assert all(vocabulary.knows(bits, w) for w in words)


def test_unlearnt_words_are_rarely_taken_for_known() -> None:
    bits = vocabulary.new_filter()
    vocabulary.learn(bits, [f"{a}{b}word{c}" for a in "abcdefgh" for b in "xyz" for c in "klmno"])
    assert sum(vocabulary.knows(bits, f"zq{k}".replace(str(k), "q" * k)) for k in range(50)) == 0
    assert vocabulary.known_share(bits, "") == (0.0, [])
    assert vocabulary.known_share(bits, "the") == (1.0, [])
    assert vocabulary.known_share(bits, "axwordks and blorpt") == (0.5, ["blorpt"])


def test_token_vectors_average_to_the_sentence() -> None:
    encoder = TextEncoder()
    (rows,) = encoder.token_vectors(["a dog runs"])
    mean = rows.mean(axis=0)
    np.testing.assert_allclose(
        mean / np.linalg.norm(mean), encoder.encode(["a dog runs"])[0], atol=1e-5
    )
    assert encoder.token_vectors(["a dog runs", " "], most=2)[0].shape == (2, 256)
    assert encoder.token_vectors([" "])[0].shape == (0, 256)
