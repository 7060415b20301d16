from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iptnet.model.localization.presence import Background
from iptnet.model.localization.video import GridVideo
from iptnet.selection.moments import Consensus, agreement, overlaps
from iptnet.training.moment_examples import Example
from iptnet.training.ranker_fit import (
    MIXES,
    TEMPERATURES,
    Judged,
    Proposed,
    background_of,
    calibrate,
    choose_consensus,
)


def example(seed: int, shown: bool = True) -> Example:
    draw = np.random.default_rng(seed)
    vectors = draw.standard_normal((20, 8)).astype(np.float32)
    tokens = draw.standard_normal((3, 8)).astype(np.float32)
    if shown:
        vectors[5:10] = 3 * tokens.mean(axis=0)
    video = GridVideo(np.arange(21.0), vectors, np.zeros(0))
    windows = np.array([[5.0, 10.0]]) if shown else np.zeros((0, 2))
    return Example("pixels", video, f"sentence {seed}", tokens, windows, None, seed % 2)


def judged(asked: Example, windows: list[list[float]], scores: list[float]) -> Judged:
    spans = np.array(windows)
    overlap = np.zeros(len(spans), np.float32)
    if len(asked.windows):
        every = overlaps(np.concatenate([asked.windows, spans]))
        overlap = every[0, 1:].astype(np.float32)
    case = Proposed(
        np.zeros((len(spans), 1), np.float32), spans, overlap, np.zeros(20, np.float32), asked
    )
    return Judged(case, np.array(scores))


def test_the_consensus_is_chosen_where_it_answers_right() -> None:
    # Three that agree are right; the lone best is not: only a consensus finds them.
    crowd = [[5.0, 10.0], [5.0, 10.5], [4.8, 10.0], [14.0, 19.0]]
    cases = [judged(example(k), crowd, [0.5, 0.5, 0.5, 0.55]) for k in range(4)]
    chosen = choose_consensus(cases)
    assert chosen.mix > 0
    for case in cases:
        agreed = agreement(overlaps(case.case.windows), case.scores, chosen)
        assert case.case.overlap[int(np.argmax(agreed))] > 0.7
    assert chosen.temperature in TEMPERATURES and chosen.mix in MIXES


def test_no_consensus_where_the_best_alone_is_right() -> None:
    crowd = [[14.0, 19.0], [14.0, 19.5], [13.8, 19.0], [5.0, 10.0]]
    cases = [judged(example(k), crowd, [0.5, 0.5, 0.5, 0.52]) for k in range(4)]
    assert choose_consensus(cases).mix <= 0.2


def test_the_confidence_tells_what_is_not_shown() -> None:
    windows = [[5.0, 10.0], [12.0, 18.0]]
    shown = [judged(example(k), windows, [0.6, 0.3]) for k in range(40)]
    absent = [judged(example(100 + k, shown=False), windows, [0.6, 0.3]) for k in range(40)]
    background = background_of([j.case.example for j in shown], 0)
    assert background.sentences.shape == (40, 8)
    np.testing.assert_allclose(np.linalg.norm(background.pictures, axis=1), 1, atol=1e-5)
    fitted = calibrate([*shown, *absent], Consensus(), background)
    # The score is the same everywhere: only the other figures can tell.
    assert max(fitted.slopes[1:3]) > 0.1
    alone = calibrate(shown, Consensus(), background)
    assert alone.confidence(0.6, 1.0, (3.0, 3.0, 0.0)) > 0.5


def test_equal_videos_have_one_usual_match(monkeypatch: pytest.MonkeyPatch) -> None:
    first = example(0)
    cases = [judged(replace(first, query=str(k)), [[5.0, 10.0]], [0.5]) for k in range(5)]
    asked = list[int]()
    usual = Background.usual
    monkeypatch.setattr(Background, "usual", lambda s, v: asked.append(1) or usual(s, v))
    calibrate(cases, Consensus(), background_of([first], 0))
    assert len(asked) == 1
