from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iptnet.features.text import TextEncoder
from iptnet.model.localization.video import GridVideo
from iptnet.moments.confidence import LENGTHS, length_class
from iptnet.training.fitting import Fit
from iptnet.training.localization_arguments import LocalizationArguments, RankingArguments
from iptnet.training.loop import Stop
from iptnet.training.moment_examples import Example
from iptnet.training.ranker_fit import (
    Proposed,
    Videos,
    background_of,
    fit_confidence,
    fit_ranker,
    propose,
)
from tests.training.toys import THINGS


def example(seed: int, *, shown: bool = True) -> Example:
    """Forty steps of noise, ten of which look like the sentence if it is shown."""
    draw = np.random.default_rng(seed)
    query = f"a {THINGS[seed % len(THINGS)]}" if seed % 2 else f"there is a big {THINGS[seed % 8]}"
    vectors = draw.standard_normal((40, 256)).astype(np.float32) / 16
    at = int(draw.integers(2, 28))
    if shown:
        vectors[at : at + 10] += TextEncoder().encode([query])[0]
    video = GridVideo(np.arange(41) / 2, vectors, np.array([at / 2, at / 2 + 5]))
    windows = np.array([[at / 2, at / 2 + 5]]) if shown else np.zeros((0, 2))
    return Example("pixels", video, query, np.zeros((1, 256), np.float32), windows, None, seed % 2)


@pytest.fixture(scope="module")
def cases() -> list[Proposed]:
    return propose([example(k) for k in range(60)], Videos())


def fit(folder: Path) -> Fit:
    arguments = LocalizationArguments(
        decode="ranked", ranking=RankingArguments(heads=2, hidden=16, candidates=24)
    )
    return Fit(arguments, folder, "test", Stop())


def test_candidates_hold_the_truth_and_their_overlap(cases: list[Proposed]) -> None:
    assert all(p.overlap.max() > 0.99 for p in cases)  # the cuts are its bounds
    assert all(len(p.rows) == len(p.overlap) for p in cases)
    (absent,) = propose([example(1, shown=False)], Videos())
    assert not absent.overlap.any()


def test_the_ranker_learns_to_find_it_and_the_confidence_to_doubt(
    cases: list[Proposed], tmp_path: Path
) -> None:
    ranker = fit_ranker(fit(tmp_path), cases)
    # What no head has learned from: other videos.
    others = propose([example(k) for k in range(100, 130)], Videos())
    firsts = [p.overlap[int(np.argmax(ranker.score(p.rows)))] for p in others]
    assert np.mean(np.array(firsts) >= 0.5) > 0.9
    absent = propose([example(k, shown=False) for k in range(60)], Videos())
    background = background_of([p.example for p in cases], ["a dog", "cat"], 0)
    made = fit_confidence(ranker, cases, absent, background)
    assert 0 < made.threshold < 1
    assert made.confidence(0.9, 0.95) > 0.6 > 0.2 > made.confidence(0.2, 0.05)


def test_a_head_never_learns_from_its_part(tmp_path: Path, cases: list[Proposed]) -> None:
    """Wrong answers in part 0 spoil the head that learns them, and only that one."""
    spoiled = [
        Proposed(p.rows, 1 - p.overlap, p.pairs, p.example) if p.example.part == 0 else p
        for p in cases
    ]
    ranker = fit_ranker(fit(tmp_path), spoiled)
    right = np.zeros(2)
    for case in (p for p in cases if p.example.part == 1):
        best = ranker.by_head(case.rows).argmax(axis=1)
        right += case.overlap[best] >= 0.5
    # Head 0 learned part 1 alone, which is true; head 1 learned part 0 alone, which is not.
    assert right[0] > 25 > 5 > right[1]


def test_the_background_has_sentences_of_each_length() -> None:
    examples = [example(k) for k in range(20)]
    texts = ["dog", "black dog", "a dog runs", "a man plays the guitar on a stage at night"]
    background = background_of(examples, texts, 0)
    assert set(background.lengths) == set(range(len(LENGTHS) + 1))
    assert background.sentences.shape == (len(background.lengths), 256)
    np.testing.assert_allclose(np.linalg.norm(background.pictures, axis=1), 1, atol=1e-5)
    assert length_class(1) in background.lengths
