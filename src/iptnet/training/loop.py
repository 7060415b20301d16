"""Epochs, interruption and resumption, on Lightning Fabric: nothing here knows what is trained.

The caller gives a loss per batch and the batches of an epoch. Each epoch's order, dropout and noise
come from a seed made of the run's seed and the epoch's number.
"""

from __future__ import annotations

import csv
import io
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from iptnet.atomic import write_text
from iptnet.errors import IntegrityError, IptnetError
from iptnet.training.arguments import OptimiserArguments
from iptnet.training.state import TrainingState, load_state, save_state

WARMUP = 20
SAVE_EVERY = 10.0  # seconds; a kill costs no more than this and an epoch
STATE = "state.safetensors"

Batch = Any
LossOf = Callable[[nn.Module, Batch], Tensor]


class Interrupted(IptnetError):  # noqa: N818  (an interruption is no error)
    """Training stopped at the end of an epoch because a signal asked for it; its state is kept."""

    def __init__(self, cause: str, remedy: str = "", number: int = signal.SIGTERM) -> None:
        super().__init__(cause, remedy)
        self.exit_code = 128 + number


@dataclass
class Stop:
    """The signal that asked to stop, if any."""

    number: int | None = None


@contextmanager
def stop_on_signal() -> Iterator[Stop]:
    """Note SIGINT and SIGTERM instead of dying; a second one of a kind acts at once.

    Outside the main thread signals cannot be caught and the caller's handlers stay.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _frame: object) -> None:
        stop.number = number
        signal.signal(number, before[signal.Signals(number)])

    for s in before:
        signal.signal(s, note)
    try:
        yield stop
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)


def seed_of(seed: int, epoch: int) -> int:
    """A seed for one epoch of one run; distinct for all epochs below a million."""
    return seed * 1_000_003 + epoch


def build_optimiser(module: nn.Module, how: OptimiserArguments) -> torch.optim.Optimizer:
    """Adam or AdamW; AdamW spares biases and norms, which are no function's complexity."""
    if how.name == "adam":
        return torch.optim.Adam(module.parameters(), lr=how.lr, weight_decay=how.weight_decay)
    matrices = [p for p in module.parameters() if p.ndim > 1]
    rest = [p for p in module.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices},
        {"params": rest, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=how.lr, weight_decay=how.weight_decay)


def train(
    module: nn.Module,
    how: OptimiserArguments,
    batches: Callable[[int], Sequence[Batch]],
    loss_of: LossOf,
    *,
    folder: Path,
    run: str,
    seed: int,
    stop: Stop,
    validate: Callable[[nn.Module], float] | None = None,
    on_best: Callable[[nn.Module, int], None] | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> TrainingState:
    """Train to the last epoch, from wherever ``folder`` stands; leaves the kept weights in place.

    Args:
        module: trained in place; ends with the averaged weights when ``how.average`` asks for them.
        how: optimiser, epochs, clipping, averaging.
        batches: the batches of an epoch, given its number.
        loss_of: scalar loss of one batch.
        folder: receives ``state.safetensors`` and ``metrics.csv``.
        run: what must be equal for a state to be resumed.
        seed: of the run.
        stop: looked at after each epoch.
        validate: figure to maximise, after each epoch.
        on_best: called with the module when the figure is the best so far.
        on_epoch: called with the number of epochs done.

    Raises:
        Interrupted: ``stop`` was set; run again to resume.
        IntegrityError: a loss or gradient is not finite, or the folder holds another run.
    """
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator="cpu", devices=1)
    optimiser = build_optimiser(module, how)
    average: dict[str, Tensor] = {}
    state = TrainingState(run, 0, [])
    path = folder / STATE
    if path.is_file():
        state = load_state(path, run, module, optimiser, average)
    wrapped, tuned = fabric.setup(module, optimiser)
    saved = time.monotonic()
    while state.epoch < how.epochs:
        torch.manual_seed(seed_of(seed, state.epoch))
        wrapped.train()
        losses: list[float] = []
        todo = batches(state.epoch)
        for k, batch in enumerate(todo):
            step = state.epoch * len(todo) + k
            for group in tuned.param_groups:
                group["lr"] = how.lr * _rate(step, how.epochs * len(todo), how.decay)
            tuned.zero_grad()
            loss = loss_of(wrapped, batch)
            _require_finite(loss, state.epoch)
            fabric.backward(loss)
            norm = fabric.clip_gradients(
                wrapped, tuned, max_norm=how.clip, error_if_nonfinite=False
            )
            _require_finite(torch.as_tensor(norm), state.epoch)
            tuned.step()
            losses.append(float(loss.detach()))
            if how.average:
                _blend(average, module, min(how.average, (step + 1) / (step + 10)))
        state.epoch += 1
        row = {"epoch": float(state.epoch), "loss": sum(losses) / max(len(losses), 1)}
        if validate is not None:
            with _weights(module, average):
                row["validation"] = figure = validate(module)
                if state.best is None or figure > state.best[0]:
                    state.best = (figure, state.epoch)
                    if on_best is not None:
                        on_best(module, state.epoch)
        state.history.append(row)
        if on_epoch is not None:
            on_epoch(state.epoch)
        last = state.epoch == how.epochs
        if last or stop.number is not None or time.monotonic() - saved > SAVE_EVERY:
            save_state(path, state, module, optimiser, average)
            write_text(folder / "metrics.csv", _table(state.history))
            saved = time.monotonic()
        if stop.number is not None and not last:
            raise Interrupted(
                f"training stopped after epoch {state.epoch}", "run it again to resume", stop.number
            )
    if average:
        module.load_state_dict(average)
    return state


def _rate(step: int, steps: int, decay: bool) -> float:
    if not decay:
        return 1.0
    return min(1.0, (step + 1) / WARMUP) * (1 - 0.9 * step / steps)


def _blend(average: dict[str, Tensor], module: nn.Module, keep: float) -> None:
    for name, value in module.state_dict().items():
        if name in average:
            average[name].lerp_(value, 1 - keep)
        else:
            average[name] = value.clone()


@contextmanager
def _weights(module: nn.Module, average: dict[str, Tensor]) -> Iterator[None]:
    """The averaged weights for a while, if there are any."""
    if not average:
        yield
        return
    own = {k: v.clone() for k, v in module.state_dict().items()}
    module.load_state_dict(average)
    try:
        yield
    finally:
        module.load_state_dict(own)


def _require_finite(value: Tensor, epoch: int) -> None:
    if not bool(torch.isfinite(value).all()):
        raise IntegrityError(
            f"the loss or its gradient is not finite in epoch {epoch + 1}",
            "lower optimiser.lr, or look for broken features",
        )


def _table(history: Sequence[dict[str, float]]) -> str:
    out = io.StringIO()
    names = list(history[-1])
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for row in history:
        writer.writerow({k: int(v) if k == "epoch" else f"{v:.6g}" for k, v in row.items()})
    return out.getvalue()
