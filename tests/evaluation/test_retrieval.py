"""Ranks, recall and average precision, against loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.evaluation.retrieval import average_precision, ranks, retrieval
from tests.oracles import retrieval as oracle


@settings(max_examples=50, deadline=None)
@given(data=st.data(), queries=st.integers(1, 6), gallery=st.integers(1, 7))
def test_ranks_equal_the_loop_with_ties_against_us(
    data: st.DataObject, queries: int, gallery: int
) -> None:
    # Small integers make ties common and sums exact.
    numbers = st.lists(st.integers(-2, 2), min_size=3, max_size=3)
    q = np.array([data.draw(numbers) for _ in range(queries)], np.float32)
    g = np.array([data.draw(numbers) for _ in range(gallery)], np.float32)
    own = np.array([data.draw(st.integers(0, gallery - 1)) for _ in range(queries)])
    expected = [oracle.rank((g @ q[i]).tolist(), int(own[i])) for i in range(queries)]
    assert ranks(q, g, own).tolist() == expected
    found = retrieval(q, g, own)
    assert found.r5 == pytest.approx(100 * np.mean([r <= 5 for r in expected]))
    assert found.median == np.median(expected)
    assert (found.queries, found.gallery) == (queries, gallery)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12))
def test_average_precision_equals_the_walk(items: list[tuple[int, bool]]) -> None:
    scores, relevant = [float(s) for s, _ in items], [r for _, r in items]
    if not any(relevant):
        with pytest.raises(ValueError, match="relevant"):
            average_precision(np.array(scores, np.float32), np.array(relevant))
        return
    found = average_precision(np.array(scores, np.float32), np.array(relevant))
    assert found == pytest.approx(oracle.average_precision(scores, relevant))


def test_the_table_line_reads_well() -> None:
    found = retrieval(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), np.array([0, 1]))
    assert str(found).startswith("R@1/5/10 100.0 / 100.0 / 100.0, median rank 1 (2 queries")
