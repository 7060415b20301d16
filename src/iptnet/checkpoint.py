"""Checkpoints: one safetensors file with its JSON description in the header.

The description holds what kind of model it is, its configuration, the feature recipes it accepts,
its provenance, and a digest over all of that and every tensor. A mismatch is refused; pickle is
never read here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from iptnet.atomic import write_bytes
from iptnet.errors import InputError, IntegrityError, LimitError, is_shortage
from iptnet.features.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

SCHEMA = "iptnet/checkpoint/1"
KEY = "iptnet"
MAX_BYTES = 2**31


@dataclass(frozen=True)
class Checkpoint:
    """A model at rest.

    Attributes:
        kind: which module it restores: ``summarization``, ``projection`` …
        config: the module's dimensions and options, plain JSON values.
        recipes: feature recipes it accepts; empty for models that take pixels.
        provenance: how it was trained and what it measured, plain JSON values.
        tensors: name → tensor; a numpy array where :func:`load_plain` read it.
        digest: sha256 over everything above; set by :func:`save` and :func:`load`.
    """

    kind: str
    config: Mapping[str, Any]
    recipes: tuple[Recipe, ...]
    tensors: Mapping[str, Any]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    def describe(self) -> dict[str, Any]:
        """The short form that a timeline records."""
        return {"kind": self.kind, "digest": self.digest, "config": dict(self.config)}


def save(path: Path, checkpoint: Checkpoint) -> Checkpoint:
    """Write a checkpoint atomically and return it with its digest.

    Raises:
        IntegrityError: a tensor holds NaN or infinity.
        MachineError: the folder cannot be written.
    """
    import torch

    # Clones, because safetensors refuses tensors that share memory, as tied weights do.
    tensors = {
        k: torch.as_tensor(v).detach().cpu().clone().contiguous()
        for k, v in checkpoint.tensors.items()
    }
    for name, tensor in tensors.items():
        if not _is_finite(tensor):
            raise IntegrityError(f"{name} holds NaN or infinity", "do not keep this state")
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": checkpoint.kind,
        "config": dict(checkpoint.config),
        "recipes": [r.to_dict() for r in checkpoint.recipes],
        "provenance": dict(checkpoint.provenance),
    }
    # As it will be read: JSON turns tuples into lists and number keys into text that sorts anew.
    head = json.loads(json.dumps(head, allow_nan=False))
    digest = digest_of(head, tensors)
    text = json.dumps({**head, "digest": digest}, sort_keys=True, allow_nan=False)
    # Not save_file: it has a temporary of its own, which a kill leaves where nobody looks.
    write_bytes(path, packed(tensors, text))
    return replace(
        checkpoint,
        config=head["config"],
        provenance=head["provenance"],
        tensors=tensors,
        digest=digest,
    )


def load(path: Path, kind: str | None = None) -> Checkpoint:
    """Read and verify a checkpoint.

    Raises:
        InputError: no such file.
        IntegrityError: not safetensors, no description of ours, another kind or version, a digest
            that does not match, or numbers that are not finite.
    """
    return _load(path, kind, "pt")


def load_plain(path: Path, kind: str | None = None) -> Checkpoint | None:
    """:func:`load` with arrays of numpy, without the seconds that importing torch takes.

    Returns:
        None where a tensor is of a type that numpy lacks: ask :func:`load`.

    Raises:
        InputError, IntegrityError: as :func:`load` says.
    """
    try:
        return _load(path, kind, "np")
    except (TypeError, AttributeError):  # bfloat16 and the like
        return None


def _load(path: Path, kind: str | None, framework: Literal["pt", "np"]) -> Checkpoint:
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}", "check the path")
    if path.stat().st_size > MAX_BYTES:
        raise IntegrityError(f"{path} is larger than any checkpoint of ours", "check the path")
    again = "get the file again, or check its source"
    try:
        with safe_open(path, framework=framework) as stored:
            text = (stored.metadata() or {}).get(KEY)
            if text is None:
                raise IntegrityError(f"{path} carries no iptnet description", again)
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        raw = json.loads(text, parse_constant=_refuse_constant)
    except (SafetensorError, ValueError, OSError, RecursionError) as error:
        if is_shortage(error):
            raise LimitError(f"{path} does not fit into memory", "close other programs") from error
        raise IntegrityError(f"{path} is not a whole safetensors checkpoint: {error}", again) from (
            error
        )
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        found = raw.get("schema") if isinstance(raw, dict) else type(raw).__name__
        raise IntegrityError(f"{path} is {found!r}, not {SCHEMA!r}", again)
    fields = {"schema": str, "kind": str, "config": dict, "recipes": list, "provenance": dict}
    if any(not isinstance(raw.get(name), kind) for name, kind in fields.items()):
        raise IntegrityError(f"{path} has an incomplete description", again)
    digest = raw.pop("digest", None)
    if digest != digest_of(raw, tensors):
        raise IntegrityError(f"{path} does not match its own digest", "get the file again")
    if kind is not None and raw["kind"] != kind:
        raise IntegrityError(f"{path} is a {raw['kind']} checkpoint, not {kind}", "check the path")
    for name, tensor in tensors.items():
        if not _is_finite(tensor):
            raise IntegrityError(f"{path}: {name} holds NaN or infinity", "use another checkpoint")
    recipes = tuple(Recipe.from_dict(r) for r in raw["recipes"])
    return Checkpoint(raw["kind"], raw["config"], recipes, tensors, raw["provenance"], digest)


def packed(tensors: Mapping[str, torch.Tensor], text: str) -> bytes:
    """A safetensors file in memory with our description in its header.

    Raises:
        MemoryError: there is none left for it.
    """
    from safetensors.torch import save

    try:
        return save(dict(tensors), {KEY: text})
    except BaseException as error:
        # What Rust makes of a failed allocation is no Exception.
        if type(error).__name__ == "PanicException":
            raise MemoryError(f"no room to write a checkpoint: {error}") from error
        raise


def restore(module: torch.nn.Module, checkpoint: Checkpoint, where: str) -> None:
    """Load tensors into a module, naming every difference instead of guessing.

    Raises:
        IntegrityError: missing, extra or differently shaped tensors, or numbers that its own type
            cannot hold.
    """
    import torch

    own = module.state_dict()
    require_fit(own, checkpoint, where)
    fitting = {k: torch.as_tensor(v).to(own[k].dtype) for k, v in checkpoint.tensors.items()}
    for name, value in fitting.items():
        if not _is_finite(value):
            raise IntegrityError(f"{where}: {name} overflows {value.dtype}", "train it again")
    module.load_state_dict(fitting)


def require_fit(own: Mapping[str, torch.Tensor], checkpoint: Checkpoint, where: str) -> None:
    """Compare a checkpoint's tensors with a module's, by name and shape.

    Raises:
        IntegrityError: they differ; lists how.
    """
    wrong = [f"missing {k}" for k in own if k not in checkpoint.tensors]
    wrong += [f"extra {k}" for k in checkpoint.tensors if k not in own]
    wrong += [
        f"{k} is {tuple(v.shape)}, expected {tuple(own[k].shape)}"
        for k, v in checkpoint.tensors.items()
        if k in own and own[k].shape != v.shape
    ]
    if wrong:
        shown = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise IntegrityError(f"{where} does not fit the model: {shown}", "check its config")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} in the description")


def _bytes_of(tensor: torch.Tensor) -> bytes:
    import torch

    flat = tensor.contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).numpy().tobytes())


def single(tensor: torch.Tensor | NDArray[Any]) -> NDArray[np.float32]:
    """A tensor in single precision, whoever read it."""
    return np.asarray(tensor if isinstance(tensor, np.ndarray) else tensor.float(), np.float32)


def _is_finite(value: torch.Tensor | NDArray[Any]) -> bool:
    """Whether floating-point numbers are all finite; numbers of other types are."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind != "f" or bool(np.isfinite(value).all())
    return not value.is_floating_point() or bool(value.isfinite().all())


def digest_of(head: Mapping[str, Any], tensors: Mapping[str, torch.Tensor | NDArray[Any]]) -> str:
    """sha256 over a description and every tensor's name, type (torch's), shape and bytes."""
    total = hashlib.sha256(json.dumps(head, sort_keys=True, allow_nan=False).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        if isinstance(tensor, np.ndarray):
            kind, content = f"torch.{tensor.dtype.name}", tensor.tobytes()
        else:
            kind, content = str(tensor.dtype), _bytes_of(tensor)
        total.update(f"\0{name}\0{kind}\0{tuple(tensor.shape)}\0".encode())
        total.update(content)
    return total.hexdigest()
