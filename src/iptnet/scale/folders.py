"""The folder of each video's results: as the archive is arranged, each named by the video's stem.

Names that clash are numbered in the order of the videos' names: ``a.mp4`` and ``a.mkv``, and also
``Talk.mp4`` and ``talk.mp4``, which are one folder on some file systems. A folder that holds the
status of a video stays with that video whatever comes or goes, and no other one gets it. Finished
work is found again, also under the whole file names that earlier versions gave to folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from iptnet.naming import FILES, numbered, stem_of
from iptnet.scale.ledger import STATUS, read_status
from iptnet.scale.shards import digest_of

if TYPE_CHECKING:
    from iptnet.scale.manifest import Item

OURS = re.compile(
    "|".join(re.escape(name) for name in (*FILES, STATUS)) + r"|batch.*\.jsonl", re.IGNORECASE
)
"""Names of our files, which no folder may have where they may lie."""


def with_folders(items: Sequence[Item], out: Path) -> Iterator[Item]:
    """Give each item a folder that no other one has.

    Args:
        items: in the order of their keys; a ``folder`` that is set already is the name to have.
        out: where results lie, of this run and of earlier ones.
    """
    wanted = [_whole(item.folder or _by_stem(item.key)) for item in items]
    kept = [_kept(item.key, name, out) for item, name in zip(items, wanted, strict=True)]
    taken = {name.casefold() for name in kept if name}
    # A folder of videos may be called as a video beside it: the results do not go among its own.
    for name in wanted:
        taken |= {str(above).casefold() for above in PurePosixPath(name).parents}
    for item, name, own in zip(items, wanted, kept, strict=True):
        folder = own or next(
            free
            for free in _names(name)
            if free.casefold() not in taken and _owner(out / free) in {None, item.key}
        )
        taken.add(folder.casefold())
        yield replace(item, folder=folder)


def _by_stem(key: str) -> str:
    path = PurePosixPath(key)
    # A list may name a folder, "." for one; it is refused when its turn comes.
    return str(path.with_name(stem_of(path.name))) if path.name else stem_of("")


def _whole(name: str) -> str:
    """The name, in one piece where a folder above would have the name of a file of ours."""
    inside = any(OURS.fullmatch(part) for part in PurePosixPath(name).parts[:-1])
    return name.replace("/", "~") if inside else name


def _names(name: str) -> Iterator[str]:
    path = PurePosixPath(name)
    for number in count(1):
        if not OURS.fullmatch(last := numbered(path.name, number)):
            yield str(path.with_name(last))


def _kept(key: str, name: str, out: Path) -> str:
    """The folder that holds the status of a video already; empty if there is none."""
    for folder in _names(name):
        if not (out / folder).is_dir():
            break
        if _owner(out / folder) == key:
            return folder
    mark = f"~{digest_of(key):064x}"[:9]
    old = (key, key + mark, key.replace("/", "~") + mark)
    return next((folder for folder in old if _owner(out / folder) == key), "")


def _owner(folder: Path) -> str | None:
    """The key of the video whose status lies in a folder."""
    status = read_status(folder)
    return None if status is None else status.key
