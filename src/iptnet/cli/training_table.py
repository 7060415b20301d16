"""A joint run as it happens: a table that grows on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from iptnet.cli.console import printable

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

ROWS = 14
PLAIN_SECONDS = 5.0
HIDDEN = ("epoch",)


class TrainingTable:
    """``told(stage, done, total)`` and ``row(run, figures)``; use as a context manager.

    ``IPTNET_QUIET=1`` silences it.
    """

    def __init__(self) -> None:
        self._rows: deque[tuple[str, Mapping[str, float]]] = deque(maxlen=ROWS)
        self._stage = ""
        self._live: Live | None = None
        self._last = 0.0
        self._quiet = os.environ.get("IPTNET_QUIET") == "1"

    def __enter__(self) -> TrainingTable:
        if sys.stderr.isatty() and not self._quiet:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), refresh_per_second=4)
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def told(self, stage: str, done: int, total: int | None) -> None:
        """What is being done, and how far it is."""
        self._stage = f"{printable(stage)} {done}" + (f"/{total}" if total else "")
        self._show(self._stage, final=done == total)

    def row(self, run: str, figures: Mapping[str, float]) -> None:
        """One pass's figures."""
        self._rows.append((run, figures))
        self._show(plain_row(run, figures), final=False)

    def _show(self, line: str, *, final: bool) -> None:
        if self._quiet:
            return
        if self._live is not None:
            self._live.update(self._table())
        elif final or time.monotonic() - self._last >= PLAIN_SECONDS:
            self._last = time.monotonic()
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    def _table(self) -> Table:
        from rich.table import Table

        names = dict.fromkeys(n for _, figures in self._rows for n in figures if n not in HIDDEN)
        table = Table("run", "pass", *names, caption=self._stage, box=None, header_style="bold")
        for run, figures in self._rows:
            cells = [f"{figures[n]:.4f}" if n in figures else "" for n in names]
            table.add_row(run, str(int(figures["epoch"])), *cells)
        return table


def plain_row(run: str, figures: Mapping[str, float]) -> str:
    """The same in one line."""
    shown = "  ".join(f"{n} {v:.4f}" for n, v in figures.items() if n not in HIDDEN)
    return f"{printable(run)} pass {int(figures['epoch'])}: {shown}"
