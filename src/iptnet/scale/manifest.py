"""What an archive holds: the videos below a folder, or those that a list names.

A list is text with one path a line, paths separated by NUL (``find -print0``, for names that hold
newlines), or ``.jsonl`` with ``{"path": …}`` and perhaps ``"name"`` and ``"ratio"``.
"""

from __future__ import annotations

import codecs
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from iptnet.data.json_lines import require_object_lines
from iptnet.errors import InputError
from iptnet.scale.folders import with_folders
from iptnet.share import share_of

SUFFIXES = frozenset(
    [
        *("3g2", "3gp", "asf", "avi", "divx", "dv", "f4v", "flv", "gif", "ivf", "m1v", "m2t"),
        *("m2ts", "m2v", "m4v", "mj2", "mkv", "mov", "mp4", "mpe", "mpeg", "mpg", "mpv", "mts"),
        *("mxf", "nut", "ogm", "ogv", "qt", "rm", "rmvb", "ts", "vob", "webm", "wmv", "y4m"),
    ]
)
"""Names that a folder's videos end in; a list may name any file."""
MOST_BYTES = 1 << 30
"""Of a list."""
RESERVED = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class Item:
    """A video to work on.

    Attributes:
        key: its name in the archive: the path below the root, or what a list calls it.
        path: where it lies.
        ratio: of its summary, where a list gives one.
        folder: below the output, for its results; no other item has the same.
    """

    key: str
    path: Path
    ratio: float | None = None
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is not worked on, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything found, each in the order of its name."""

    items: tuple[Item, ...]
    skipped: tuple[Skipped, ...]


def read_archive(source: Path, out: Path) -> Listing:
    """List a folder, or read a list.

    Args:
        source: a folder, or a file of the three kinds above.
        out: where results go; when it lies inside the folder, it is no part of the archive.

    Raises:
        InputError: nothing is there, the list cannot be understood, or there is no video in it.
    """
    found = list(_walk(source, out) if source.is_dir() else _listed(source))
    items = [i for i in found if isinstance(i, Item)]
    if not items:
        raise InputError(f"{source} names no video", "name a folder of videos, or a list of paths")
    skipped = (s for s in found if isinstance(s, Skipped))
    return Listing(
        tuple(with_folders(sorted(items, key=lambda i: os.fsencode(i.key)), out)),
        tuple(sorted(skipped, key=lambda s: os.fsencode(s.key))),
    )


def _walk(root: Path, out: Path) -> Iterator[Item | Skipped]:
    apart, troubles = out.resolve(), list[OSError]()
    for folder, folders, names in os.walk(root, onerror=troubles.append):
        kept = []
        for name in folders:
            path = Path(folder) / name
            key = path.relative_to(root).as_posix()
            if name.startswith("."):
                yield Skipped(key, "a hidden folder")
            elif path.is_symlink():  # may lead in circles, or out
                yield Skipped(key, "a link to a folder")
            elif path.resolve() != apart:
                kept.append(name)
        folders[:] = kept
        for name in names:
            path = Path(folder) / name
            key = path.relative_to(root).as_posix()
            why = _not_a_video(path)
            yield Skipped(key, why) if why else Item(key, path)
    for trouble in troubles:
        path = Path(str(trouble.filename))
        if path == root:
            raise InputError(f"cannot read {root}: {trouble.strerror}", "change its permissions")
        yield Skipped(path.relative_to(root).as_posix(), f"cannot be read: {trouble.strerror}")


def _not_a_video(path: Path) -> str:
    """Why a file of a folder is left alone; empty when it is not."""
    if path.name.startswith("."):
        return "a hidden file"
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not stat.S_ISREG(mode):
        return "not a regular file"
    return "" if path.suffix.lower()[1:] in SUFFIXES else "not named like a video"


def _listed(source: Path) -> Iterator[Item | Skipped]:
    try:
        if not source.exists():
            raise InputError(f"{source} does not exist", "name a folder of videos, or a list")
        if not source.is_file():
            raise InputError(f"{source} is neither a folder nor a file", "name one of them")
        if source.suffix.lower()[1:] in SUFFIXES:
            raise InputError(
                f"{source} is a video",
                "name a folder or a list of paths, or use `iptnet summarize`",
            )
        if source.stat().st_size > MOST_BYTES:
            raise InputError(
                f"{source} is too large for a list of paths", "name a folder, or split it"
            )
        data = _bytes_of_text(source.read_bytes(), source)
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}", "check the path") from error
    # A list of an old Mac has CR alone; elsewhere one may be part of a name.
    ends = b"\0" if b"\0" in data else b"\n" if b"\n" in data else b"\r"
    if source.suffix == ".jsonl":
        require_object_lines(source)
    lines = data.split(ends)
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip() if source.suffix == ".jsonl" else line.removesuffix(b"\r")
        if not text:
            continue
        where = f"{source}, line {number}"
        item = _row(text, where) if source.suffix == ".jsonl" else Item("", _path(text, where))
        # Paths are those of the list's own folder, wherever the command is called from.
        path = source.parent / item.path
        item = replace(item, key=item.key or _key(path, source.parent), path=path)
        if item.key in seen:
            yield Skipped(f"{item.key} (line {number})", f"named before, in line {seen[item.key]}")
        else:
            seen[item.key] = number
            yield item


def _bytes_of_text(data: bytes, source: Path) -> bytes:
    """The list in bytes as file names have them, without its byte mark."""
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-16").encode("utf-8")  # PowerShell redirects its output so
    except UnicodeError as error:
        raise InputError(f"{source} is not UTF-16, as it says", "save it as UTF-8") from error


def _row(text: bytes, where: str) -> Item:
    try:
        row: Any = json.loads(text)
        path, name, ratio = row["path"], row.get("name"), row.get("ratio")
        if not set(row) <= {"path", "name", "ratio"}:
            raise KeyError(", ".join(set(row) - {"path", "name", "ratio"}))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{where} is not understood ({error})",
            'write {"path": "talk.mp4"}, with "name" and "ratio" if you like',
        ) from error
    if not isinstance(path, str) or not isinstance(name, str | None):
        raise InputError(f'{where}: "path" and "name" must be text', "put them in quotes")
    if isinstance(ratio, str) and "%" in ratio:
        try:
            ratio = share_of(ratio)
        except ValueError as error:
            raise InputError(f'{where}: "ratio" {error}', "write 0.15 or 15%") from error
    if ratio is not None and (
        not isinstance(ratio, int | float) or isinstance(ratio, bool) or not 0 < ratio <= 1
    ):
        raise InputError(f'{where}: "ratio" is not a share', "give a number above 0 and up to 1")
    if name is not None and (
        RESERVED & set(name.split("/")) or name.startswith(".") or not name.isprintable()
    ):
        raise InputError(f'{where}: "name" is no name for a folder', "give one without .. in it")
    try:
        encoded = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise InputError(f'{where}: "path" is no text', "write the path as it is") from error
    return Item(name or "", _path(encoded, where), ratio, folder=name or "")


def _path(text: bytes, where: str) -> Path:
    if not text or b"\0" in text:
        raise InputError(f"{where} names no file", "give a path")
    return Path(os.fsdecode(text))


def _key(path: Path, root: Path) -> str:
    """A path below ``root`` as it is there; one elsewhere in full."""
    full, base = Path(os.path.abspath(path)), Path(os.path.abspath(root))  # noqa: PTH100 - no links
    inside = full.relative_to(base) if full.is_relative_to(base) else full.relative_to(full.anchor)
    return inside.as_posix()
