"""Every way this package can refuse, each with its cause, its remedy and its exit code.

The command line prints ``cause; remedy`` on one line and exits with ``exit_code``; the library
raises the same objects, so a program can tell a bad file (3) from a limit (4) without parsing text.
"""

from __future__ import annotations

import errno

SHORTAGES = (
    "allocate memory",  # PyTorch, FFmpeg, onnxruntime; errno 12 in C's words
    "bad_alloc",  # C++
    "start new thread",  # Python
    "pthread_create",  # FFmpeg, OpenBLAS
    "failed to map segment",  # a shared library at its import
    "unable to mmap",  # PyTorch over a file
    "malloc of size",  # x264
    "create a memory object",  # oneDNN
    "memoryerror",  # a child's traceback
    "out of memory",
)
"""How libraries say, in lower case, that memory has run out."""
TELLING = ("onnxruntime", "safetensors")
"""Packages with exceptions of their own, whose texts are to be read for that."""
LONGEST = 1500
"""Characters of a cause; files that lie may name a value of any length, libraries repeat it."""


class IptnetError(Exception):
    """Base of all refusals.

    Args:
        cause: what is wrong, naming the file, key or value; beyond ``LONGEST`` it loses its middle.
        remedy: what to do next, as an imperative clause; may be empty.
    """

    exit_code = 1

    def __init__(self, cause: str, remedy: str = "") -> None:
        if len(cause) > LONGEST:  # what is wrong stands before or after a value, so keep both
            cause = f"{cause[: LONGEST * 2 // 3]} … {cause[-LONGEST // 4 :]}"
        self.cause = cause
        self.remedy = remedy
        super().__init__(f"{cause}; {remedy}" if remedy else cause)

    def __reduce__(self) -> tuple[type[IptnetError], tuple[str, str]]:
        """Survive the way back from a worker process."""
        return type(self), (self.cause, self.remedy)


class UsageError(IptnetError):
    """The call itself makes no sense: an option, a value or a combination of them."""

    exit_code = 2


class InputError(IptnetError):
    """The input cannot be used: missing, unreadable, not a video, a broken annotation."""

    exit_code = 3


class LimitError(IptnetError):
    """The input is well-formed but beyond a limit of size, time or memory."""

    exit_code = 4


class IntegrityError(IptnetError):
    """A file of ours or of the benchmark is not what it claims to be: h5, checkpoint, cache."""

    exit_code = 5


class MachineError(IptnetError):
    """The machine lacks something: a codec, disk space, a writable folder."""

    exit_code = 6


class IptnetWarning(UserWarning):
    """What a user should know although the work goes on; the command line shows it as a line."""


def is_shortage(error: BaseException) -> bool:
    """Whether an error says, in whoever's way, that memory has run out."""
    if isinstance(error, OSError):
        if error.errno is None:  # of a shared library that cannot be loaded
            return tells_shortage(str(error))
        return error.errno == errno.ENOMEM
    if isinstance(error, MemoryError):
        return True
    telling = type(error).__module__.startswith(TELLING)
    return (telling or isinstance(error, RuntimeError | ImportError | SystemError)) and (
        tells_shortage(str(error))
    )


def tells_shortage(text: str) -> bool:
    """Whether a library's text says that memory has run out."""
    lower = text.lower()
    return any(mark in lower for mark in SHORTAGES)
