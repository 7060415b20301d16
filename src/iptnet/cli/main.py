"""Parse, run, and turn every refusal into one line and an exit code.

Exit codes: 0 done, 2 usage, 3 bad input, 4 a limit, 5 integrity, 6 environment, 130/143
interrupted. A traceback appears only with ``IPTNET_DEBUG=1``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import tyro

from iptnet import __version__
from iptnet.cli.batch import Batch
from iptnet.cli.console import say_error
from iptnet.cli.demo import Demo
from iptnet.cli.doctor import Doctor
from iptnet.cli.evaluate import Evaluate
from iptnet.cli.export import Export
from iptnet.cli.features import FeaturesCommand
from iptnet.cli.find import Find
from iptnet.cli.score import Score
from iptnet.cli.serve import Serve
from iptnet.cli.summarize import Summarize
from iptnet.cli.train import Train
from iptnet.errors import IptnetError

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


class Terminated(BaseException):
    """SIGTERM, raised where the program stands so that every ``finally`` runs."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point of ``iptnet``; always leaves through :class:`SystemExit`."""
    for stream in (sys.stdout, sys.stderr):
        # File names may hold bytes that are no text; showing them must never be what fails.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in (["--version"], ["-V"]):
        sys.stdout.write(f"iptnet {__version__}\n")
        raise SystemExit(0)
    command = tyro.cli(
        Command,
        prog="iptnet",
        description="Video summarization and moment localization with one model, on your machine.",
        args=given or ["--help"],
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    raise SystemExit(_guarded(command))


def _guarded(command: Command) -> int:
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return command.run()
    except BrokenPipeError:
        # The reader of our output left (`iptnet … | head`): that is no error, but nothing may be
        # flushed to it any more either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt, Terminated) as error:
        if os.environ.get("IPTNET_DEBUG") == "1":
            raise
        text, code = _explain(error)
        say_error(text)
        return code


def _explain(error: BaseException) -> tuple[str, int]:
    """The line to show and the exit code of whatever ended a command."""
    match error:
        case IptnetError():
            return str(error), error.exit_code
        case KeyboardInterrupt():
            return "interrupted", 130
        case Terminated():
            return "terminated", 143
        case MemoryError():
            return "out of memory; close other programs, or use a shorter or smaller video", 4
        case _:
            return (
                f"internal error: {type(error).__name__}: {error}; run again with IPTNET_DEBUG=1 "
                "and report what it prints",
                1,
            )


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated
