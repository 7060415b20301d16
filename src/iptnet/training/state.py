"""A training run's state at an epoch's end: weights, optimiser and history in one safe file.

No pickle: tensors lie under ``model.*``, ``average.*`` and ``optimiser.<parameter>.*``, the rest is
JSON in the header, with a digest over all of it. Randomness needs no state, since every epoch seeds
itself from (seed, epoch); so a run that was killed and resumed ends with the same bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from iptnet.atomic import write_bytes
from iptnet.checkpoint import KEY, digest_of, packed
from iptnet.errors import IntegrityError

SCHEMA = "iptnet/training-state/2"
BEFORE = "iptnet/training-state/1"  # without a digest: runs begun with it may go on


@dataclass
class TrainingState:
    """What an epoch starts from.

    Attributes:
        run: what must be equal for a state to be resumed: configuration and data, by digest.
        epoch: epochs done.
        history: one row of figures per epoch done.
        best: validation figure and epoch of the best epoch, with validation videos only.
    """

    run: str
    epoch: int
    history: list[dict[str, float]]
    best: tuple[float, int] | None = None


def save_state(
    path: Path,
    state: TrainingState,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: Mapping[str, Tensor],
) -> None:
    """Write atomically.

    Raises:
        MachineError: the folder cannot be written.
    """
    tensors = {f"model.{k}": v for k, v in module.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.items()}
    names: dict[Tensor, str] = {parameter: name for name, parameter in module.named_parameters()}
    for parameter, entries in optimiser.state.items():
        tensors |= {f"optimiser.{names[parameter]}.{k}": v for k, v in entries.items()}
    head = {"schema": SCHEMA, "run": state.run, "epoch": state.epoch, "history": state.history}
    head["best"] = list(state.best) if state.best else None
    # Copies: safetensors refuses tensors that share memory.
    whole = {k: torch.as_tensor(v).detach().clone().contiguous() for k, v in tensors.items()}
    text = json.dumps({**head, "digest": digest_of_state(head, whole)})
    # Not save_file: it has a temporary of its own, which a kill leaves where nobody looks.
    write_bytes(path, packed(whole, text))


def load_state(
    path: Path,
    run: str,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor],
) -> TrainingState:
    """Restore a run in place and return where it stands; a refused state changes nothing.

    Raises:
        IntegrityError: not a state of ours, damaged, of another run, or not of this module.
    """
    from safetensors import SafetensorError, safe_open

    again = f"remove {path.parent} to train it anew"
    try:
        with safe_open(path, framework="pt") as stored:
            head = json.loads((stored.metadata() or {}).get(KEY, "{}"))
            # Copies: what is read is mapped, and the file may go while the run goes on.
            tensors = {k: stored.get_tensor(k).clone() for k in stored.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, OSError, RecursionError) as error:
        raise IntegrityError(f"{path} cannot be read: {error}", again) from error
    schema = head.get("schema") if isinstance(head, dict) else None
    if schema not in {SCHEMA, BEFORE} or head.get("run") != run:
        raise IntegrityError(f"{path} belongs to another configuration or other data", again)
    if schema == SCHEMA and head.pop("digest", None) != digest_of_state(head, tensors):
        raise IntegrityError(f"{path} does not match its own digest", again)
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimiser": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    try:
        module.load_state_dict(parts["model"])
    except RuntimeError as error:
        raise IntegrityError(f"{path} does not fit the model", again) from error
    average.clear()
    average.update(parts["average"])
    for name, parameter in module.named_parameters():
        own = {k: v for k, v in parts["optimiser"].items() if k.rpartition(".")[0] == name}
        if own:
            optimiser.state[parameter] = {k.rpartition(".")[2]: v for k, v in own.items()}
    best: Any = head["best"]
    return TrainingState(run, head["epoch"], head["history"], tuple(best) if best else None)


def digest_of_state(head: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """sha256 over a state's description, less the digest itself, and its tensors."""
    # As text: a figure may be NaN.
    return digest_of({"state": json.dumps(head, sort_keys=True)}, tensors)
