"""A command in a network namespace of its own, with its system calls, and what they touched.

The namespace shows that nothing gets out; strace shows that nothing tries, and names every file
that is made, renamed or opened for writing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

NETWORK = "socket,connect,bind,sendto,sendmsg,sendmmsg"
FILES = "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat"
ALONE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
WRITES = re.compile(r"O_(?:CREAT|WRONLY|RDWR|TMPFILE)")
ADDRESS = re.compile(r'sin_addr=inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.")
CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += +(-?\d+|\?)")
NAME = re.compile(r'(?:AT_FDCWD<([^>]*)>|\d+<([^>]*)>)?,? ?"((?:[^"\\]|\\.)*)"')


def missing() -> str:
    """Why no command can be traced here; empty where one can."""
    lacks = [name for name in ("strace", "unshare", "ip") if shutil.which(name) is None]
    if lacks:
        return f"{', '.join(lacks)} not installed"
    done = subprocess.run([*ALONE, "strace", "-f", "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else f"no namespace or no tracing: {done.stderr[-200:]!r}"


@dataclass(frozen=True)
class Trace:
    """What a command and all its children did.

    Attributes:
        lines: of strace, finished calls only.
    """

    lines: tuple[str, ...]

    def outside(self) -> list[str]:
        """Calls that reach, or would like to reach, another machine."""
        found = []
        for line in self.lines:
            call = CALL.match(line)
            if call is None or call[1] not in NETWORK.split(","):
                continue
            addresses = [a or b for a, b in ADDRESS.findall(call[2])]
            if not all(LOOPBACK.match(a) for a in addresses):
                found.append(line)
        # Whoever asks for a name reads first whom to ask.
        return found + [x for x in self.lines if "/etc/resolv.conf" in x]

    def internet_sockets(self) -> list[str]:
        """Sockets that could reach another machine, used or not."""
        return [x for x in self.lines if " socket(" in x and "AF_INET" in x]

    def written(self) -> set[Path]:
        """Absolute paths that were made, renamed or opened for writing; failures do not count."""
        return set(self._written())

    def _written(self) -> Iterator[Path]:
        for line in self.lines:
            call = CALL.match(line)
            if call is None or call[1] not in FILES.split(",") or call[3].startswith("-"):
                continue
            if call[1].startswith("open") and not WRITES.search(call[2]):
                continue
            for current, folder, name in NAME.findall(call[2]):
                yield Path(os.path.normpath(Path(current or folder or "/") / name))


def traced(
    command: Sequence[str], trace: Path, *, cwd: Path, env: dict[str, str], timeout: float = 300
) -> tuple[subprocess.CompletedProcess[str], Trace]:
    """Run a command to its end without a network, every call of interest noted down."""
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-o", str(trace)]
    done = subprocess.run(
        [*ALONE, *strace, "-e", f"trace={NETWORK},{FILES}", *command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return done, Trace(tuple(_joined(trace.read_text("utf-8", "replace").splitlines())))


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Calls that strace tells in two parts, as one line."""
    begun: dict[str, str] = {}
    for line in lines:
        process = line.partition(" ")[0]
        if line.endswith("<unfinished ...>"):
            begun[process] = line.removesuffix("<unfinished ...>")
        elif again := re.match(r"\d+ +<\.\.\. \w+ resumed>(.*)", line):
            yield begun.pop(process, "") + again[1]
        else:
            yield line
    yield from begun.values()
