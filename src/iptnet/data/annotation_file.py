"""Annotation files as numbered lines of text: plain or gzip, UTF-8 with or without a byte mark.

Everything that a stranger's file can be instead (a folder, a pipe, half a gzip, a bomb, another
encoding, JSON with NaN or a thousand brackets) is refused here, once, with the file's name.
"""

from __future__ import annotations

import gzip
import json
import math
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iptnet.errors import InputError, LimitError

LARGEST = 256 << 20
"""Bytes of text after decompression; the largest real annotation file has a few MB."""


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a text file with their numbers from 1, blank ones left out.

    Args:
        path: plain or gzip-compressed (told by content, not by name), UTF-8.

    Raises:
        InputError: not a readable regular file, broken gzip, or not UTF-8 (names the line).
        LimitError: more text than 256 MiB.
    """
    # Split on \n alone: str.splitlines would also split at U+2028 inside a JSON string.
    for number, raw in enumerate(_content(Path(path)).split(b"\n"), start=1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}, line {number}: not UTF-8", "save it as UTF-8") from error
        if line.strip():
            yield number, line


def read_text(path: Path) -> str:
    """The whole file as text; see :func:`text_lines` for what is refused."""
    try:
        return _content(Path(path)).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8", "save it as UTF-8") from error


def read_json(path: Path) -> Any:
    """A whole JSON file.

    Raises:
        InputError: as :func:`text_lines`, or not JSON.
    """
    try:
        return parse_json(read_text(path))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}", "check how it was written") from error


def parse_json(text: str) -> Any:
    """Strict JSON: no NaN, no Infinity.

    Raises:
        ValueError: not JSON, or nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def number(value: Any) -> float:
    """A finite number that is not a boolean.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{short(value)} is not a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise ValueError(f"{short(value)} is not finite")
    return result


def short(value: Any) -> str:
    """A value for a message, at most about 60 characters of it."""
    # Slicing first: the repr of a hostile megabyte is a megabyte of work and of message.
    text = repr(value[:60]) if isinstance(value, str) else repr(value) if _small(value) else ""
    return f"{text[:60]}…" if len(text) > 60 else text or f"a {type(value).__name__}"


def _small(value: Any) -> bool:
    if isinstance(value, int):
        return value.bit_length() < 256
    return not isinstance(value, list | dict) or len(value) < 10


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _content(path: Path) -> bytes:
    try:
        # Opening a pipe would wait for ever, and a device may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{path} is not a regular file", "copy it to one first")
        with path.open("rb") as plain:
            compressed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            content = (gzip.GzipFile(fileobj=plain) if compressed else plain).read(LARGEST + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", "check the path") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged gzip ({error})", "fetch it again") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{str(path)!r} cannot be read: {error}", "check the path") from error
    if len(content) > LARGEST:
        raise LimitError(f"{path} holds more than {LARGEST >> 20} MiB of text", "split it")
    return content
