"""Commands, options and values that nearly exist: told with the one that is probably meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, get_origin, get_type_hints

import tyro

from iptnet.errors import UsageError

HELP = {"-h", "--help"}


def require_known(arguments: Sequence[str], commands: Mapping[str, type[Any]]) -> None:
    """Refuse a command or an option that does not exist, before any of it is parsed.

    Args:
        arguments: of the command line, without the program's name.
        commands: the dataclass of each command's options, by name.

    Raises:
        UsageError: naming the nearest command or option.
    """
    if not arguments or arguments[0] in HELP:
        return
    name = arguments[0]
    if name.startswith("-"):
        raise UsageError(f"{name} stands before any command", "iptnet COMMAND … comes first")
    if name not in commands:
        is_file = Path(name).suffix and _exists(name)
        remedy = f"iptnet summarize {name}" if is_file else "iptnet --help lists the commands"
        raise UsageError(
            f"there is no command {name!r}", meant(name, commands, "iptnet {}", remedy)
        )
    known = _options(commands[name])
    for before, argument in pairwise(arguments):
        if argument == "--":
            break
        option = argument.split("=", 1)[0].replace("_", "-")
        # What follows an option may be its value, which may begin with one dash.
        short = re.fullmatch("-[a-zA-Z][a-zA-Z-]*", option) and not before.startswith("--")
        if (argument.startswith("--") or short) and option not in known | HELP:
            raise UsageError(
                f"iptnet {name} has no option {option}",
                _meant_option(option, known, f"iptnet {name} --help lists them"),
            )


def meant(word: str, known: Collection[str], form: str, otherwise: str) -> str:
    """Ask for what a word is probably a slip of, or say ``otherwise`` where nothing is near."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {form.format(near[0])}?" if near else otherwise


def _meant_option(option: str, known: Collection[str], otherwise: str) -> str:
    """Ask for the nearest option, or for the one that begins as a short one (``-o``) does."""
    begun = [k for k in known if k.startswith(f"-{option}")]
    if len(begun) == 1 and not option.startswith("--"):
        return f"did you mean {begun[0]}?"
    return meant(option, known, "{}", otherwise)


def _options(command: type[Any]) -> set[str]:
    hints = get_type_hints(command, include_extras=True)
    return {
        f"--{field.name.replace('_', '-')}"
        for field in fields(command)
        if not _is_positional(hints[field.name])
    }


def _is_positional(hint: Any) -> bool:
    marks = getattr(hint, "__metadata__", ())
    return get_origin(hint) is Annotated and any(m is tyro.conf.Positional for m in marks)


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False
