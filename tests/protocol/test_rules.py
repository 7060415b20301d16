from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iptnet.protocol.baseline import random_baseline, random_importance
from iptnet.protocol.human import leave_one_out
from iptnet.protocol.rules import PROTOCOLS, Labels, Protocol, VideoScore, mean_score, score_video
from tests.oracles.correlation import rho, tau_b
from tests.oracles.keyshots import hold, summary
from tests.oracles.scores import f_precision_recall

PICKS = [0, 5, 10, 15]
SHOTS = [(0, 3), (4, 9), (10, 12), (13, 19)]
SCORES = [[1, 2, 5, 3], [4, 1, 2, 2], [2, 2, 3, 5]]  # three users, at the picks
STEPS = [0.1, 0.4, 0.8, 0.3]
TVSUM = replace(PROTOCOLS["tvsum"], ratio=0.4)


@pytest.fixture
def labels() -> Labels:
    scores = [hold(row, PICKS, 20) for row in SCORES]
    return Labels.of(PICKS, SHOTS, 20, user_scores=scores, ratio=0.4)


def test_the_table_says_what_the_literature_says() -> None:
    assert {
        "summe": Protocol(how="max", ratio=0.15, grid="picks", against="each"),
        "tvsum": Protocol(how="mean", ratio=0.15, grid="picks", against="each"),
    } == PROTOCOLS


def test_a_video_is_scored_as_the_oracles_score_it(labels: Labels) -> None:
    users = [summary(hold(row, PICKS, 20), SHOTS, 0.4) for row in SCORES]
    assert labels.user_summaries.tolist() == users
    machine = summary(hold(STEPS, PICKS, 20), SHOTS, 0.4)
    f, precision, recall = np.mean([f_precision_recall(machine, u) for u in users], axis=0)
    tau = np.mean([tau_b(STEPS, row) for row in SCORES])
    expected = (f, precision, recall, tau, np.mean([rho(STEPS, row) for row in SCORES]))
    got = score_video(STEPS, labels, TVSUM)
    assert (got.f, got.precision, got.recall, got.tau, got.rho) == pytest.approx(expected)


def test_ranks_over_frames_or_against_the_mean(labels: Labels) -> None:
    frames = [hold(row, PICKS, 20) for row in SCORES]
    held = hold(STEPS, PICKS, 20)
    over_frames = score_video(STEPS, labels, replace(TVSUM, grid="frames"))
    assert over_frames.tau == pytest.approx(np.mean([tau_b(held, row) for row in frames]))
    against_mean = score_video(STEPS, labels, replace(TVSUM, against="mean"))
    assert against_mean.rho == pytest.approx(rho(STEPS, np.mean(SCORES, axis=0).tolist()))


def test_people_against_each_other(labels: Labels) -> None:
    users = labels.user_summaries.tolist()
    pairs = [(a, b) for a in range(3) for b in range(3) if a != b]
    got = leave_one_out(labels, TVSUM)
    assert got.f == pytest.approx(
        np.mean([f_precision_recall(users[a], users[b])[0] for a, b in pairs])
    )
    assert got.tau == pytest.approx(np.mean([tau_b(SCORES[a], SCORES[b]) for a, b in pairs]))
    assert got.rho == pytest.approx(np.mean([rho(SCORES[a], SCORES[b]) for a, b in pairs]))
    best = leave_one_out(labels, replace(TVSUM, how="max"))
    assert best.f == pytest.approx(
        np.mean(
            [
                max(f_precision_recall(users[a], users[b])[0] for b in range(3) if a != b)
                for a in range(3)
            ]
        )
    )


def test_one_person_cannot_be_left_out() -> None:
    alone = Labels.of(PICKS, SHOTS, 20, user_summary=[[1] * 20])
    with pytest.raises(ValueError, match="two users"):
        leave_one_out(alone, TVSUM)


def test_summaries_rank_when_there_are_no_scores() -> None:
    rows = np.eye(4, 20, dtype=np.uint8)
    given = Labels.of(PICKS, SHOTS, 20, user_summary=rows)
    assert given.importance_on("picks").tolist() == rows[:, PICKS].tolist()
    both = Labels.of(PICKS, SHOTS, 20, user_summary=rows, user_scores=np.full((2, 20), 3.0))
    assert both.importance_on("frames").tolist() == [[3.0] * 20] * 2
    assert both.user_summaries.tolist() == rows.tolist()


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({}, "need user"),
        ({"user_summary": [[1] * 19]}, "20 frames"),
        ({"user_scores": [1] * 20}, "20 frames"),
        ({"user_scores": np.zeros((0, 20))}, "20 frames"),
    ],
)
def test_labels_that_do_not_fit_are_refused(given: dict, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        Labels.of(PICKS, SHOTS, 20, **given)


def test_the_mean_leaves_out_what_is_unknown() -> None:
    unknown = float("nan")
    got = mean_score([VideoScore(0.2, 0, 0, 0.5, 0.5), VideoScore(0.4, 0, 1, unknown, unknown)])
    assert (got.f, got.recall, got.tau) == (pytest.approx(0.3), 0.5, 0.5)
    assert np.isnan(mean_score([VideoScore(0, 0, 0, unknown, 0)]).tau)
    with pytest.raises(ValueError, match="no videos"):
        mean_score([])


def test_random_importance_depends_on_video_draw_and_seed_alone() -> None:
    once = random_importance(50, "summe/a", 3)
    assert once.tolist() == random_importance(50, "summe/a", 3).tolist()
    assert once.min() >= 0
    assert once.max() < 1
    for other in (("summe/b", 3, 0), ("summe/a", 4, 0), ("summe/a", 3, 1)):
        assert not np.array_equal(once, random_importance(50, *other))
    with pytest.raises(ValueError, match="steps"):
        random_importance(0, "summe/a", 0)


def test_the_random_row_is_the_mean_of_its_draws(labels: Labels) -> None:
    row = random_baseline(labels, TVSUM, "v", draws=3, seed=5)
    each = [score_video(random_importance(4, "v", d, 5), labels, TVSUM) for d in range(3)]
    assert row == mean_score(each)
