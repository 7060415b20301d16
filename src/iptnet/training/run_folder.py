"""A run folder belongs to one configuration, and a checkpoint in it to one run."""

from __future__ import annotations

from pathlib import Path

from iptnet import checkpoint as files_of
from iptnet.atomic import write_text
from iptnet.errors import InputError, IntegrityError, UsageError


def claim(out: Path, text: str) -> None:
    """Mark the folder as this configuration's (its YAML), or refuse another's.

    Raises:
        UsageError: the folder holds a run of another configuration.
    """
    path = out / "config.yaml"
    if not path.exists():
        write_text(path, text)
    elif path.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"{out} holds a run of another configuration", "choose another --out, or remove it"
        )


def finished(path: Path, kind: str, identity: str) -> bool:
    """Whether the checkpoint is there and made by the run of this identity.

    Raises:
        IntegrityError: it is there, but damaged.
    """
    try:
        return files_of.load(path, kind).provenance.get("run") == identity
    except InputError:
        return False
    except IntegrityError as error:
        raise IntegrityError(error.cause, f"remove {path} to make it again") from error
