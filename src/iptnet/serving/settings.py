"""What a server may spend, and where it keeps things."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

GIB = 1 << 30


def default_data() -> Path:
    """``$XDG_STATE_HOME/iptnet/serve``, else ``~/.local/state/iptnet/serve``.

    State, not cache: a cache may be emptied at any time, and what people uploaded may not.
    """
    # The XDG specification has relative paths ignored.
    xdg = Path(os.environ.get("XDG_STATE_HOME", ""))
    state = xdg if xdg.is_absolute() else Path("~/.local/state").expanduser()
    return state / "iptnet" / "serve"


@dataclass(frozen=True, slots=True)
class Settings:
    """Bounds of one server.

    Attributes:
        data: folder of everything it keeps; nobody else should write there.
        host: the address it listens on.
        max_bytes: of one upload.
        quota: bytes of everything kept.
        max_active: videos and renderings that wait or run; more are refused.
        max_streams: event streams open at once.
        keep_days: videos unused for longer are deleted.
        stall_seconds: an upload that sends nothing for so long is given up.
    """

    data: Path
    host: str = "127.0.0.1"
    max_bytes: int = 8 * GIB
    quota: int = 32 * GIB
    max_active: int = 16
    max_streams: int = 64
    keep_days: float = 30.0
    stall_seconds: float = 60.0

    def admits(self, host: str) -> bool:
        """Whether a Host header names us.

        A page of somebody else whose name was made to point here (DNS rebinding) sends its own
        name; an address can never come about in that way.
        """
        name = _without_port(host)
        if name in {"localhost", "127.0.0.1", "::1", self.host.lower()}:
            return True
        if is_loopback(self.host):
            return False
        own = socket.gethostname().lower()
        return _is_address(name) or name in {own, f"{own}.local", socket.getfqdn().lower()}


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host
