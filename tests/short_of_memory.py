"""Attempts with little address space, each in a child forked from one process; prints what came.

``python -m tests.short_of_memory FOLDER``: one JSON object, attempt → exit code and line.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import torch

from iptnet import checkpoint
from iptnet.checkpoint import Checkpoint
from iptnet.cli.main import _explain, main
from iptnet.data.benchmark import load_benchmark
from iptnet.data.write import write_benchmark
from iptnet.training import loop, summarization
from tests.training.toys import RECIPE, toy_tvsum, toy_video

ROOM = 64 << 20
LARGE = 40_000_000  # numbers of four bytes: more than the room
CONFIG = """task: summarization
setting: validated
datasets: [tvsum]
seeds: [0]
model: {heads: 2, hidden: 8}
objective: {target: users, importance: correlation, boundary: 0.0, centrality: 0.0}
optimiser: {name: adamw, lr: 0.003, epochs: 3, batch: 16}
decode: importance
"""


def attempt(work: Callable[[], None]) -> tuple[int, str]:
    """Exit code and last line of the work, done by a child with little room."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        code, shown = 99, io.StringIO()
        try:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            signal.alarm(60)  # a hang is a failure, too
            resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
            with contextlib.redirect_stderr(shown), contextlib.redirect_stdout(io.StringIO()):
                work()
        except SystemExit as left:
            code = int(left.code or 0)
        except BaseException as error:
            line, code = _explain(error)
            shown.write(line)
        finally:
            os.write(writing, json.dumps([code, shown.getvalue().strip()[-400:]]).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        code, line = json.loads(answer.read())
    os.waitpid(child, 0)
    return code, line.splitlines()[-1] if line else ""


def train(folder: Path, out: str = "run", *, greedy: bool = False) -> None:
    """Train the toy; a greedy one wants a batch in its second epoch that no room is left for."""
    loop.SAVE_EVERY = 0.0
    usual = summarization.batches_of

    def large(samples: object, size: int, seed: int, epoch: int) -> object:
        if greedy and epoch == 1:
            torch.ones(LARGE)
        return usual(samples, size, seed, epoch)  # type: ignore[arg-type]

    summarization.batches_of = large  # type: ignore[assignment]
    data = ["--data", str(folder / "toy.h5")]
    main(["train", str(folder / "c.yaml"), "--out", str(folder / out), *data])


def epoch_of(state: Path) -> int:
    """Epochs done by a training."""
    from safetensors import safe_open

    with safe_open(state, framework="pt") as stored:
        return int(json.loads(stored.metadata()["iptnet"])["epoch"])


def all_of_them(folder: Path) -> dict[str, tuple[int, str]]:
    """Every attempt's exit code and line."""
    torch.set_num_threads(1)
    toy_tvsum(folder)
    (folder / "c.yaml").write_text(CONFIG)
    large = folder / "large.safetensors"
    checkpoint.save(large, Checkpoint("summarization", {}, (), {"x": torch.zeros(LARGE)}))
    write_benchmark(folder / "own.h5", [toy_video(1)], RECIPE)
    with h5py.File(folder / "large.h5", "w") as file:
        group = file.create_group("video_1")
        group.create_dataset("features", (LARGE // 64, 64), "f4", chunks=(1000, 64))
        group["features"][0] = np.ones(64)
    # Everything is imported by now: OpenBLAS, when it is loaded without room, tries for ever.
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        train(folder, "before")
    state = folder / "run/tvsum/split-0/seed-0/state.safetensors"
    evaluate = ["evaluate", "--data", str(folder / "own.h5"), "--checkpoint"]
    return {
        "a checkpoint": attempt(lambda: main([*evaluate, str(large)])),
        "an h5 file": attempt(lambda: load_benchmark(folder / "large.h5")),
        "writing a checkpoint": attempt(
            lambda: checkpoint.save(
                folder / "new", Checkpoint("k", {}, (), {"x": torch.zeros(LARGE // 4)})
            )
        ),
        "training": attempt(lambda: train(folder, greedy=True)),
        "its state": (0, f"epoch {epoch_of(state)}"),
        "training again": attempt(lambda: train(folder)),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(all_of_them(Path(sys.argv[1]))))
