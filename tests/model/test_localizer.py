from __future__ import annotations

import math
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
from iptnet.model.localization.calibration import GUESS, Calibration, fit_calibration, logit
from iptnet.model.localization.files import to_checkpoint
from iptnet.model.localization.module import LocalizationConfig, LocalizationModule
from iptnet.model.localization.presence import Background, peaks, presence, unit
from iptnet.model.localization.ranker import Ranker
from iptnet.model.localization.ranking import COLUMNS
from iptnet.model.localizer import Localizer, load_localizer
from iptnet.selection.moments import Consensus

RECIPE = BLIP_WORDLLAMA256
KNOWN = "a dog runs on the beach while two people cook in a kitchen"


def make(decode: str = "ranked", steps: int = 16) -> Localizer:
    torch.manual_seed(0)
    ranked = decode == "ranked"
    config = LocalizationConfig(
        hidden=16, heads=4, steps=steps, similarity=1 if ranked else 0, saliency=ranked
    )
    modules = tuple(LocalizationModule(config).eval() for _ in range(2 if ranked else 1))
    rankers = tuple(Ranker(COLUMNS, 8).eval() for _ in range(2)) if ranked else ()
    bits = vocabulary.new_filter()
    vocabulary.learn(bits, [KNOWN])
    stored = Checkpoint("localization", {}, (RECIPE,), {})
    if not ranked:
        return Localizer(modules, rankers, bits, Calibration(), stored)
    draw = np.random.default_rng(9)
    rows = unit(draw.standard_normal((2, 12, 256))).astype(np.float16).astype(np.float32)
    calibration = Calibration((1.0, 0.5, 0.25, -0.125), 0.3)
    return Localizer(
        modules, rankers, bits, calibration, stored, Consensus(0.03, 0.8), Background(*rows)
    )


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
        assert moment.confidence is not None
        assert 0 <= moment.confidence <= 1
    values = lo.importance(rows, times, RECIPE, "a dog runs", seconds)
    assert values.shape == times.shape
    assert ((values >= 0) & (values <= 1)).all()


def test_shots_decide_where_moments_end() -> None:
    lo = make()
    rows, times = video(16)
    shots = [[0, 5.3], [5.3, 11.7], [11.7, 16]]
    found = lo.find(rows, times, RECIPE, ["dog"], 16, top=9, shots=shots)[0]
    bounds = {b for m in found for b in (m.start, m.end)}
    step = 16 / 16
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
    known = index.localizer.calibration.confidence(0.6, 1.0, (0, 1, 2))
    half = index.localizer.calibration.confidence(0.6, 0.5, (0, 1, 2))
    assert half == pytest.approx(known / 2)


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
    assert again.consensus == Consensus(0.03, 0.8)
    assert again.calibration == lo.calibration
    assert again.background is not None and lo.background is not None
    np.testing.assert_array_equal(again.background.pictures, lo.background.pictures)
    np.testing.assert_array_equal(again.background.sentences, lo.background.sentences)
    assert load_plain(tmp_path).background is None


def load_plain(folder: Path) -> Localizer:
    """The literal module, saved and loaded."""
    path = folder / "plain.safetensors"
    files_of.save(path, to_checkpoint(make("spans"), (RECIPE,), {}))
    return load_localizer(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": 1}, "format 1, not 2"),
        ({"format": None}, "format None"),
        ({"consensus": {"heat": 1.0}}, "heat"),
        ({"calibration": {"slope": 1.0, "offset": 0.0}}, "slopes"),
        ({"calibration": {"slopes": [1.0], "offset": 0.0}}, "calibration"),
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


def test_a_background_of_another_width_is_refused(tmp_path: Path) -> None:
    stored = to_checkpoint(make(), (RECIPE,), {})
    path = tmp_path / "localizer.safetensors"
    tensors = {**stored.tensors, "background.pictures": torch.zeros(3, 5)}
    files_of.save(path, replace(stored, tensors=tensors))
    with pytest.raises(IntegrityError, match="its background"):
        load_localizer(path)


def test_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    files_of.save(path, Checkpoint("localization", {"module": {}}, (), {"x": torch.zeros(1)}))
    with pytest.raises(IntegrityError, match="another version"):
        load_localizer(path)
    with pytest.raises(InputError, match="no checkpoint"):
        load_localizer(tmp_path / "absent.safetensors")


def test_calibration_by_hand() -> None:
    even = Calibration()
    assert even.confidence(0.8) == pytest.approx(0.8)
    assert even.confidence(0.8, 0.0) == GUESS
    assert Calibration((2.0,), 1.0).confidence(0.5) == pytest.approx(1 / (1 + math.exp(-1)))
    three = Calibration((1.0, -2.0, 3.0), 0.5)
    expected = 1 / (1 + math.exp(-(0 - 2 * 0.25 + 3 * 0.1 + 0.5)))
    assert three.confidence(0.5, 1.0, (0.25, 0.1)) == pytest.approx(expected)
    with pytest.raises(ValueError, match="zip"):
        three.confidence(0.5)


@given(st.floats(0.5, 2.0), st.floats(-1, 1), st.floats(-1, 1))
def test_the_fit_finds_the_curve_that_made_the_answers(
    slope: float, other: float, offset: float
) -> None:
    truth = Calibration((slope, other), offset)
    scores = [k / 20 for k in range(1, 20)]
    figures = [math.cos(7 * s) for s in scores]
    # Each score asked twice, right and wrong, in the true proportion: the likelihood's maximum.
    shares = [truth.confidence(s, 1.0, (f,)) for s, f in zip(scores, figures, strict=True)]
    rows = [[logit(s), f] for s, f in zip(scores, figures, strict=True)]
    fitted = fit_calibration(
        rows * 2,
        [True] * len(scores) + [False] * len(scores),
        [1000 * p for p in shares] + [1000 * (1 - p) for p in shares],
    )
    assert fitted.slopes == pytest.approx((slope, other), abs=1e-3)
    assert fitted.offset == pytest.approx(offset, abs=1e-3)
    assert logit(0.0) == pytest.approx(-logit(1.0))


def test_a_fit_of_answers_that_are_all_alike_ends() -> None:
    fitted = fit_calibration([[0.0, 1.0]] * 9, [True] * 9)
    assert 0.9 < fitted.confidence(0.5, 1.0, (1.0,)) <= 1


def test_presence_compares_with_other_sentences_and_other_pictures() -> None:
    steps = np.zeros((20, 3))
    steps[:, 1] = 1
    steps[8:12] = [1, 0, 0]
    background = Background(np.eye(3, dtype=np.float32)[1:], np.eye(3, dtype=np.float32))
    usual = background.usual(steps)
    one, half = peaks(steps, np.eye(3))[:2]
    assert 0.5 < half < one <= 1 or 0.5 < one <= half <= 1
    shown = presence(steps, np.eye(3)[:1], np.full(20, -2.0), background, usual)
    absent = presence(steps, np.eye(3)[2:], np.full(20, -2.0), background, usual)
    assert shown[0] > absent[0] and shown[1] > absent[1]
    assert shown[2] == absent[2] == pytest.approx(-2.0)
    nothing = presence(steps, np.zeros((1, 3)), np.zeros(20), background, usual)
    assert np.isfinite(nothing).all()


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
