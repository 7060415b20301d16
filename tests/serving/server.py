"""``iptnet serve`` as its user starts it: a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Server:
    """A running server.

    Attributes:
        url: without a slash at the end.
        data: its folder.
        process: to be signalled.
    """

    url: str
    data: Path
    process: subprocess.Popen[str]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Signal it; its exit code and what it said on standard error."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err

    def children(self) -> set[int]:
        """Processes that it started and that live."""
        found = set()
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid and fields[0] != "Z":
                found.add(int(stat.parent.name))
        return found


def start(data: Path, cache: Path, *arguments: str) -> Server:
    """Start a server on a free port; returns when it can be asked."""
    process = subprocess.Popen(
        [sys.executable, "-m", "iptnet", "serve", "--port", "0", "--data", str(data), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"IPTNET_CACHE": str(cache)},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    if found is None:
        _, err = process.communicate(timeout=30)
        raise AssertionError(f"no address in {line!r}: {err}")
    return Server(found[0].rstrip("/"), data, process)
