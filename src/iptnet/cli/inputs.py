"""Several inputs, one at a time: a bad one is reported and skipped, the exit code says so."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tyro.constructors import PrimitiveConstructorSpec

from iptnet.cli.console import say_error
from iptnet.errors import InputError, LimitError, UsageError
from iptnet.naming import numbered, stem_of
from iptnet.share import share_of

SHARE = PrimitiveConstructorSpec(
    nargs=1,
    metavar="SHARE",
    instance_from_str=lambda texts: _share(texts[0]),
    is_instance=lambda value: isinstance(value, float),
    str_from_instance=lambda value: [f"{value:g}"],
)
"""How the command line reads ``--ratio``."""


def _share(text: str) -> float:
    try:
        return share_of(text)
    except ValueError as error:
        percent = f"{text.strip()}%" if re.fullmatch(r"\s*[1-9][0-9]?\s*", text) else "15%"
        raise UsageError(f"--ratio {error}", f"write 0.15, or a percentage: {percent}") from error


RATIO = 0.15
"""Share of the video, where neither --ratio nor --length is given."""


def asked_length(ratio: float | None, length: str | None) -> tuple[float | None, float | None]:
    """Read how long a summary shall be: a share of the video, or seconds, the other ``None``.

    Args:
        ratio: of ``--ratio``.
        length: of ``--length``: seconds, or minutes and seconds, or hours too.

    Raises:
        UsageError: both are given, the ratio is not in (0, 1], or the length is no time above 0.
    """
    if length is None:
        ratio = RATIO if ratio is None else ratio
        if not 0 < ratio <= 1:
            cause = f"--ratio {ratio:g} is not a share"
            raise UsageError(cause, "give a number above 0 and up to 1, or seconds with --length")
        return ratio, None
    if ratio is not None:
        cause = "--ratio and --length both say how long the summary is"
        raise UsageError(cause, "give one of them")
    return None, _seconds(length)


def _seconds(text: str) -> float:
    parts = text.strip().split(":")
    good = re.fullmatch(r"(\d{1,6}:){0,2}\d{1,9}(\.\d{1,9})?", text.strip(), re.ASCII)
    if not good or any(float(part) >= 60 for part in parts[1:]) or not any(map(float, parts)):
        raise UsageError(
            f"--length {text!r} is not a length of time", "give seconds or minutes: 60, 1:30"
        )
    return sum(float(part) * 60.0**k for k, part in enumerate(reversed(parts)))


def output_folders(videos: Sequence[Path], out: Path) -> list[Path]:
    """``out/<stem>`` for each video; a stem that comes again gets ``-2``, ``-3`` …

    The numbering depends on the given order only, so the same call writes to the same folders.
    """
    taken: set[str] = set()
    folders = []
    for video in videos:
        stem = stem_of(video.name)
        name, count = stem, 1
        # Case-folded: on some file systems Talk and talk are one folder.
        while name.casefold() in taken:
            count += 1
            name = numbered(stem, count)
        taken.add(name.casefold())
        folders.append(out / name)
    return folders


def videos_and_sentences(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Tell videos from sentences: what exists as a file or a folder is a video or holds some.

    Args:
        arguments: in any order; a folder stands for the videos below it, each video comes once.

    Returns:
        the videos and the sentences, each in the order given.

    Raises:
        InputError: an argument that looks like a path and does not exist, or a folder without
            any video.
    """
    videos: dict[Path, None] = {}
    sentences = []
    for argument in arguments:
        path = Path(argument)
        if argument.strip() and _exists(path):
            videos |= dict.fromkeys(_videos_below(path) if path.is_dir() else [path])
        elif _looks_like_a_path(argument):
            raise InputError(
                f"no file at {argument}",
                "check the path; a sentence that looks like one goes into a file for --queries",
            )
        else:
            sentences.append(argument)
    return list(videos), sentences


def _exists(path: Path) -> bool:
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):  # longer than a name may be, or with a NUL byte
        return False


def _looks_like_a_path(argument: str) -> bool:
    """Tell a mistyped path from a sentence: by a media suffix, or by a separator as paths have it.

    "a cat/dog on a sofa" is a sentence: it has spaces, and no folder "a cat" exists.
    """
    from iptnet.scale.manifest import SUFFIXES

    name = argument.strip()
    if Path(name).suffix.lower()[1:] in SUFFIXES:
        return True
    if os.sep not in name:
        return False
    first = name.partition(os.sep)[0]
    return (
        not any(c.isspace() for c in name) or first in ("", ".", "..", "~") or _exists(Path(first))
    )


def _videos_below(folder: Path) -> list[Path]:
    from iptnet.scale.manifest import read_archive

    # No output lies inside: nothing but the folder itself is left out.
    return [item.path for item in read_archive(folder, folder).items]


def for_each(videos: Iterable[Path], work: Callable[[Path], None]) -> int:
    """Run ``work`` on each video and return the exit code of them all.

    Trouble of one video (its content, a limit) is reported and the rest goes on; trouble of the
    machine or of our own files would meet every video alike, so it ends the run.
    """
    code = 0
    for video in videos:
        try:
            work(video)
        except (InputError, LimitError) as error:
            say_error(str(error))
            code = max(code, error.exit_code)
    return code
