"""Run the application: a socket of ours, uvicorn on it, and a clean end on SIGINT and SIGTERM."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from iptnet.api import load
from iptnet.errors import MachineError, UsageError
from iptnet.serving.app import create_app
from iptnet.serving.service import Service
from iptnet.serving.settings import Settings

GRACE_SECONDS = 3
"""For answers that are under way when the server stops."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        MachineError: the port is in use or not allowed.
        UsageError: no such address on this machine.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # The protocol must be named: only then does asyncio switch off Nagle's algorithm, which
        # would hold the end of every answer back for 40 ms.
        listening = socket.socket(family, kind, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(128)
        except BaseException:
            listening.close()
            raise
        return listening
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise MachineError(
                f"port {port} is in use",
                "stop what uses it, or choose another with --port (0 takes any free one)",
            ) from error
        if error.errno == errno.EACCES:
            raise MachineError(
                f"port {port} is not allowed", "choose one above 1023 with --port"
            ) from error
        why = error.strerror or str(error)
        remedy = "give an address of this machine"
        raise UsageError(f"cannot listen on {host}: {why}", remedy) from error


def address_of(host: str, listening: socket.socket) -> str:
    """What to type into a browser."""
    shown = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    if ":" in shown and not shown.startswith("["):
        shown = f"[{shown}]"
    return f"http://{shown}:{listening.getsockname()[1]}/"


class _Server(uvicorn.Server):
    """Tells the service of a signal at once: its event streams would never end by themselves."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        super().handle_exit(sig, frame)
        self._on_exit()


def serve(
    settings: Settings, port: int, on_ready: Callable[[str], None] = lambda address: None
) -> None:
    """Serve until a signal comes, which is raised again when all is closed.

    Args:
        settings: of the server.
        port: to listen on.
        on_ready: told the address once it can be asked.

    Raises:
        MachineError: the port or the data folder is in use.
        UsageError: no such address.
        IntegrityError: the database is not ours.
    """
    logging.basicConfig(format="iptnet: %(message)s", level=logging.WARNING)
    with listen(settings.host, port) as listening:
        service = Service(settings, load)
        config = uvicorn.Config(
            create_app(service),
            http="h11",
            ws="none",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=256,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        on_ready(address_of(settings.host, listening))
        _Server(config, service.board.close).run(sockets=[listening])
