"""``iptnet score`` prints the community's names and refuses a partial table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text(
        "video,start,end,sentence\na.mp4,0,10,she opens the door\na.mp4,20,30,a dog barks\n",
        encoding="utf-8",
    )
    return path


def predictions(folder: Path, *lines: str) -> Path:
    path = folder / "predictions.txt"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_scores_by_hand(run: Run, tmp_path: Path, truth: Path) -> None:
    # Overlaps 10/10 and 4/16: one of two queries is right at 0.5, mean IoU (1 + .25) / 2.
    given = predictions(tmp_path, "a.mp4 0 10##she opens the door", "a.mp4 26 36##a dog barks")
    code, out, err = run("score", given, truth, "--json")
    assert code == 0, err
    metrics = json.loads(out)["metrics"]
    assert metrics["MR-full-R1@0.5"] == 50.0
    assert metrics["MR-full-mIoU"] == 62.5
    code, out, _ = run("score", given, truth)
    assert code == 0 and "MR-full-R1@0.5" in out and "over 2 queries" in out


def test_a_missing_query_is_refused_unless_allowed(run: Run, tmp_path: Path, truth: Path) -> None:
    given = predictions(tmp_path, "a.mp4 0 10##she opens the door")
    code, out, err = run("score", given, truth)
    assert (code, out) == (3, "") and "lacks 1 of 2" in err
    code, out, err = run("score", given, truth, "--allow-partial")
    assert code == 0 and "over 1 queries" in out and "not comparable" in err
