"""Run the bundled ffmpeg confined, watched, with progress, and without leaving anything behind."""

from __future__ import annotations

import errno
import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from iptnet.atomic import scratch
from iptnet.errors import InputError, LimitError, MachineError, tells_shortage
from iptnet.memory import allowance, is_close, shortage
from iptnet.signals import held_signals
from iptnet.video import guard
from iptnet.video.limits import Limits

POLL_SECONDS = 0.2
STDERR_BYTES = 1 << 20
FULL = ("No space left", "Disk quota exceeded", "File too large")
"""What ffmpeg says of a disk that takes no more, or no larger file."""
OPENING = ("Error while opening encoder", "Could not open encoder", "Resource temporarily")
"""What it says where x264 or a thread found no room, and keeps the reason to itself."""


def executable() -> str:
    """The ffmpeg that imageio-ffmpeg carries or finds.

    Raises:
        MachineError: there is none for this machine.
        LimitError: there is no memory to run it.
    """
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        if is_close():  # it is asked for its version, which takes memory
            raise LimitError(*shortage()) from error
        raise MachineError(
            "no ffmpeg executable was found", "install imageio-ffmpeg's binary wheel, or ffmpeg"
        ) from error


@functools.cache
def has_filter(name: str) -> bool:
    """Whether this ffmpeg was built with a filter."""
    done = subprocess.run(
        [executable(), "-hide_banner", "-filters"], capture_output=True, text=True, check=False
    )
    return any(line.split()[1:2] == [name] for line in done.stdout.splitlines())


def run(
    arguments: Sequence[str],
    what: str,
    limits: Limits,
    on_frames: Callable[[int], None] = lambda done: None,
) -> list[str]:
    """Run ffmpeg to its end, and return what it complained of on the way.

    Args:
        arguments: after the program's name and our own general options.
        what: the input, as errors should name it.
        limits: memory, processor time, and how long it may make no progress.
        on_frames: told how many frames have been written.

    Raises:
        InputError: ffmpeg gave up on the input, crashed, or hung.
        LimitError: beyond memory or processor time.
        MachineError: the disk is full, or ffmpeg cannot be run.
    """
    setup = {
        # Encoder, filters and one decoder a shot: more than the decoding child alone.
        "memory": 2 * limits.memory,
        "cpu_seconds": limits.cpu_seconds,
        "parent": os.getpid(),
    }
    # Arenas, one a thread, would spend the address space that is allowed.
    environment = {"MALLOC_ARENA_MAX": "2"} | os.environ
    general = ["-nostdin", "-hide_banner", "-loglevel", "error", "-progress", "pipe:1"]
    launch = [sys.executable, "-I", "-S", str(Path(guard.__file__).resolve()), json.dumps(setup)]
    command = [*launch, executable(), *general, "-stats_period", "0.5", *arguments]
    with scratch() as errors, scratch() as progress:
        process = None
        try:
            with held_signals():
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=progress,
                    stderr=errors,
                    env=environment,
                    start_new_session=True,  # Ctrl-C is ours to handle
                )
            hung = _watch(process, progress.fileno(), limits.stall_seconds, on_frames)
        except OSError as error:
            if process is not None:
                raise
            if error.errno in {errno.ENOMEM, errno.EAGAIN}:
                raise LimitError("no memory to run ffmpeg", "close other programs") from error
            raise MachineError(f"ffmpeg cannot be run: {error.strerror}", "") from error
        finally:
            # Also on KeyboardInterrupt and on an exception from the callback.
            if process is not None:
                if process.poll() is None:
                    process.kill()
                process.wait()
        errors.seek(0)
        lines = errors.read(STDERR_BYTES).decode("utf-8", "replace").strip().splitlines()
        if process.returncode == 0 and not hung:
            return lines
    # The first complaint is the cause; what follows are its consequences.
    why = lines[0].strip() if lines else f"exit code {process.returncode}"
    if hung:
        seconds = limits.stall_seconds
        raise InputError(f"{what} stops ffmpeg: no progress for {seconds:g} s", "re-encode it")
    ending = " ".join(lines[-5:])
    if any(full in ending for full in FULL):
        raise MachineError("no space left while cutting", "free some, or choose another --out")
    allowed, usual = allowance(), 2 * limits.memory
    short = allowed is not None and allowed < usual
    if tells_shortage("\n".join(lines)) or (short and _may_be_short(process.returncode, lines)):
        bytes_ = usual if allowed is None else min(usual, allowed)
        raise LimitError(
            f"{what}: cutting it needs more memory than the {bytes_ >> 20} MiB that are allowed",
            "allow more (ulimit -v), close other programs, or cut fewer shots",
        )
    if process.returncode == -signal.SIGKILL:
        raise LimitError(
            f"{what}: ffmpeg was killed while cutting it, probably for memory",
            "close other programs, or allow more",
        )
    if process.returncode == -signal.SIGXCPU:
        raise LimitError(f"cutting {what} takes too much processor time", "raise cpu_seconds")
    raise InputError(f"{what} cannot be cut: {why}", "re-encode it first")


def _may_be_short(code: int, lines: Sequence[str]) -> bool:
    """Whether memory may be why ffmpeg failed, given that less is allowed than it may come to need.

    A crash or silence says nothing against it, and the encoder's settings are always ours.
    """
    return code < 0 or not lines or any(mark in line for line in lines for mark in OPENING)


def _watch(
    process: subprocess.Popen[bytes],
    progress: int,
    stall_seconds: float,
    on_frames: Callable[[int], None],
) -> bool:
    """Follow the progress report until the end; whether it stood still for too long."""
    seen, last, since, tail = 0, b"", time.monotonic(), b""
    while True:
        try:
            process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            ended = False
        else:
            ended = True
        text = os.pread(progress, 1 << 20, seen)
        seen += len(text)
        *whole, tail = (tail + text).split(b"\n")
        for line in whole:
            if line.startswith(b"frame=") and line != last:
                last, since = line, time.monotonic()
                number = line.partition(b"=")[2].strip()
                if number.isdigit():
                    on_frames(int(number))
        if ended:
            return False
        if time.monotonic() - since > stall_seconds:
            return True
