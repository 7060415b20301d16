"""A run folder belongs to one configuration and one process, and a checkpoint in it to one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iptnet import checkpoint as files_of
from iptnet.atomic import require_writable, sweep, write_text
from iptnet.errors import InputError, IntegrityError, UsageError
from iptnet.locks import sole_user

LOG = "log.txt"


@contextmanager
def claimed(out: Path, text: str) -> Iterator[None]:
    """Hold the folder for this process and this configuration (its YAML), or refuse.

    What killed processes left half-written in it goes first.

    Raises:
        UsageError: the folder holds a run of another configuration.
        MachineError: another process trains in it, or it cannot be written.
    """
    require_writable(out)
    with sole_user(out, "another training"):
        for folder in [p for p in out.rglob("*") if p.is_dir()]:
            sweep(folder)
        path = out / "config.yaml"
        if not path.exists():
            write_text(path, text)
        elif path.read_bytes() != text.encode():
            raise UsageError(
                f"{out} holds a run of another configuration", "choose another --out, or remove it"
            )
        yield


def note(out: Path, name: str, line: str) -> None:
    """Put a run's line into the folder's log, in the place of an earlier one of the same run."""
    path = out / LOG
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    kept = [one for one in lines if not one.startswith(f"{name}: ")]
    write_text(path, "".join(f"{one}\n" for one in (*kept, f"{name}: {line}")))


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
