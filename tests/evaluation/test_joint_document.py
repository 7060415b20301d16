"""The joint model's document says what results/iptnet.csv says, and how its tables come about."""

from __future__ import annotations

from pathlib import Path

from benchmarks.iptnet_tables import DOCUMENT, IMAGES, RESULTS, pictures, rewritten, trial_table
from benchmarks.trials import GROUPS, arguments_of
from iptnet.evaluation.results import Figure, read_figures
from iptnet.training.joint import phases_of


def test_the_document_and_its_pictures_are_up_to_date() -> None:
    figures, text = read_figures(RESULTS), DOCUMENT.read_text(encoding="utf-8")
    assert rewritten(text, figures) == text
    for name, svg in pictures(figures).items():
        assert (IMAGES / name).read_text(encoding="utf-8") == svg, name


def test_gains_are_paired_with_the_first_trial() -> None:
    figures = [
        Figure("summe", "validated", trial, split, "0", "last", "validation tau", value)
        for trial, values in (("−L", (0.1, 0.2)), ("full, weight 1", (0.2, 0.26)))
        for split, value in zip("01", values, strict=True)
    ]
    lines = trial_table(figures, "validated").splitlines()
    assert lines[0] == "| trial | SumMe |"
    assert "| −L | 0.150 |" in lines
    # Gains .10 and .06: mean .08, standard error .02.
    assert "| full, weight 1 | +0.080 ± 0.020 |" in lines
    assert "| moments first | – |" in lines


def test_every_trial_is_a_configuration(tmp_path: Path) -> None:
    seen = set()
    for name, group in GROUPS.items():
        for trial in group.trials:
            arguments = arguments_of(group, trial, [], tmp_path / "trial.yaml")
            assert arguments.variant == trial and phases_of(arguments)
            assert arguments.setting == name
            seen.add((name, repr(arguments)))
    assert len(seen) == sum(len(g.trials) for g in GROUPS.values())
