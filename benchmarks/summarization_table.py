"""Write the tables of docs/summarization.md anew from results/summarization.csv.

    python -m benchmarks.summarization_table [--check]

Each table stands between ``<!-- table NAME -->`` and ``<!-- end -->``; ``--check`` writes nothing
and fails when the document differs from what the figures say.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from iptnet.evaluation.published import NOTE, published
from iptnet.evaluation.results import Figure, read_figures
from iptnet.evaluation.table import Cell, Row, Table, summarise

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT, RESULTS = ROOT / "docs" / "summarization.md", ROOT / "results" / "summarization.csv"

MAIN = {
    "default": ("ours", "last epoch"),
    "validated": ("ours, epoch chosen on validation videos", "trained on a fifth less"),
    "regressor": ("one-layer attention regressor", "the baseline; our run"),
    "paper": ("the paper's SM", "12 epochs at 5e-4"),
    "random": ("random scores", "mean of 20 draws"),
    "human": ("human", "each user against the others"),
}
ABLATION = {
    "default": ("ours", ""),
    "no-context": ("− context (raw features, no cues)", ""),
    "mse": ("squared error for correlation", ""),
    "keyshots": ("0/1 keyshots for mean ranks", ""),
    "bce": ("0/1 keyshots, cross-entropy", ""),
    "focal": ("0/1 keyshots, focal loss", ""),
    "paper-losses": ("… and boundary and centrality losses", "read as importance"),
    "paper-boxes": ("… and read through suppressed boxes", ""),
    "paper-no-attention": ("the paper's SM without attention", "12 epochs at 5e-4"),
}
FOURTEEN = {
    "dino14": ("ours on DINO features", ""),
    "captions14": ("ours on captions", ""),
    "random": MAIN["random"],
    "human": MAIN["human"],
}


def tables(figures: list[Figure]) -> dict[str, str]:
    """Name of each table → Markdown."""
    full = [f for f in figures if f.dataset in {"summe", "tvsum"} and f.metric]
    main = [f for f in full if f.variant != "validated" or f.selection == "validation"]
    rows: list[Row] = []
    for dataset in ("summe", "tvsum"):
        rows += [r for r in summarise(main, MAIN) if r.dataset == dataset]
        for method, known in published("canonical", dataset).items():
            rows.append(Row(dataset, method, {m: Cell(v) for m, v in known.items()}, 0, NOTE))
    fourteen = [f for f in figures if f.dataset == "summe-14"]
    return {
        "main": Table("canonical", tuple(rows)).to_markdown(),
        "ablation": Table("canonical", summarise(full, ABLATION)).to_markdown(),
        "fourteen": Table("canonical", summarise(fourteen, FOURTEEN)).to_markdown(),
    }


def rewritten(text: str, figures: list[Figure]) -> str:
    """The document with its tables made from the figures."""
    for name, table in tables(figures).items():
        pattern = rf"(<!-- table {name} -->\n).*?(<!-- end -->)"
        text, found = re.subn(pattern, rf"\g<1>{table}\g<2>", text, flags=re.DOTALL)
        if found != 1:
            raise SystemExit(f"{DOCUMENT} has {found} tables {name}")
    return text


def main() -> None:
    old = DOCUMENT.read_text(encoding="utf-8")
    new = rewritten(old, read_figures(RESULTS))
    if "--check" in sys.argv[1:]:
        raise SystemExit(old != new and f"{DOCUMENT} is out of date: leave --check out")
    DOCUMENT.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
