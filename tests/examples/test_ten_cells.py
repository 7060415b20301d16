"""The notebook runs as a newcomer would run it: in an empty folder, without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "ten_cells.ipynb"
RUNNER = Path(__file__).with_name("cells.py")


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_has_ten_cells_and_is_light() -> None:
    cells = code_cells(NOTEBOOK)
    assert len(cells) == 10
    assert all(cell.outputs for cell in cells), "IPTNET_NOTEBOOK=1 stores them"
    text = NOTEBOOK.read_text("utf-8")
    assert len(text) < 40_000 and "/work/" not in text and "/home/" not in text


@pytest.mark.slow
def test_it_runs(tmp_path: Path) -> None:
    """``IPTNET_NOTEBOOK=1`` stores what it shows."""
    executed = tmp_path / "executed.ipynb"
    environment = os.environ | {
        "IPTNET_CACHE": str(tmp_path / "cache"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PYTHONWARNINGS": "error::SyntaxWarning",
        # Whoever asks for the network gets nowhere.
        **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9"),
    }
    done = subprocess.run(
        [sys.executable, str(RUNNER), str(NOTEBOOK), str(executed)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    made = tmp_path / "ten-cells"
    assert {p.name for p in made.iterdir()} == {"demo.mp4", "summary", "exports", "demo.h5"}
    cells = code_cells(executed)
    stored = code_cells(NOTEBOOK)
    # The same kinds of output; figures may change with the weights.
    for now, before in zip(cells, stored, strict=True):
        assert [o.output_type for o in now.outputs] == [o.output_type for o in before.outputs]
    shown = "".join(o.get("text", "") for cell in cells for o in cell.outputs)
    assert "FCM: NON-DROP FRAME" in shown and "change_points" in shown
    if os.environ.get("IPTNET_NOTEBOOK") == "1":
        NOTEBOOK.write_bytes(executed.read_bytes())
