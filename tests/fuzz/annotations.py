"""Text that people write: moments, predictions, durations, lists, configurations, timelines.

The first line of an input says which reader it is for, so that mutations reach all of them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path

from iptnet.data.charades import load_charades, load_durations
from iptnet.data.moments import MomentSet
from iptnet.data.own_moments import load_moments_csv
from iptnet.data.qvhighlights import load_clip_captions, load_qvhighlights
from iptnet.errors import InputError, UsageError
from iptnet.evaluation.predictions import read_predictions
from iptnet.evaluation.results import read_figures
from iptnet.outputs.json import read_json, timeline_json
from iptnet.scale.manifest import read_archive
from iptnet.training.arguments import load_arguments
from iptnet.training.joint_arguments import load_joint
from iptnet.training.localization_arguments import load_localization
from tests.conftest import ROOT
from tests.fuzz.runner import Target, run
from tests.outputs.timelines import timeline

QVHIGHLIGHTS = (
    '{"qid": 1, "query": "A man cooks.", "vid": "abcdefghijk_0.0_150.0", "duration": 150, '
    '"relevant_windows": [[10, 20]], "relevant_clip_ids": [5, 6, 7, 8, 9], '
    '"saliency_scores": [[1, 2, 3], [1, 2, 3], [1, 1, 1], [4, 4, 4], [0, 0, 0]]}\n'
)
PREDICTIONS = (
    '{"qid": 1, "query": "A man cooks.", "vid": "v", '
    '"pred_relevant_windows": [[10, 20, 0.5]], "pred_saliency_scores": [0.1, 0.2]}\n'
)
TEXTS = {
    "qvhighlights": QVHIGHLIGHTS + QVHIGHLIGHTS.replace("1,", "2,", 1),
    "captions": '{"abcdefghijk_0.0_150.0": ["a man", "a pan"]}',
    "charades": "AO8RW 0.0 6.9##a person puts a book on a shelf.\nAO8RW 1.5 3##eats.\n",
    "durations": '{"AO8RW": 30.5, "Y6R7T": {"duration": 12}}',
    "csv": 'video,start,end,sentence\na.mp4,0:01,0:03.5,"he says ""no"""\nb.mp4,1,2,walks\n',
    "predictions": PREDICTIONS * 2,
    "list": "AO8RW 0.0 6.9##a person puts a book on a shelf.\nAO8RW 1.5 3.0 0.7##eats.\n",
    "manifest": "a.mp4\n# no video\nfolder/b.mp4\n",
    "rows": '{"path": "a.mp4", "name": "first", "ratio": 0.2}\n{"path": "b.mp4"}\n',
    "figures": "dataset,setting,variant,split,seed,selection,metric,value\n"
    "summe,canonical,full,0,0,last,tau,0.1\n",
}
CONFIGS = {
    "summarizer": "summarization-default.yaml",
    "localizer": "localization-default.yaml",
    "joint": "iptnet-default.yaml",
}


def seeds(folder: Path) -> list[bytes]:
    """One of each kind."""
    kinds = dict(TEXTS)
    kinds["timeline"] = timeline_json(timeline(keyshots=3))
    for kind, name in CONFIGS.items():
        kinds[kind] = (ROOT / "configs" / name).read_text("utf-8")
    return [f"{kind}\n{text}".encode() for kind, text in kinds.items()]


def judge(path: Path) -> None:
    """The reader that the first line asks for; what comes out makes sense."""
    kind, _, data = path.read_bytes().partition(b"\n")
    name = kind.decode("latin-1")
    reader = READERS.get(name)
    if reader is None:
        return
    own = path.with_name("rows.jsonl" if name == "rows" else f"input-{name}")
    own.write_bytes(data)
    try:
        reader(own)
    except UsageError as error:  # of a configuration: exit 2 names the key
        if name not in CONFIGS and name not in {"manifest", "rows"}:
            raise
        raise InputError(error.cause, error.remedy or "correct the configuration") from error


def _moments(found: MomentSet) -> None:
    for query in found.queries:
        assert query.windows
        for window in query.windows:
            assert 0 <= window.start <= window.end < math.inf


def _timeline(path: Path) -> None:
    read = read_json(path)
    path.write_text(timeline_json(read), encoding="utf-8")
    assert read_json(path) == read


def _archive(path: Path) -> None:
    listing = read_archive(path, path.with_name("out"))
    keys = [item.key for item in listing.items]
    assert len(keys) == len(set(keys))


READERS: dict[str, Callable[[Path], object]] = {
    "qvhighlights": lambda p: _moments(load_qvhighlights(p)),
    "captions": load_clip_captions,
    "charades": lambda p: _moments(load_charades(p, {"AO8RW": 30.0})),
    "durations": load_durations,
    "csv": lambda p: _moments(load_moments_csv(p)),
    "predictions": read_predictions,
    "list": read_predictions,
    "manifest": _archive,
    "rows": _archive,
    "figures": read_figures,
    "timeline": _timeline,
    "summarizer": load_arguments,
    "localizer": load_localization,
    "joint": load_joint,
}
TARGET = Target("annotations", seeds, judge)

if __name__ == "__main__":
    sys.exit(run(TARGET))
