"""Moment and highlight metrics against hand-worked numbers, naive loops and independent tools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.protocol import highlights, moments
from tests.oracles import moments as oracle

sklearn_metrics = pytest.importorskip("sklearn.metrics")

# Whole seconds make equal IoUs and equal scores frequent, where the rules are easiest to get wrong.
bounds = st.tuples(st.integers(0, 24), st.integers(1, 12)).map(lambda p: [p[0], p[0] + p[1]])
windows = st.tuples(bounds, st.sampled_from([0.1, 0.5, 0.9])).map(lambda p: [*p[0], p[1]])
queries = st.lists(
    st.tuples(st.lists(windows, max_size=14), st.lists(bounds, min_size=1, max_size=5)),
    min_size=1,
    max_size=6,
)


class TestIou:
    def test_by_hand(self) -> None:
        found = moments.iou([[0, 10], [5, 5]], [[5, 15], [20, 30], [5, 5]])
        # 5 of 15 seconds; apart; a point inside has no length to share.
        np.testing.assert_allclose(found, [[1 / 3, 0, 0], [0, 0, 0]])

    def test_of_nothing(self) -> None:
        assert moments.iou([], [[0, 1]]).shape == (0, 1)

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            ([[5, 4]], "ends before"),
            ([[0, np.nan]], "finite"),
            ([[0, np.inf]], "finite"),
            ([1, 2], "rows"),
            ([[1]], "rows"),
        ],
    )
    def test_refuses(self, bad: Any, why: str) -> None:
        with pytest.raises(ValueError, match=why):
            moments.iou(bad, [[0, 1]])


class TestRecall:
    def test_first_window_counts_even_when_another_scores_higher(self) -> None:
        lists = [[[50, 60, 0.1], [0, 10, 0.9]]]
        assert moments.best_ious(lists, [[[0, 10]]]).tolist() == [0.0]
        assert moments.best_ious(lists, [[[0, 10]]], top=5).tolist() == [1.0]

    def test_best_of_several_true_windows(self) -> None:
        assert moments.best_ious([[[0, 10, 1]]], [[[90, 95], [0, 20]]]).tolist() == [0.5]

    def test_threshold_is_inclusive(self) -> None:
        table = moments.moment_metrics([[[0, 10, 1]]], [[[0, 20]]])
        assert table["MR-full-R1@0.5"] == 100.0
        assert table["MR-full-R1@0.7"] == 0.0

    def test_sixth_window_is_not_among_five(self) -> None:
        far = [[100 + i, 101 + i, 1.0] for i in range(5)]
        assert moments.moment_metrics([[*far, [0, 9, 1]]], [[[0, 9]]])["MR-full-R5@0.3"] == 0.0

    @settings(deadline=None)
    @given(queries)
    def test_agrees_with_loops(self, data: list[Any]) -> None:
        lists, truths = zip(*data, strict=True)
        for top in (1, 5):
            expected = [oracle.best_iou(p, t, top) for p, t in data]
            np.testing.assert_allclose(
                moments.best_ious(lists, truths, top=top), expected, atol=1e-12
            )


class TestAveragePrecision:
    def test_by_hand(self) -> None:
        # Ranks: hit, miss, hit of 2 true: recall .5, .5, 1 at precision 1, 1/2, 2/3.
        lists = [[[0, 10, 0.9], [50, 60, 0.8], [20, 30, 0.7]]]
        found = moments.average_precisions(lists, [[[0, 10], [20, 30]]], thresholds=[0.5])
        np.testing.assert_allclose(found, [[0.5 * 1 + 0.5 * 2 / 3]])

    def test_late_precision_is_interpolated_backwards(self) -> None:
        # Miss, hit, hit: precision 0, 1/2, 2/3; the maximum to the right is 2/3 at both recalls.
        lists = [[[50, 60, 0.9], [0, 10, 0.8], [20, 30, 0.7]]]
        found = moments.average_precisions(lists, [[[0, 10], [20, 30]]], thresholds=[0.5])
        np.testing.assert_allclose(found, [[2 / 3]])

    def test_a_true_window_is_hit_once(self) -> None:
        lists = [[[0, 10, 0.9], [0, 10, 0.8]]]
        found = moments.average_precisions(lists, [[[0, 10], [20, 30]]], thresholds=[0.5])
        np.testing.assert_allclose(found, [[0.5]])

    def test_second_choice_when_the_best_is_taken(self) -> None:
        # Both windows prefer [0, 10]; the second still reaches [0, 14] at IoU 12/14.
        lists = [[[0, 10, 0.9], [0, 12, 0.8]]]
        found = moments.average_precisions(lists, [[[0, 10], [0, 14]]], thresholds=[0.5, 0.86])
        np.testing.assert_allclose(found, [[1.0, 0.5]])

    def test_of_equal_ious_the_later_true_window_is_hit(self) -> None:
        # [2, 12] shares 8 of 12 seconds with both; it takes [4, 14], which [4, 14] then finds gone.
        lists = [[[2, 12, 0.9], [4, 14, 0.8]]]
        found = moments.average_precisions(lists, [[[0, 10], [4, 14]]], thresholds=[0.5])
        np.testing.assert_allclose(found, [[0.5]])

    def test_cut_to_ten_comes_before_the_ranking(self) -> None:
        far = [[100 + i, 101 + i, 0.1] for i in range(10)]
        late = [[*far, [0, 10, 0.99]]]
        assert moments.average_precisions(late, [[[0, 10]]]).max() == 0.0
        assert moments.average_precisions(late, [[[0, 10]]], top=11).min() == 1.0

    def test_score_is_needed(self) -> None:
        with pytest.raises(ValueError, match="score"):
            moments.average_precisions([[[0, 1]]], [[[0, 1]]])

    @settings(deadline=None, max_examples=150)
    @given(queries)
    def test_agrees_with_loops(self, data: list[Any]) -> None:
        lists, truths = zip(*data, strict=True)
        found = moments.average_precisions(lists, truths)
        expected = [
            [oracle.average_precision(p, t, k) for k in moments.IOU_THRESHOLDS] for p, t in data
        ]
        np.testing.assert_allclose(found, expected, atol=1e-12)

    @settings(deadline=None)
    @given(queries)
    def test_truth_predicts_itself(self, data: list[Any]) -> None:
        truths = [np.unique(np.array(t, dtype=float), axis=0) for _, t in data]
        lists = [np.column_stack([t, np.linspace(1, 0, len(t))]) for t in truths]
        assert moments.average_precisions(lists, truths).min() == 1.0


class TestMomentTable:
    LISTS = ([[0, 10, 0.9], [30, 70, 0.2]], [[40, 60, 0.5]], [])
    TRUTHS = ([[0, 8], [30, 70]], [[45, 60]], [[0, 2]])

    def test_by_hand(self) -> None:
        table = moments.moment_metrics(self.LISTS, self.TRUTHS)
        # Query 1: IoU .8 and 1. Query 2: .75. Query 3: nothing predicted, a miss.
        assert table["MR-full-mAP@0.5"] == round(100 * (1 + 1 + 0) / 3, 2) == 66.67
        assert table["MR-full-mAP@0.75"] == 66.67
        # Above .8 query 1 keeps one of two, found at rank 2: 1/2 * 1/2; query 2 has 6 of 10.
        assert table["MR-full-mAP"] == float(f"{100 * ((7 + 3 * 0.25) / 10 + 0.6) / 3:.2f}")
        # Short: [0, 8] at rank 1 and [0, 2]; middle: [45, 60]; long: [30, 70] at rank 2.
        assert table["MR-short-mAP"] == 35.0
        assert table["MR-middle-mAP"] == 60.0
        assert table["MR-long-mAP"] == 50.0
        assert table["MR-full-R1@0.5"] == table["MR-full-R1@0.7"] == 66.67
        assert table["MR-full-mIoU"] == float(f"{100 * (0.8 + 0.75) / 3:.2f}")

    def test_names(self) -> None:
        assert set(moments.moment_metrics(self.LISTS, self.TRUTHS)) == {
            "MR-full-mAP", "MR-full-mAP@0.5", "MR-full-mAP@0.75",
            "MR-short-mAP", "MR-middle-mAP", "MR-long-mAP",
            "MR-full-R1@0.3", "MR-full-R1@0.5", "MR-full-R1@0.7",
            "MR-full-R5@0.3", "MR-full-R5@0.5", "MR-full-R5@0.7", "MR-full-mIoU",
        }  # fmt: skip

    def test_length_ranges_are_open_below_and_closed_above(self) -> None:
        for length, name in ((10, "short"), (11, "middle"), (30, "middle"), (31, "long")):
            table = moments.moment_metrics([[[0, length, 1]]], [[[0, length]]])
            found = {n for n in moments.LENGTHS if table[f"MR-{n}-mAP"] is not None}
            assert found == {name}, length

    @settings(deadline=None)
    @given(queries)
    def test_agrees_with_loops(self, data: list[Any]) -> None:
        lists, truths = zip(*data, strict=True)
        table = moments.moment_metrics(lists, truths)

        def mean(values: list[float]) -> float:
            return 100 * sum(values) / len(values)

        for name, (above, up_to) in moments.LENGTHS.items():
            kept = [(p, oracle.in_range(t, above, up_to)) for p, t in data]
            values = [
                oracle.average_precision(p, t, k)
                for p, t in kept
                if t
                for k in moments.IOU_THRESHOLDS
            ]
            found = table[f"MR-{name}-mAP"]
            assert found is None if not values else found == pytest.approx(mean(values), abs=0.0051)
        for top in (1, 5):
            for t in moments.RECALL_THRESHOLDS:
                reached = [oracle.best_iou(p, g, top) >= t for p, g in data]
                expected = mean([float(r) for r in reached])
                assert table[f"MR-full-R{top}@{t}"] == pytest.approx(expected, abs=0.0051)

    def test_refuses(self) -> None:
        with pytest.raises(ValueError, match="no query"):
            moments.moment_metrics([], [])
        with pytest.raises(ValueError, match="1 lists of windows for 2"):
            moments.moment_metrics([[]], [[[0, 1]], [[0, 1]]])
        with pytest.raises(ValueError, match="at least one true"):
            moments.moment_metrics([[]], [[]])


grades = st.integers(1, 8).flatmap(
    lambda clips: st.tuples(
        st.lists(st.integers(-2, 2).map(lambda v: v / 2), min_size=1, max_size=10),
        st.lists(
            st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=clips, max_size=clips
        ),
    )
)


class TestHighlights:
    def test_by_hand(self) -> None:
        # Ranking: clip 2, 0, 1. Annotator 1 finds clips 0 and 1 Fair, so precision 1/2 and 2/3,
        # interpolated 2/3 twice; annotator 2 only clip 2: 1; annotator 3 none: 0.
        table = highlights.highlight_metrics([[0.5, 0.1, 0.9]], [[[2, 0, 0], [3, 0, 1], [0, 4, 0]]])
        assert table["HL-min-Fair-mAP"] == float(f"{100 * (2 / 3 + 1 + 0) / 3:.2f}")
        assert table["HL-min-Good-mAP"] == float(f"{100 * (1 / 3 + 1 + 0) / 3:.2f}")
        assert table["HL-min-VeryGood-mAP"] == 33.33
        assert [table[f"HL-min-{g}-Hit1"] for g in highlights.GRADES] == [100.0, 100.0, 100.0]

    def test_equal_scores_are_one_point(self) -> None:
        # First 1 of 1, then three tied clips bring two more: precision 3/4. Mean of two points.
        found = highlights.average_precision([9, 5, 5, 5], [[1], [1], [1], [0]])
        np.testing.assert_allclose(found, [(1 + 3 / 4) / 2])

    def test_top_clip_beyond_the_video_is_a_miss(self) -> None:
        table = highlights.highlight_metrics([[0.1, 0.2, 0.9]], [[[4, 4, 4], [0, 0, 0]]])
        assert table["HL-min-Fair-Hit1"] == 0.0
        assert table["HL-min-Fair-mAP"] == 50.0

    def test_missing_clips_score_zero_which_may_win(self) -> None:
        table = highlights.highlight_metrics([[-1.0]], [[[0, 0, 0], [4, 4, 4]]])
        assert table["HL-min-Fair-mAP"] == 100.0
        assert table["HL-min-Fair-Hit1"] == 0.0

    @settings(deadline=None, max_examples=150)
    @given(st.lists(grades, min_size=1, max_size=5))
    def test_agrees_with_loops(self, data: list[Any]) -> None:
        predictions, truths = zip(*data, strict=True)
        table = highlights.highlight_metrics(predictions, truths)
        for name, least in highlights.GRADES.items():
            ap, hit = oracle.highlight_table(predictions, truths, least)
            assert table[f"HL-min-{name}-mAP"] == pytest.approx(100 * ap, abs=0.0051)
            assert table[f"HL-min-{name}-Hit1"] == pytest.approx(100 * hit, abs=0.0051)

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=20))
    def test_agrees_with_scikit_learn(self, clips: list[tuple[int, bool]]) -> None:
        scores, labels = zip(*clips, strict=True)
        found = highlights.average_precision(scores, np.array(labels)[:, None])[0]
        if not any(labels):
            assert found == 0.0
            return
        precision, recall, _ = sklearn_metrics.precision_recall_curve(labels, scores)
        steps = np.flatnonzero(np.diff(recall))
        expected = np.mean(np.maximum.accumulate(precision)[steps])
        assert found == pytest.approx(expected)

    def test_refuses(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            highlights.highlight_metrics([[np.nan]], [[[1, 1, 1]]])
        with pytest.raises(ValueError, match="one number per clip"):
            highlights.highlight_metrics([[]], [[[1, 1, 1]]])
        with pytest.raises(ValueError, match="annotators"):
            highlights.highlight_metrics([[1.0]], [[]])
        with pytest.raises(ValueError, match="no query"):
            highlights.highlight_metrics([], [])
