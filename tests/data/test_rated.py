"""Folders of rated videos: what is read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from iptnet.data.rated import load_rated, per_segment
from iptnet.errors import InputError

RATED = Path(__file__).resolve().parents[3] / "shared" / "data" / "rated"


def folder(tmp_path: Path, *tables: object) -> Path:
    (tmp_path / "videos").mkdir(exist_ok=True)
    for name in ("talk.mp4", "dogs.webm"):
        (tmp_path / "videos" / name).touch()
    for rater, table in zip("ABC", tables, strict=False):
        (tmp_path / f"ratings_{rater}.json").write_text(json.dumps(table))
    return tmp_path


def test_marks_of_all_raters_are_read_in_the_order_of_names(tmp_path: Path) -> None:
    found = load_rated(
        folder(tmp_path, {"talk": [1, 2, 3], "dogs": [5, 5]}, {"dogs": [4, 1], "talk": [3, 2, 1]})
    )
    assert [v.name for v in found] == ["dogs", "talk"]
    assert found[1].marks.tolist() == [[1, 2, 3], [3, 2, 1]]
    assert found[0].path.name == "dogs.webm"


@pytest.mark.parametrize(
    ("tables", "cause"),
    [
        ((), "no ratings"),
        (([1, 2],), "no table"),
        (({"talk": [1, 6]},), "mark 6"),
        (({"talk": [1, True]},), "mark True"),
        (({"talk": [1, "3"]},), "mark"),
        (({"talk": 3},), "no row"),
        (({"talk": [1, 2]}, {"dogs": [1, 2]}), "different videos"),
        (({"talk": [1, 2]}, {"talk": [1, 2, 3]}), "different lengths"),
        (({"cats": [1, 2]},), "no film cats"),
    ],
)
def test_unfit_folders_are_refused_by_name(
    tmp_path: Path, tables: tuple[object, ...], cause: str
) -> None:
    with pytest.raises(InputError, match=cause):
        load_rated(folder(tmp_path, *tables))


def test_a_segment_has_the_mean_of_its_samples() -> None:
    times = np.arange(10) / 2
    assert per_segment(times, np.arange(10.0), 2).tolist() == [1.5, 5.5]
    rows = per_segment(times, np.stack([np.arange(10.0), -np.arange(10.0)], axis=1), 3)
    assert rows.tolist() == [[1.5, -1.5], [5.5, -5.5], [8.5, -8.5]]
    assert per_segment(times, np.arange(10.0), 4)[3] == 9, "nothing is sampled there"


@pytest.mark.data
@pytest.mark.skipif(not RATED.exists(), reason="needs the research data in ../shared/data")
def test_the_ten_rated_videos_are_all_there() -> None:
    found = load_rated(RATED)
    assert len(found) == 10 and sum(v.marks.shape[1] for v in found) > 1000
    assert all(v.path.is_file() and v.marks.shape[0] == 2 for v in found)
