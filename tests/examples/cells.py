"""Run a notebook's cells as IPython does, without a kernel: ``cells.py NOTEBOOK EXECUTED``.

A kernel would need sockets and a dozen more packages, and show the same.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat import v4

LIGHT = 20_000
"""Characters of an output that is worth storing; a photograph is not."""


class Silent(DisplayHook):
    """Keeps the value of a cell's last line without printing it."""

    def start_displayhook(self) -> None: ...

    def write_output_prompt(self) -> None: ...

    def write_format_data(self, *_: Any) -> None: ...

    def finish_displayhook(self) -> None: ...


def execute(notebook: nbformat.NotebookNode) -> None:
    """Run the code cells in order and keep what they show; the first error ends it."""
    InteractiveShell.displayhook_class = Silent
    shell = InteractiveShell.instance()
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1):
        with capture_output() as captured:
            result = shell.run_cell(cell.source)
        sys.stderr.write(captured.stderr)
        result.raise_error()
        cell.execution_count = number
        cell.outputs = [v4.new_output("stream", text=captured.stdout)] if captured.stdout else []
        if result.result is not None:
            data, _ = shell.display_formatter.format(result.result)
            kept = {kind: value for kind, value in data.items() if len(value) <= LIGHT}
            cell.outputs.append(v4.new_output("execute_result", kept, execution_count=number))


if __name__ == "__main__":
    read = nbformat.read(sys.argv[1], 4)
    execute(read)
    nbformat.write(read, Path(sys.argv[2]))
