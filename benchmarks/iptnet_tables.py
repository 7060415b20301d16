"""Make the tables and figures of docs/reproduce.md from results/iptnet.csv.

    python -m benchmarks.iptnet_tables [--check]

Each table stands between ``<!-- table NAME -->`` and ``<!-- end -->``; the figures are
docs/images/figure4.svg and figure5.svg. ``--check`` writes nothing and fails when the document
differs from what the figures say.
"""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bars import Bar, bars
from benchmarks.trials import GROUPS
from iptnet.evaluation.paired import Difference, paired
from iptnet.evaluation.published import NOTE, published
from iptnet.evaluation.results import Figure, read_figures
from iptnet.evaluation.table import Cell, Row, Table, summarise

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT, RESULTS = ROOT / "docs" / "reproduce.md", ROOT / "results" / "iptnet.csv"
IMAGES = ROOT / "docs" / "images"

SETS = {"summe": "SumMe", "tvsum": "TVSum"}
ROWS = {
    "full": ("full", "propagation, teachers, localizer"),
    "-P": ("−P", "no propagation, neither in teaching nor in reading"),
    "-T": ("−T", "no teachers"),
    "-L": ("−L", "the summarizer alone"),
    "-L, read by P": ("−L, read by P", "alone, its map propagated when it is read"),
    "pretrain": ("moments first", "the crude transfer: moments, then summaries"),
    "paper full": ("paper, full", "to the letter; one seed"),
    "paper -P": ("paper, −P", "to the letter; one seed"),
    "paper -T": ("paper, −T", "to the letter; one seed"),
    "paper -L": ("paper, −L", "to the letter; one seed"),
    "random": ("random scores", "mean of 20 draws"),
    "human": ("human", "each user against the others"),
}
PAIRS = (
    ("full", "-L"),
    ("full", "-L, read by P"),
    ("-L, read by P", "-L"),
    ("-T", "-L"),
    ("-P", "-L"),
    ("pretrain", "-L"),
    ("paper full", "paper -L"),
    ("paper -P", "paper -L"),
    ("paper -T", "paper -L"),
)
AUGMENTED = ("full", "-L", "-L, read by P")
TRANSFER = {
    "transfer full": ("full", "teaching at full strength"),
    "transfer -L": ("−L", "the summarizer alone"),
    "transfer pretrain": ("moments first", "three passes over all moments, then summaries"),
}
FEW = {
    "few full": ("full", "teaching at full strength; one seed"),
    "few pretrain": ("moments first", ""),
    "few -L": ("−L", ""),
}
LOCALIZERS = {
    "LM alone": "alone",
    "full": "full",
    "-P": "−P",
    "-T": "−T",
    "paper full": "paper, full",
    "paper -P": "paper, −P",
    "paper -T": "paper, −T",
}
MOMENTS = ("MR-full-R1@0.3", "MR-full-R1@0.5", "MR-full-R1@0.7", "MR-full-mIoU")
DIGITS = {"tau": (1, 3), "rho": (1, 3), "f": (100, 1)}


def of(figures: Sequence[Figure], selection: str = "last", **asked: str) -> list[Figure]:
    """Figures of one selection (references have none) that agree with what is asked."""
    return [
        f
        for f in figures
        if f.selection in (selection, "") and all(getattr(f, k) == v for k, v in asked.items())
    ]


def main_table(figures: Sequence[Figure]) -> str:
    rows: list[Row] = []
    for dataset in SETS:
        own = of(figures, dataset=dataset, setting="canonical")
        rows += summarise(own, ROWS)
        teacher = of(figures, "teacher", dataset=dataset, setting="canonical", variant="full")
        teacher = [f for f in teacher if f.selection == "teacher"]
        rows += summarise(teacher, {"full": ("full, its teacher", "the moving average")})
        for method, known in published("canonical", dataset).items():
            if method == "iPTNet":
                rows.append(Row(dataset, method, {m: Cell(v) for m, v in known.items()}, 0, NOTE))
    return Table("canonical", tuple(rows)).to_markdown()


def shown(d: Difference, metric: str) -> str:
    scale, digits = DIGITS[metric]
    mean, low, high = (f"{scale * x:+.{digits}f}" for x in (d.mean, d.low, d.high))
    text = f"{mean} [{low}, {high}]"
    return f"**{text}**" if d.clear else text


def difference_table(
    figures: Sequence[Figure], pairs: Sequence[tuple[str, str]], setting: str, names: dict[str, str]
) -> str:
    lines = [["set", "difference", "Δτ", "Δρ", "ΔF", "pairs"], ["---"] * 2 + ["---:"] * 4]
    for dataset, title in SETS.items():
        own = of(figures, dataset=dataset, setting=setting)
        measured = {f.variant for f in own}
        for variant, base in pairs:
            if {variant, base} <= measured:
                found = {m: paired(own, variant, base, m) for m in DIGITS}
                cells = [shown(found[m], m) for m in DIGITS]
                label = f"{names[variant]} against {names[base]}"
                lines.append([title, label, *cells, str(found["tau"].pairs)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def setting_table(figures: Sequence[Figure], setting: str, rows: dict[str, tuple[str, str]]) -> str:
    found: list[Row] = []
    for dataset in SETS:
        found += summarise(of(figures, dataset=dataset, setting=setting), rows)
    return Table(setting, tuple(found)).to_markdown()


def localizer_table(figures: Sequence[Figure]) -> str:
    head = [
        "with",
        "localizer",
        "R1@0.3",
        "R1@0.5",
        "R1@0.7",
        "mIoU",
        "ΔmIoU against alone",
        "runs",
    ]
    lines = [head, ["---"] * 2 + ["---:"] * 6]
    alone = of(figures, variant="LM alone", setting="canonical")
    for dataset, title in SETS.items():
        own = of(figures, dataset=f"qvhighlights with {dataset}", setting="canonical")
        base = [Figure(f"qvhighlights with {dataset}", *_rest(f)) for f in alone]
        both = [*own, *base] if dataset != "tvsum" else own
        for variant, label in LOCALIZERS.items():
            cells = []
            for metric in MOMENTS:
                values = [f.value for f in both if f.variant == variant and f.metric == metric]
                if values:
                    cells.append(f"{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f}")
            if not cells:
                continue
            gain = "–"
            if variant != "LM alone" and not variant.startswith("paper"):
                d = paired(both, variant, "LM alone", "MR-full-mIoU")
                gain = f"{d.mean:+.1f} [{d.low:+.1f}, {d.high:+.1f}]"
                gain = f"**{gain}**" if d.clear else gain
            lines.append([title, label, *cells, gain, str(len(values))])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rest(f: Figure) -> tuple[str, str, str, str, str, str, float]:
    return f.setting, f.variant, f.split, f.seed, f.selection, f.metric, f.value


def trial_table(figures: Sequence[Figure], setting: str) -> str:
    """Gain in τ on validation videos over the first trial, ± the standard error over runs."""
    trials, base = list(GROUPS[setting].trials), next(iter(GROUPS[setting].trials))
    own = of(figures, setting=setting, metric="validation tau")
    shown = list(dict.fromkeys(f.dataset for f in own))
    places = {d: sorted({f.split for f in own if f.dataset == d}) for d in shown}
    columns = [(d, None) for d in shown]
    if setting == "transfer":
        columns = [(d, place) for d in shown for place in places[d]]
    names = [SETS.get(d, "both") + (f", {place}" if place else "") for d, place in columns]
    lines = [["trial", *names], ["---"] + ["---:"] * len(names)]
    for trial in trials:
        cells = []
        for dataset, place in columns:
            taus = {
                v: {
                    (f.split, f.seed): f.value
                    for f in own
                    if f.variant == v and f.dataset == dataset and place in (None, f.split)
                }
                for v in (trial, base)
            }
            cells.append(_gain(taus[trial], taus[base], absolute=trial == base))
        lines.append([trial, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _gain(
    values: dict[tuple[str, str], float], base: dict[tuple[str, str], float], *, absolute: bool
) -> str:
    if not values:
        return "–"
    if absolute:
        return f"{statistics.fmean(values.values()):.3f}"
    gains = [values[k] - base[k] for k in values]
    error = f" ± {statistics.stdev(gains) / len(gains) ** 0.5:.3f}" if len(gains) > 1 else ""
    return f"{statistics.fmean(gains):+.3f}{error}"


def tables(figures: list[Figure]) -> dict[str, str]:
    names = {k: v[0] for k, v in (ROWS | TRANSFER | FEW).items()}
    transfer = [(v, "transfer -L") for v in TRANSFER if v != "transfer -L"]
    few = [(v, "few -L") for v in FEW if v != "few -L"]
    return {
        "main": main_table(figures),
        "differences": difference_table(figures, PAIRS, "canonical", names),
        "transfer": setting_table(figures, "transfer", TRANSFER),
        "transfer differences": difference_table(figures, transfer, "transfer", names),
        "few": setting_table(figures, "canonical", FEW),
        "few differences": difference_table(figures, few, "canonical", names),
        "augmented": setting_table(figures, "augmented", {v: ROWS[v] for v in AUGMENTED}),
        "augmented differences": difference_table(
            figures, [p for p in PAIRS if set(p) <= set(AUGMENTED)], "augmented", names
        ),
        "localizers": localizer_table(figures),
        "validated": trial_table(figures, "validated"),
        "across": trial_table(figures, "transfer"),
        "shipped": trial_table(figures, "shipped"),
    }


def pictures(figures: list[Figure]) -> dict[str, str]:
    """The paper's figures 4 (summaries) and 5 (moments), drawn from the same file."""
    variants = ("full", "-P", "-T", "-L")
    panels = []
    for dataset, title in SETS.items():
        for metric, name in (("f", "F %"), ("tau", "τ")):
            scale = DIGITS[metric][0]
            own = of(figures, dataset=dataset, setting="canonical", metric=metric)
            panels.append(
                (f"{title}, {name}", _bars(own, {v: ROWS[v][0] for v in variants}, scale))
            )
    moments = []
    for dataset, title in SETS.items():
        where = f"qvhighlights with {dataset}"
        own = of(figures, dataset=where, setting="canonical", metric="MR-full-mIoU")
        alone = of(figures, variant="LM alone", metric="MR-full-mIoU")
        labels = {v: LOCALIZERS[v] for v in ("full", "-P", "-T", "LM alone")}
        moments.append((f"mIoU %, with {title}", _bars([*own, *alone], labels, 1)))
    return {"figure4.svg": bars(panels), "figure5.svg": bars(moments)}


def _bars(figures: Sequence[Figure], labels: dict[str, str], scale: float) -> list[Bar]:
    found = []
    for variant, label in labels.items():
        values = [scale * f.value for f in figures if f.variant == variant]
        if len(values) > 1:
            spread = statistics.stdev(values) / len(values) ** 0.5
            found.append(Bar(label, statistics.fmean(values), spread))
    return found


def rewritten(text: str, figures: list[Figure]) -> str:
    """The document with its tables made from the figures."""
    for name, table in tables(figures).items():
        pattern = rf"(<!-- table {name} -->\n).*?(<!-- end -->)"
        text, found = re.subn(pattern, lambda m, t=table: m[1] + t + m[2], text, flags=re.DOTALL)
        if found != 1:
            raise SystemExit(f"{DOCUMENT} has {found} tables {name}")
    return text


def main() -> None:
    figures = read_figures(RESULTS)
    old = DOCUMENT.read_text(encoding="utf-8")
    new = rewritten(old, figures)
    drawn = pictures(figures)
    stale = [
        n
        for n, svg in drawn.items()
        if not (IMAGES / n).is_file() or (IMAGES / n).read_text() != svg
    ]
    if "--check" in sys.argv[1:]:
        if old != new or stale:
            raise SystemExit(f"{DOCUMENT} is out of date: leave --check out")
        return
    DOCUMENT.write_text(new, encoding="utf-8")
    for name, svg in drawn.items():
        (IMAGES / name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
