"""Kill a small training at random moments, resume it each time, and look at what lies there.

``python -m tests.training.kills FOLDER KILLS SEED``: exits 0 when every look and every end is fine.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import sys
import time
from pathlib import Path

import torch

from iptnet import checkpoint
from iptnet.atomic import OURS as TEMPORARY
from iptnet.training import loop, summarization
from iptnet.training.arguments import (
    ModelArguments,
    ObjectiveArguments,
    OptimiserArguments,
    SummarizationArguments,
)
from iptnet.training.state import BEFORE, SCHEMA, digest_of_state
from tests.killing import killed
from tests.training.toys import toy_tvsum

RUNS = 2  # of the five splits
ARGUMENTS = SummarizationArguments(
    setting="validated",
    datasets=("tvsum",),
    seeds=(3,),
    model=ModelArguments(heads=2, hidden=8, dropout=0.3),
    objective=ObjectiveArguments("users", "correlation", 0.0, 0.0),
    optimiser=OptimiserArguments("adamw", 5e-3, 0.1, 3, 8, decay=True, average=0.9),
    decode="importance",
)


def main(folder: Path, kills: int, seed: int) -> dict[str, int]:
    """Do as the module says; the counts of kills, of looks at states, and of whole runs."""
    torch.set_num_threads(1)
    loop.SAVE_EVERY = 0.0  # else so short a run would only save at its end
    plan = summarization.plan
    summarization.plan = lambda *given: iter(list(plan(*given))[:RUNS])  # type: ignore[assignment]
    data = toy_tvsum(folder)
    straight, out = folder / "straight", folder / "out"

    def work(to: Path = out) -> None:
        summarization.train_summarization(ARGUMENTS, to, [data])

    work(straight)
    started = time.monotonic()
    work(folder / "again")  # warm: as long as a child will take
    seconds = time.monotonic() - started
    draw = random.Random(seed)
    counts = {"kills": 0, "states": 0, "ends": 0}
    while counts["kills"] < kills:
        if killed(work, out, draw, seconds=seconds, operations=60):
            counts["kills"] += 1
            counts["states"] += look(out)
        else:
            end(out, straight)
            counts["ends"] += 1
    work()
    end(out, straight)
    return counts


def look(out: Path) -> int:
    """Whatever has a final name is whole; how many states there are."""
    states = 0
    for path in (p for p in out.rglob("*") if p.is_file() and not TEMPORARY.match(p.name)):
        if path.name == "state.safetensors":
            states += 1
            head = whole_state(path)
            table = path.with_name("metrics.csv")
            epochs = (
                [int(row["epoch"]) for row in csv.DictReader(table.open())]
                if (table.is_file())
                else []
            )
            assert epochs == list(range(1, len(epochs) + 1)), epochs
            assert head["epoch"] - len(epochs) in {0, 1}, (head["epoch"], epochs)
        elif path.suffix == ".safetensors":
            checkpoint.load(path)
        elif path.name == "log.txt":
            names = [line.split(":")[0] for line in path.read_text().splitlines()]
            assert len(names) == len(set(names)), names
        elif path.name == "config.yaml":
            assert path.read_text() == summarization.to_yaml(ARGUMENTS)
        else:
            assert path.name in {"metrics.csv", ".lock"}, path
    return states


def whole_state(path: Path) -> dict[str, object]:
    """The description of a state whose digest is right."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as stored:
        head = json.loads(stored.metadata()["iptnet"])
        tensors = {k: stored.get_tensor(k) for k in stored.keys()}  # noqa: SIM118
    assert head["schema"] == SCHEMA != BEFORE
    assert head.pop("digest") == digest_of_state(head, tensors)
    return head


def end(out: Path, straight: Path) -> None:
    """A finished folder is, file by file, what it would be without any kill; then it goes."""
    names = [sorted(p.relative_to(f) for p in f.rglob("*") if p.is_file()) for f in (out, straight)]
    assert names[0] == names[1], names
    for name in names[0]:
        assert (out / name).read_bytes() == (straight / name).read_bytes(), name
    shutil.rmtree(out)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
