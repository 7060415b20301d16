"""QVHighlights: every kind of bad row, the thresholds, the folds, and the real file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.data.moments import MomentQuery, clip_saliency
from iptnet.data.qvhighlights import (
    fold_of,
    load_clip_captions,
    load_qvhighlights,
    source_video,
    split_folds,
)
from iptnet.errors import InputError
from iptnet.timeline import Span

GOOD: dict[str, Any] = {
    "qid": 1,
    "query": "A dog runs.",
    "duration": 10,
    "vid": "abcdefghijk_60.0_210.0",
    "relevant_windows": [[2, 6], [8, 10]],
    "relevant_clip_ids": [1, 2, 4],
    "saliency_scores": [[1, 2, 3], [4, 4, 4], [0, 0, 1]],
}


def write(path: Path, rows: list[Any]) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_reads_a_row(tmp_path: Path) -> None:
    found = load_qvhighlights(write(tmp_path / "a.jsonl", ["", GOOD]))
    (query,) = found.queries
    assert query.windows == (Span(2, 6), Span(8, 10))
    assert (query.qid, query.duration, query.line) == (1, 10.0, 2)
    np.testing.assert_array_equal(query.window_array, [[2, 6], [8, 10]])
    np.testing.assert_array_equal(
        clip_saliency(query), [[0, 0, 0], [1, 2, 3], [4, 4, 4], [0, 0, 0], [0, 0, 1]]
    )
    assert (found.report.rows, found.report.kept, found.report.rejected) == (1, 1, 0)


def test_grades_are_optional_together(tmp_path: Path) -> None:
    row = {k: v for k, v in GOOD.items() if k not in {"relevant_clip_ids", "saliency_scores"}}
    (query,) = load_qvhighlights(write(tmp_path / "a.jsonl", [row])).queries
    with pytest.raises(ValueError, match="no graded clips"):
        clip_saliency(query)


BAD = [
    ("not JSON", "{"),
    ("not JSON", '{"qid": NaN}'),
    ("wrong type", "[1]"),
    ("wrong type", GOOD | {"qid": True}),
    ("wrong type", GOOD | {"qid": 1.5}),
    ("wrong type", GOOD | {"query": 3}),
    ("wrong type", GOOD | {"duration": "10"}),
    ("wrong type", GOOD | {"duration": 10**400}),
    ("wrong type", GOOD | {"relevant_windows": "2 to 6"}),
    ("wrong type", GOOD | {"relevant_windows": [[2, 6, 1]]}),
    ("wrong type", GOOD | {"relevant_windows": [["2", 6]]}),
    ("empty text", GOOD | {"query": " \t"}),
    ("no window", GOOD | {"relevant_windows": []}),
    ("missing field", {k: v for k, v in GOOD.items() if k != "vid"}),
    ("missing field", {k: v for k, v in GOOD.items() if k != "saliency_scores"}),
    ("end not after start", GOOD | {"relevant_windows": [[6, 2]]}),
    ("end not after start", GOOD | {"relevant_windows": [[6, 6]]}),
    ("start before 0", GOOD | {"relevant_windows": [[-1, 2]]}),
    ("end beyond duration", GOOD | {"relevant_windows": [[2, 10.5]]}),
    ("saliency", GOOD | {"relevant_clip_ids": [1, 2]}),
    ("saliency", GOOD | {"relevant_clip_ids": [1, 2, 5]}),
    ("saliency", GOOD | {"relevant_clip_ids": [1, 2, -1]}),
    ("saliency", GOOD | {"relevant_clip_ids": [1, 2, 2]}),
    ("saliency", GOOD | {"saliency_scores": [[1, 2, 3], [4, 4, 4], [0, 0]]}),
    ("saliency", GOOD | {"saliency_scores": [[1, 2, 3], [4, 4, 4], 1]}),
    ("saliency", GOOD | {"saliency_scores": [[1, 2, 3], [4, 4, 4], [0, 0, 5]]}),
    ("saliency", GOOD | {"saliency_scores": [[1, 2, 3], [4, 4, 4], [0, 0, "1"]]}),
    ("duplicate qid", GOOD | {"qid": 100}),
    ("unknown video", GOOD | {"vid": "elsewhere"}),
]


@pytest.mark.fault(12)
@pytest.mark.parametrize(("kind", "row"), BAD, ids=[f"{i}-{k}" for i, (k, _) in enumerate(BAD)])
def test_bad_rows_are_counted_and_named(tmp_path: Path, kind: str, row: Any) -> None:
    many = [GOOD | {"qid": 100 + i} for i in range(30)]
    path = write(tmp_path / "a.jsonl", [*many, row])
    found = load_qvhighlights(path, known_videos={str(GOOD["vid"])})
    assert len(found.queries) == found.report.kept == 30
    assert found.report.counts == {kind: 1}
    assert found.report.problems[0].line == 31
    assert f"{path}, line 31: {kind}" in found.report.text
    with pytest.raises(InputError, match=rf"1 of 31 rows are unusable .* line 31: {kind}"):
        load_qvhighlights(path, known_videos={str(GOOD["vid"])}, max_bad=0.01)


def test_threshold_is_a_share_that_may_be_reached(tmp_path: Path) -> None:
    rows = [GOOD | {"qid": i} for i in range(19)]
    assert load_qvhighlights(write(tmp_path / "a", [*rows, "x"])).report.rejected == 1
    with pytest.raises(InputError, match="2 of 20 rows"):
        load_qvhighlights(write(tmp_path / "b", [*rows[1:], "x", "y"]))


@pytest.mark.fault(12)
def test_a_file_without_any_usable_row_is_refused_at_any_threshold(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 of 1 rows"):
        load_qvhighlights(write(tmp_path / "a", ["x"]), max_bad=1.0)
    with pytest.raises(InputError, match="holds no rows"):
        load_qvhighlights(write(tmp_path / "b", []))


def test_overruns_can_be_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [GOOD | {"relevant_windows": [[2, 11]]}])
    assert load_qvhighlights(path, keep_overruns=True).queries[0].windows == (Span(2, 11),)


@pytest.mark.fault(12)
@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(sorted(GOOD)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=4),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_any_json_is_a_query_or_a_named_problem(
    tmp_path_factory: pytest.TempPathFactory, change: dict[str, Any]
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "any.jsonl", [GOOD | {"qid": "a"}, GOOD | change])
    found = load_qvhighlights(path, max_bad=0.6)
    assert len(found.queries) + sum(found.report.counts.values()) == 2
    for query in found.queries:
        assert all(w.end <= (query.duration or 0) for w in query.windows)
        assert clip_saliency(query).shape[1] == 3 if query.saliency else True


class TestFolds:
    def test_source_of_a_cut(self) -> None:
        assert source_video("-bcd_fghij-_210.0_360.0") == "-bcd_fghij-"
        assert source_video("a_b_c_d_e_f_60.0_210.0") == "a_b_c_d_e_f"
        assert source_video("holiday.mp4") == "holiday.mp4"

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), min_size=1, max_size=60),
        st.integers(2, 6),
        st.integers(0, 3),
    )
    def test_disjoint_by_source_and_complete(
        self, cuts: list[tuple[int, int]], folds: int, seed: int
    ) -> None:
        queries = [
            MomentQuery(i, f"source-{s:04d}_{60 * c}.0_{60 * c + 150}.0", "x", (Span(0, 1),))
            for i, (s, c) in enumerate(cuts)
        ]
        validated: list[int | str] = []
        for train, validation in split_folds(queries, folds, seed):
            mine = {source_video(q.video) for q in train}
            theirs = {source_video(q.video) for q in validation}
            assert not mine & theirs
            assert len(train) + len(validation) == len(queries)
            validated += [q.qid for q in validation]
        assert sorted(map(int, validated)) == list(range(len(queries)))

    def test_stay_as_they_are(self) -> None:
        # Figures in results/ and configs/ are measured on these folds.
        found = [fold_of(f"{letter * 11}_60.0_210.0") for letter in "abcdefgh"]
        assert found == [0, 3, 0, 0, 2, 2, 2, 4]


@pytest.mark.data
def test_the_real_file(research_data: Path) -> None:
    folder = research_data / "localization"
    captions = load_clip_captions(folder / "qvhighlights_val_captions.json.gz")
    found = load_qvhighlights(folder / "qvhighlights_val.jsonl.gz", known_videos=captions)
    assert found.report.rows == found.report.kept == len(found.queries) == 1550
    assert len({q.video for q in found.queries}) == len(captions) == 1519
    assert len({source_video(q.video) for q in found.queries}) == 474
    # The windows are the runs of graded clips.
    for query in found.queries:
        runs = [c for w in query.windows for c in range(int(w.start / 2), int(w.end / 2))]
        assert sorted(runs) == list(query.clips)
    sizes = [len(validation) for _, validation in split_folds(found.queries)]
    assert sizes == [306, 317, 309, 312, 306]
    # Captions of a few videos miss a clip or two at the end, never more.
    lacking = [int((q.duration or 0) / 2) - len(captions[q.video]) for q in found.queries]
    assert (min(lacking), max(lacking)) == (0, 1)


def test_captions_of_another_shape(tmp_path: Path) -> None:
    for content in ([], {}, {"a": "text"}, {"a": []}, {"a": [1]}):
        path = tmp_path / "c.json.gz"
        path.write_bytes(gzip.compress(json.dumps(content).encode()))
        with pytest.raises(InputError, match=r"c\.json\.gz"):
            load_clip_captions(path)
