"""Annotation files as numbered lines of text: plain or gzip, UTF-8, or UTF-16 with a byte mark.

Everything that a stranger's file can be instead (a folder, a pipe, half a gzip, a bomb, another
encoding, JSON with NaN or a thousand brackets) is refused here, once, with the file's name.
"""

from __future__ import annotations

import codecs
import gzip
import json
import math
import re
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iptnet.errors import InputError, LimitError

LARGEST = 256 << 20
"""Bytes of text after decompression; the largest real annotation file has a few MB."""

SAVE_AS = "save it as UTF-8 (in Excel: CSV UTF-8)"

_LINE_END = re.compile("\r\n|\n|\r")


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a text file with their numbers from 1, blank ones left out.

    Args:
        path: plain or gzip-compressed (told by content, not by name), UTF-8 or, with its byte
            mark, UTF-16; lines end in LF, CR LF or, as on old Macs, CR.

    Raises:
        InputError: not a readable regular file, broken gzip, or not UTF-8 (names the line).
        LimitError: more text than 256 MiB.
    """
    # Not str.splitlines, which would also split at U+2028 inside a JSON string.
    for number, line in enumerate(_LINE_END.split(read_text(path)), start=1):
        if line.strip():
            yield number, line


def read_text(path: Path) -> str:
    """Read a whole file as text; see :func:`text_lines` for what is refused."""
    content = _content(Path(path))
    try:
        return _decoded(content)
    except UnicodeDecodeError as error:
        raise _not_text(path, content, error) from error


def read_spreadsheet_text(path: Path) -> tuple[str, bool]:
    """Read a whole file as text, also in Windows-1252, which Excel on Windows saves CSV files in.

    Returns:
        The text, and whether it was Windows-1252: a guess, since a file does not say so.

    Raises:
        InputError: as :func:`text_lines`, or Windows-1252 does not know one of its bytes.
    """
    content = _content(Path(path))
    try:
        return _decoded(content), False
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":
            raise _not_text(path, content, error) from error
        try:
            return content.decode("cp1252"), True
        except UnicodeDecodeError:
            raise _not_text(path, content, error) from error


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    if b"\0" in content[:2]:
        # A letter and a NUL: two bytes a character, without the mark that would say which first.
        raise UnicodeDecodeError("utf-16", content, 0, 2, "no byte mark")
    return content.decode("utf-8-sig").removeprefix("\ufeff")


def _not_text(path: Path, content: bytes, error: UnicodeDecodeError) -> InputError:
    if error.encoding != "utf-8":
        return InputError(f"{path} looks like UTF-16 but cannot be read as such", SAVE_AS)
    line = len(re.split(rb"\r\n|\n|\r", content[: error.start]))
    return InputError(f"{path}, line {line}: not UTF-8", SAVE_AS)


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
