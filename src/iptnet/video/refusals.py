"""Why a file is given up, in the words that the decoding child tells its parent."""

from __future__ import annotations

import os
import stat
from io import FileIO
from typing import Any


class RefusalError(Exception):
    """A reason to give up, told to the parent as ``kind`` (input, limit), cause and remedy."""

    def __init__(self, kind: str, cause: str, remedy: str = "") -> None:
        super().__init__(cause)
        self.kind, self.cause, self.remedy = kind, cause, remedy


def opened(path: str) -> FileIO:
    """A regular file, opened without ever waiting for one that is not.

    Raises:
        RefusalError: it cannot be opened, or is no regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise RefusalError("input", f"cannot be opened: {error.strerror}") from error
    file = os.fdopen(descriptor, "rb", buffering=0)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise RefusalError("input", "is not a regular file")
    return file


def out_of_memory(limits: dict[str, Any]) -> RefusalError:
    """The refusal of what does not fit the child's address space."""
    return RefusalError(
        "limit",
        f"needs more than {limits['memory'] >> 20} MiB of memory to decode",
        "allow more, or use a smaller video",
    )


def too_large(width: int, height: int, limits: dict[str, Any]) -> RefusalError:
    """The refusal of a picture beyond ``max_pixels``."""
    limit = limits["max_pixels"]
    return RefusalError("limit", f"has pictures of {width}x{height}, more than {limit} pixels")


def reason(error: BaseException) -> str:
    """An error in ffmpeg's words, without its numbers."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0].lower() if text else type(error).__name__
