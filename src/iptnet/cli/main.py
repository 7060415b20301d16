"""Parse, run, and turn every refusal into one line and an exit code.

Exit codes: 0 done, 2 usage, 3 bad input, 4 a limit, 5 integrity, 6 environment, 130/143
interrupted. A traceback appears only with ``IPTNET_DEBUG=1``.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn, get_args

import tyro

from iptnet import __version__
from iptnet.cli.batch import Batch
from iptnet.cli.console import say, say_error
from iptnet.cli.demo import Demo
from iptnet.cli.doctor import Doctor
from iptnet.cli.evaluate import Evaluate
from iptnet.cli.export import Export
from iptnet.cli.features import FeaturesCommand
from iptnet.cli.find import Find
from iptnet.cli.limited import limited
from iptnet.cli.near_misses import require_known
from iptnet.cli.quiet import keep_libraries_quiet
from iptnet.cli.score import Score
from iptnet.cli.serve import Serve
from iptnet.cli.summarize import Summarize
from iptnet.cli.train import Train
from iptnet.errors import IptnetError, MachineError, is_shortage
from iptnet.memory import is_close, shortage

Command = (
    Annotated[Summarize, tyro.conf.subcommand("summarize")]
    | Annotated[Find, tyro.conf.subcommand("find")]
    | Annotated[Batch, tyro.conf.subcommand("batch")]
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[FeaturesCommand, tyro.conf.subcommand("features")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Score, tyro.conf.subcommand("score")]
    | Annotated[Serve, tyro.conf.subcommand("serve")]
    | Annotated[Demo, tyro.conf.subcommand("demo")]
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
)

COMMANDS: dict[str, type[Any]] = {
    part.__metadata__[0].name: part.__origin__ for part in get_args(Command)
}
"""The dataclass of each command's options, by name."""


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What a full disk under standard output says."""


class Terminated(BaseException):
    """SIGTERM, raised where the program stands so that every ``finally`` runs."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of ``iptnet``; always leaves through :class:`SystemExit`."""
    _require_streams()
    keep_libraries_quiet()
    for stream in (sys.stdout, sys.stderr):
        # File names may hold bytes that are no text; showing them must never be what fails.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if arguments is not None:  # called by a program, whose process is not ours to divide
        raise SystemExit(_guarded(list(arguments)))
    raise SystemExit(limited(lambda: _guarded(sys.argv[1:])))


def _guarded(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, _terminate)
    try:
        if arguments in (["--version"], ["-V"]):
            say(f"iptnet {__version__}")
            return 0
        require_known(arguments, COMMANDS)
        command = tyro.cli(
            Command,
            prog="iptnet",
            description="Video summarization and moment localization with one model, on your "
            "machine.",
            args=arguments or ["--help"],
            config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
        )
        _require_current_folder()
        return command.run()
    except BrokenPipeError:
        # The reader of our output left (`iptnet … | head`): that is no error.
        _drop_output()
        return 0
    except SystemExit:
        raise
    except (
        BaseException
    ) as error:  # KeyboardInterrupt, Terminated, and what a panic in Rust becomes
        if os.environ.get("IPTNET_DEBUG") == "1":
            raise
        text, code = _explain(error)
        say_error(text)
        _drop_output()
        return code


def _drop_output() -> None:
    """Flush what was said, or nothing more may be: the interpreter would try, and fail, at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _require_streams() -> None:
    """Put the null device in the place of closed standard streams, or files would take it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def _require_current_folder() -> None:
    """Native libraries abort where there is none, in their own words and with their own codes."""
    try:
        Path.cwd()
    except OSError as error:
        raise MachineError("the current folder has vanished", "go to another one") from error


def _explain(error: BaseException) -> tuple[str, int]:
    """The line to show and the exit code of whatever ended a command."""
    match error:
        case IptnetError():
            return str(error), error.exit_code
        case KeyboardInterrupt():
            return "interrupted", 130
        case Terminated():
            return "terminated", 143
        case OSError() if error.errno in FULL:
            return f"cannot write: {error.strerror}; free some space", 6
        case _ if is_shortage(error) or is_close():
            return "; ".join(shortage()), 4
        case _:
            return (
                f"internal error: {type(error).__name__}: {error}; run again with IPTNET_DEBUG=1 "
                "and report what it prints",
                1,
            )


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated
