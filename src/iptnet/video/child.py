"""The parent's end of the decoding child: start it, ask it, watch it, and never go down with it.

A child that crashes, hangs or eats memory becomes an ``InputError`` or a ``LimitError`` here.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import iptnet
from iptnet.atomic import scratch
from iptnet.errors import InputError, IptnetError, LimitError, MachineError, tells_shortage
from iptnet.memory import allowance
from iptnet.signals import held_signals
from iptnet.video import wire
from iptnet.video.limits import Limits

STDERR_BYTES = 1 << 20
PIPE_BYTES = 1 << 20  # Linux: fewer switches between the two of us
DEATH_SECONDS = 5.0  # for a child whose answers ended to end as well
FIELDS = {  # of each kind of record; the child may have been taken over
    "info": (),
    "beat": ("position",),
    "picture": ("time", "shown", "index"),
    "scan": ("complete", "audio", "stopped"),
    "done": ("warnings", "stopped", "duration", "n_frames"),
}
KINDS: dict[str, type[IptnetError]] = {"input": InputError, "limit": LimitError}


def check_file(path: str | Path, limits: Limits) -> Path:
    """Refuse what is no plain file, before anything opens it; a FIFO would hang.

    Raises:
        InputError: missing, a directory, a device, empty, unreadable.
        LimitError: larger than ``max_bytes``.
    """
    path = Path(path)
    try:
        facts = path.stat()
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", "check the path") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path} cannot be read: {why}", "check the path") from error
    if stat.S_ISDIR(facts.st_mode):
        raise InputError(f"{path} is a directory", "name the video files in it")
    if not stat.S_ISREG(facts.st_mode):
        raise InputError(f"{path} is not a regular file", "copy the video to a file first")
    if facts.st_size == 0:
        raise InputError(f"{path} is empty", "fetch or copy it again")
    if facts.st_size > limits.max_bytes:
        raise LimitError(
            f"{path} has {facts.st_size >> 20} MiB, more than {limits.max_bytes >> 20}",
            "cut or re-encode it, or raise max_bytes",
        )
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} cannot be read: permission denied", "change its permissions")
    return path


def misbehaviour(path: str | Path) -> InputError:
    """The refusal of a file on which the child answered nonsense."""
    return InputError(f"{path} makes the decoder misbehave", "re-encode it first")


class Child:
    """A decoding process. Cheap to keep for several files, one request at a time.

    Raises:
        MachineError: no process can be started.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        # The kernel's parent-death signal follows the starting *thread*: only the main one lasts.
        main = threading.current_thread() is threading.main_thread()
        setup = {
            "memory": self.limits.memory,
            "cpu_seconds": self.limits.cpu_seconds,
            "file_bytes": STDERR_BYTES,
            "parent": os.getpid() if main else None,
        }
        root = str(Path(iptnet.__file__).resolve().parents[1])
        inherited = os.environ.get("PYTHONPATH")
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([root, inherited] if inherited else [root]),
            "MALLOC_ARENA_MAX": "2",  # arenas would spend the address space we allow
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.errors = scratch()
        try:
            # -P: the current folder, which may be anyone's, must not be imported from.
            with held_signals():
                self.process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "iptnet.video.worker", json.dumps(setup)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self.errors,
                    env=environment,
                    start_new_session=True,  # Ctrl-C is ours to handle
                )
        except OSError as error:
            self.errors.close()
            if error.errno in {errno.ENOMEM, errno.EAGAIN}:
                raise LimitError(
                    "no memory for a decoding process", "close other programs, or allow more"
                ) from error
            raise MachineError(
                f"no decoding process can be started: {error.strerror}", "free memory or processes"
            ) from error
        assert self.process.stdin is not None and self.process.stdout is not None
        self.source = self.process.stdout.fileno()
        if sys.platform == "linux":
            import fcntl

            with contextlib.suppress(OSError):
                fcntl.fcntl(self.source, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def ask(
        self, job: str, path: Path, *, threads: int = 1, preview: bool = False, **more: Any
    ) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Yield the records of one job, info first and done last.

        Raises:
            InputError: the file cannot be used, or the decoder crashed or hung on it.
            LimitError: it is beyond a limit, the memory and processor time of the child included.
            MachineError: the child cannot work here, or an earlier file ended it.
        """
        limits = {f: getattr(self.limits, f) for f in ("max_duration", "max_pixels", "memory")}
        limits["max_streams"] = self.limits.max_streams
        limits["memory"] = self._memory
        request = {"job": job, "path": str(path), "threads": threads, "preview": preview}
        assert self.process.stdin is not None
        if self.process.stdin.closed:
            raise MachineError("the decoding process has ended", "start another")
        try:
            self.process.stdin.write(json.dumps(request | {"limits": limits} | more).encode())
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()
            while True:
                header, payload = wire.receive(self.source, self.limits.stall_seconds)
                if header["kind"] == "error":
                    kind = KINDS[header["class"]]
                    raise kind(f"{path} {header['cause']}", header["remedy"])
                if not all(field in header for field in FIELDS[header["kind"]]):
                    raise wire.WireError("the decoder sent nonsense")
                yield header, payload
                if header["kind"] == "done":
                    return
        except wire.SilenceError:
            self.close()
            seconds = self.limits.stall_seconds
            raise InputError(
                f"{path} stops the decoder: no progress for {seconds:g} s", "re-encode it first"
            ) from None
        except (wire.WireError, BrokenPipeError, KeyError, TypeError) as error:
            raise self._obituary(path) from error

    @property
    def _memory(self) -> int:
        """Bytes of address space that the child has: what we allow, or what we are allowed."""
        allowed = allowance()
        return self.limits.memory if allowed is None else min(self.limits.memory, allowed)

    def _obituary(self, path: Path) -> IptnetError:
        """Why the child ended, as an error of ours."""
        try:
            code = self.process.wait(timeout=DEATH_SECONDS)
        except subprocess.TimeoutExpired:
            self.close()
            return misbehaviour(path)
        self.errors.seek(0)
        lines = self.errors.read(STDERR_BYTES).decode("utf-8", "replace").strip().splitlines()
        self.close()
        if code in {-signal.SIGXCPU, 128 + signal.SIGXCPU}:
            seconds = self.limits.cpu_seconds
            return LimitError(f"{path} takes more than {seconds} s of processor time", "cut it")
        if code == -signal.SIGKILL:
            return LimitError(f"{path}: the decoder was killed, probably for memory", "free some")
        # With less memory than we would allow, whatever ends it may come from that.
        short = self._memory < self.limits.memory
        if short or (code > 0 and tells_shortage("\n".join(lines))):
            return LimitError(
                f"{path} needs more than {self._memory >> 20} MiB of memory to decode",
                "allow more (ulimit -v), close other programs, or use a smaller video",
            )
        if code < 0:
            name = signal.Signals(-code).name
            return InputError(f"{path} crashes the decoder ({name})", "re-encode it first")
        why = lines[-1] if lines else f"exit code {code}"
        return MachineError(f"the decoding process failed: {why}", "run `iptnet doctor`")

    def close(self) -> None:
        """Kill the process; safe to call twice."""
        if self.process.poll() is None:
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.errors.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
