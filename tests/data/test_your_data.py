"""docs/your-data.md does what it says: its files are written, its code runs, its output appears."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

from iptnet.data.benchmark import BenchmarkVideo, write_benchmark
from iptnet.features.recipe import Recipe

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "your-data.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_document_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # What `iptnet features` would have written: 40 s at 25 frames a second, ten shots.
    starts = np.arange(0, 1000, 100)
    video = BenchmarkVideo(
        key="video_1",
        name="garden",
        features=np.ones((80, 4), np.float32),
        picks=np.arange(80) * 12,
        n_frames=1000,
        fps=25.0,
        change_points=np.column_stack([starts, starts + 99]),
        n_frame_per_seg=np.full(10, 100),
    )
    recipe = Recipe("x", "x", "unknown", "2/s", "x", "none", "none", 4, "x")
    write_benchmark(tmp_path / "features.h5", [video], recipe)
    scope: dict[str, object] = {}
    said, checked = "", 0
    for kind, name, content in BLOCK.findall(DOCUMENT.read_text(encoding="utf-8")):
        if name:
            (tmp_path / name).write_text(content, encoding="utf-8")
        elif kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(content, scope)
            said = out.getvalue()
        else:
            assert (kind, said) == ("output", content)
            checked += 1
    assert checked == 4
