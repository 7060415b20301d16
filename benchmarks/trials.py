"""The trials behind our defaults (docs/reproduce.md, "What was tried").

    python -m benchmarks.trials GROUP --out runs/trials --data DATA SUMME.h5 TVSUM.h5

Trains every trial of a group (``validated``, ``shipped`` or ``transfer``), each a published
configuration with a few values changed, and adds ``validation tau`` to results/iptnet.csv: mean τ
on the validation videos after the last pass. ``transfer`` has no validation videos of the tested
set; its trials are judged on either half of the test videos, so that what is chosen on one half can
be reported on the other. Started again, it goes on.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import yaml

from iptnet.evaluation.results import Figure, record
from iptnet.model.summarizer import load_summarizer
from iptnet.training.joint import train_joint
from iptnet.training.joint_arguments import JointArguments, load_joint
from iptnet.training.samples import Library, load_library
from iptnet.training.summarization import LAST, agreement

ROOT = Path(__file__).resolve().parents[1]
ALONE = {"localize": False, "teach": False}
SIX = {"alone": 0, "cycles": 6, "cap": 16}
BARE = {"gamma": "none", "decay": "none"}


@dataclass(frozen=True)
class Group:
    """Trials that are compared with one another: changed values by name, the base line first."""

    base: str
    setting: str
    trials: Mapping[str, Mapping[str, Any]]
    changed: Mapping[str, Any]


GROUPS = {
    "validated": Group(
        "iptnet-default",
        "validated",
        {
            "−L": {
                "serve": 0.0,
                "teaching": ALONE,
                "schedule": {"warm_up": 0, "alone": 6, "cycles": 0},
            },
            "−L, read through P": {
                "teaching": ALONE,
                "schedule": {"warm_up": 0, "alone": 6, "cycles": 0},
            },
            "full, weight 1": {"weight": 1.0},
            "full, weight 0.1": {},
            "full, weight 1, six cycles": {"weight": 1.0, "schedule": SIX},
            "full, weight 1, six cycles, truth": {
                "weight": 1.0,
                "schedule": SIX,
                "teaching": {"truth": 1.0},
            },
            "full, weight 1, D as correlation": {
                "weight": 1.0,
                "teaching": {"divergence": "correlation"},
            },
            "moments first, lightly": {
                "teaching": ALONE,
                "schedule": {"warm_up": 0, "pretrain": 1, "alone": 6, "cycles": 0, "cap": 16},
            },
            "moments first": {
                "teaching": ALONE,
                "schedule": {"warm_up": 0, "pretrain": 3, "alone": 6, "cycles": 0, "cap": 0},
            },
        },
        {"seeds": [0]},
    ),
    "shipped": Group(
        "iptnet-default",
        "shipped",
        {
            "−L": {
                "serve": 0.0,
                "teaching": ALONE,
                "schedule": {"warm_up": 0, "alone": 6, "cycles": 0},
            },
            "−L, read through P": {
                "teaching": ALONE,
                "schedule": {"warm_up": 0, "alone": 6, "cycles": 0},
            },
            "full, weight 0.1": {},
        },
        {
            "augmentation": {"copies": 4, "noise": 0.8},
            "accepts": ["blip-wordllama256", "lite"],
            "seeds": [0, 1, 2],
        },
    ),
    "transfer": Group(
        "iptnet-transfer",
        "transfer",
        {
            "−L": {
                "serve": 0.0,
                "teaching": ALONE,
                "schedule": {"warm_up": 0, "alone": 6, "cycles": 0},
            },
            "six cycles, D as the paper has it": {
                "schedule": SIX,
                "propagation": {"gamma": "softplus", "decay": "density"},
                "teaching": {"divergence": "normalised", "truth": 0.0},
            },
            "six cycles, D as correlation": {
                "schedule": SIX,
                "propagation": {"gamma": "softplus", "decay": "density"},
                "teaching": {"truth": 0.0},
            },
            "six cycles, truth, bare J": {"schedule": SIX},
            "three whole cycles, truth, bare J": {},
        },
        {"seeds": [0]},
    ),
}


def arguments_of(group: Group, name: str, data: Sequence[Path], out: Path) -> JointArguments:
    """A trial as a configuration; written to ``out``, read as any other."""
    raw = yaml.safe_load((ROOT / "configs" / f"{group.base}.yaml").read_text(encoding="utf-8"))
    for changed in (group.changed, group.trials[name], {"setting": group.setting, "variant": name}):
        for key, value in changed.items():
            raw[key] = {**raw.get(key, {}), **value} if isinstance(value, Mapping) else value
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    return load_joint(out, data)


def judged(run: Path, library: Library, name: str) -> list[Figure]:
    """τ of every summarizer of a trial's run folder."""
    found = []
    for path in sorted(run.glob(f"*/split-*/seed-*/{LAST}")):
        summarizer = load_summarizer(path)
        about = summarizer.checkpoint.provenance
        parts = {str(about["split"]): about["validation"]}
        if about["setting"] == "transfer":
            videos = sorted(about["test"])
            parts = {"even half": videos[::2], "odd half": videos[1::2]}
        place = (str(about["dataset"]), str(about["setting"]), name)
        found += [
            Figure(*place, part, str(about["seed"]), "last", "validation tau", value)
            for part, names in parts.items()
            for value in [agreement(summarizer, library, names)]
        ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group", choices=sorted(GROUPS))
    parser.add_argument("--out", type=Path, default=Path("runs/trials"))
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "iptnet.csv")
    given = parser.parse_args()
    group = GROUPS[given.group]
    files = [p for p in given.data if not p.is_dir()]
    library = load_library(files)
    for number, name in enumerate(group.trials):
        run = given.out / f"{given.group}-{number}"
        arguments = arguments_of(group, name, given.data, given.out / f"{run.name}.yaml")
        report = train_joint(arguments, run, files)
        figures = judged(run, library, name)
        record(given.results, figures)
        print(f"{name}: {len(figures)} figures in {report.seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
