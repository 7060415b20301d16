"""``iptnet serve``: the web page and its HTTP API, on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iptnet.cli.console import printable, say, say_warning
from iptnet.errors import UsageError


@dataclass(frozen=True)
class Serve:
    """Serve the web page: drop a video, see its curve, its summary, and ask where things are."""

    host: str = "127.0.0.1"
    """Address to listen on; others than this machine's own let the network in."""

    port: int = 8000
    """Port to listen on; 0 takes any free one."""

    data: Path | None = None
    """Folder for videos and results; by default below ~/.local/state."""

    max_gib: float = 8.0
    """Largest video, in GiB."""

    quota_gib: float = 32.0
    """All videos and results together, in GiB."""

    keep_days: float = 30.0
    """Videos that nobody looked at for so long are deleted."""

    def run(self) -> int:
        """Serve until interrupted."""
        if not 0 <= self.port <= 65535:
            raise UsageError(f"--port {self.port} is no port", "give 0 to 65535")
        for name in ("max_gib", "quota_gib", "keep_days"):
            if not 0 < getattr(self, name) < 1e9:
                raise UsageError(f"--{name.replace('_', '-')} is no amount", "give more than 0")
        from iptnet.serving.settings import GIB, Settings, default_data, is_loopback

        data = self.data or default_data()
        settings = Settings(
            data=data,
            host=self.host,
            max_bytes=round(self.max_gib * GIB),
            quota=round(self.quota_gib * GIB),
            keep_days=self.keep_days,
        )
        if not is_loopback(self.host):
            say_warning(
                f"--host {self.host} lets everybody on the network upload videos and use this "
                "machine, unencrypted and without a password"
            )
        from iptnet.serving.run import serve

        serve(
            settings,
            self.port,
            on_ready=lambda address: say(
                f"iptnet serves {address} (videos in {printable(data)}; Ctrl-C stops)"
            ),
        )
        return 0
