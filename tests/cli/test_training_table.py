"""What a joint run shows: lines in a log, a table on a terminal, nothing when quiet."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from iptnet.cli.training_table import TrainingTable, plain_row

FIGURES = {"epoch": 2.0, "loss": 0.51234, "L_SM": 0.5}


def test_a_row_in_one_line() -> None:
    assert plain_row("tvsum split 1 seed 0", FIGURES) == (
        "tvsum split 1 seed 0 pass 2: loss 0.5123  L_SM 0.5000"
    )
    assert "\n" not in plain_row("a\nb", FIGURES)


def test_plain_lines_come_at_intervals_and_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IPTNET_QUIET", raising=False)
    with TrainingTable() as table:
        table.row("tvsum split 1 seed 0", FIGURES)
        table.row("tvsum split 1 seed 0", FIGURES | {"epoch": 3.0})
        table.told("tvsum split 1 seed 0", 4, 4)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [plain_row("tvsum split 1 seed 0", FIGURES), "tvsum split 1 seed 0 4/4"]


def test_quiet_is_quiet(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPTNET_QUIET", "1")
    with TrainingTable() as table:
        table.row("run", FIGURES)
        table.told("run", 1, 1)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_table_with_a_column_a_term(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("IPTNET_QUIET", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with TrainingTable() as table:
        table.row("tvsum split 1 seed 0", FIGURES)
        table.row("tvsum split 1 seed 0", {"epoch": 3.0, "loss": 0.4, "LS teacher": 0.25})
    shown = screen.getvalue()
    for text in ("pass", "L_SM", "LS teacher", "0.5123", "0.2500"):
        assert text in shown


def test_the_command_refuses_a_run_without_moments(tmp_path: Path) -> None:
    from iptnet.cli.train import Train
    from iptnet.errors import UsageError

    config = tmp_path / "joint.yaml"
    config.write_text("task: iptnet\n", encoding="utf-8")
    with pytest.raises(UsageError, match="sources"):
        Train(config, tmp_path / "out").run()
