"""The document's tables say what results/summarization.csv says."""

from __future__ import annotations

from benchmarks.summarization_table import DOCUMENT, RESULTS, rewritten, tables
from iptnet.evaluation.results import Figure, read_figures


def test_the_document_is_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert rewritten(text, read_figures(RESULTS)) == text


def test_a_table_is_made_of_the_figures() -> None:
    figures = [
        Figure("tvsum", "canonical", "default", str(k), "0", "last", "tau", value)
        for k, value in enumerate((0.1, 0.3))
    ]
    assert (
        "| tvsum | ours | – | – | – | 0.200 ± 0.141 | – | 2 | last epoch |"
        in (tables(figures)["main"])
    )
