"""The terminal belongs to us: what libraries say to people does not reach it, what we say does.

Libraries talk in three ways: Python warnings, logging, and text that native code writes to the
standard error stream itself (onnxruntime about its cache, libav about a file). With
``IPTNET_DEBUG=1`` all of it is shown.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings

from iptnet.cli.console import say_warning
from iptnet.errors import IptnetWarning

STDERR = 2
"""The file descriptor that native code writes to, whatever Python does with ``sys.stderr``."""


def keep_libraries_quiet() -> None:
    """Show our own warnings as lines of ours, and nothing that anybody else says."""
    if os.environ.get("IPTNET_DEBUG") == "1":
        return
    warnings.filterwarnings("always", category=IptnetWarning)
    warnings.showwarning = _show  # type: ignore[assignment]  # it asks for names that we ignore
    # What reaches no handler would otherwise be written to standard error.
    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(logging.NullHandler())
    _hide_native_text()


def _show(message: Warning | str, category: type[Warning], *_place: object) -> None:
    if issubclass(category, IptnetWarning):
        say_warning(str(message))


def _hide_native_text() -> None:
    """Move our own stream to a descriptor of its own, and put the null device in its place."""
    ours = sys.stderr
    if ours is not sys.__stderr__ or ours is None:
        return
    try:
        if ours.fileno() != STDERR:
            return  # a program that calls us has its own ideas of it, or it is done already
        ours.flush()
        own = os.dup(STDERR)
        null = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        return
    encoding = getattr(ours, "encoding", "utf-8")
    sys.stderr = os.fdopen(own, "w", encoding=encoding, errors="backslashreplace", buffering=1)
    os.dup2(null, STDERR)
    os.close(null)
