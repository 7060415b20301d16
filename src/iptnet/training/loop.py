"""Epochs, interruption and resumption, on Lightning Fabric: nothing here knows what is trained.

The caller gives a loss per batch and the batches of an epoch. Each epoch's order, dropout and noise
come from a seed made of the run's seed and the epoch's number.
"""

from __future__ import annotations

import csv
import io
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from iptnet.atomic import write_text
from iptnet.errors import IptnetError, LimitError
from iptnet.training.arguments import OptimiserArguments
from iptnet.training.compiler import import_compiler
from iptnet.training.state import TrainingState, load_state, save_state

WARMUP = 20
SAVE_EVERY = 10.0  # seconds; a kill costs no more than this and an epoch
STATE, METRICS = "state.safetensors", "metrics.csv"

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
    """Adam, or AdamW, over all of a module."""
    return optimiser_of(parameter_groups(module, how), how)


def parameter_groups(module: nn.Module, how: OptimiserArguments) -> list[dict[str, Any]]:
    """A module's parameters with their rate and decay.

    AdamW spares biases and norms, which are no function's complexity.
    """
    own = list(module.parameters())
    if how.name == "adam":
        return [{"params": own, "lr": how.lr, "weight_decay": how.weight_decay}]
    matrices, rest = [p for p in own if p.ndim > 1], [p for p in own if p.ndim <= 1]
    groups = [(matrices, how.weight_decay), (rest, 0.0)]
    return [{"params": p, "lr": how.lr, "weight_decay": d} for p, d in groups if p]


def optimiser_of(groups: list[dict[str, Any]], how: OptimiserArguments) -> torch.optim.Optimizer:
    """The optimiser that ``how`` names, over groups that say the rest."""
    import_compiler()
    kind = torch.optim.Adam if how.name == "adam" else torch.optim.AdamW
    return kind(groups, lr=how.lr)


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
    optimiser: torch.optim.Optimizer | None = None,
    after_step: Callable[[], None] = lambda: None,
    row_of: Callable[[], Mapping[str, float]] | None = None,
    on_row: Callable[[Mapping[str, float]], None] | None = None,
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
        optimiser: instead of what ``how`` describes; groups may hold their own ``lr`` and ``clip``.
        after_step: called when the weights have moved, before they are averaged.
        row_of: further figures of the epoch for ``metrics.csv``.
        on_row: called with each epoch's figures.

    Raises:
        Interrupted: ``stop`` was set; run again to resume.
        LimitError: a loss, gradient or weight is not finite; the last state is kept.
        IntegrityError: the folder holds another run, or a damaged state.
    """
    import_compiler()
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator="cpu", devices=1)
    optimiser = optimiser or build_optimiser(module, how)
    rates = [group["lr"] for group in optimiser.param_groups]
    average: dict[str, Tensor] = {}
    state = TrainingState(run, 0, [])
    path = folder / STATE
    if path.is_file():
        state = load_state(path, run, module, optimiser, average)
        # A kill may have come between the state and the table that is made of it.
        write_text(folder / METRICS, _table(state.history))
    wrapped, tuned = fabric.setup(module, optimiser)
    saved = time.monotonic()
    while state.epoch < how.epochs:
        torch.manual_seed(seed_of(seed, state.epoch))
        wrapped.train()
        losses: list[float] = []
        todo = batches(state.epoch)
        for k, batch in enumerate(todo):
            step = state.epoch * len(todo) + k
            for group, rate in zip(tuned.param_groups, rates, strict=True):
                group["lr"] = rate * _rate(step, how.epochs * len(todo), how.decay)
            losses.append(_step(fabric, tuned, loss_of(wrapped, batch), how.clip, state.epoch))
            after_step()
            if how.average:
                _blend(average, module, min(how.average, (step + 1) / (step + 10)))
        # The last step of an epoch has no loss behind it that would tell.
        _require_finite(state.epoch, "a weight", *module.state_dict().values())
        state.epoch += 1
        row = {"epoch": float(state.epoch), "loss": sum(losses) / max(len(losses), 1)}
        if validate is not None:
            with _weights(module, average):
                row["validation"] = validate(module)
                if _is_best(state, row["validation"]) and on_best is not None:
                    on_best(module, state.epoch)
        state.history.append(row | _further(row_of))
        if on_row is not None:
            on_row(state.history[-1])
        if on_epoch is not None:
            on_epoch(state.epoch)
        last = state.epoch == how.epochs
        if last or stop.number is not None or time.monotonic() - saved > SAVE_EVERY:
            save_state(path, state, module, optimiser, average)
            write_text(folder / METRICS, _table(state.history))
            saved = time.monotonic()
        if stop.number is not None and not last:
            raise Interrupted(
                f"training stopped after epoch {state.epoch}", "run it again to resume", stop.number
            )
    if average:
        module.load_state_dict(average)
    return state


def _further(row_of: Callable[[], Mapping[str, float]] | None) -> dict[str, float]:
    return dict(row_of()) if row_of is not None else {}


def _is_best(state: TrainingState, figure: float) -> bool:
    """Whether this epoch's figure is the best so far; if so, it is noted. NaN never is."""
    if math.isnan(figure) or (state.best is not None and figure <= state.best[0]):
        return False
    state.best = (figure, state.epoch)
    return True


def _step(
    fabric: Any, optimiser: torch.optim.Optimizer, loss: Tensor, clip: float, epoch: int
) -> float:
    """One step downhill; the loss it started from."""
    optimiser.zero_grad()
    _require_finite(epoch, "the loss", loss)
    fabric.backward(loss)
    _require_finite(epoch, "a gradient", _clip(optimiser, clip))
    optimiser.step()
    return float(loss.detach())


def _clip(optimiser: torch.optim.Optimizer, usual: float) -> Tensor:
    """Clip gradients in place, the groups of one ``clip`` together; the largest norm there was."""
    groups: dict[float, list[nn.Parameter]] = {}
    for group in optimiser.param_groups:
        groups.setdefault(group.get("clip", usual), []).extend(group["params"])
    norms = [nn.utils.clip_grad_norm_(parameters, limit) for limit, parameters in groups.items()]
    return torch.stack(norms).max()


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


def _require_finite(epoch: int, what: str, *values: Tensor) -> None:
    if not all(bool(torch.isfinite(v).all()) for v in values):
        raise LimitError(
            f"{what} is not finite in epoch {epoch + 1}",
            "lower optimiser.lr, or look for broken features; the last good state is kept",
        )


def _table(history: Sequence[dict[str, float]]) -> str:
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in history for name in row))
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    for row in history:
        writer.writerow({k: int(v) if k == "epoch" else f"{v:.6g}" for k, v in row.items()})
    return out.getvalue()
