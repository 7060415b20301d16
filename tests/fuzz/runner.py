"""Feed a target with mutated inputs in children, so that a crash, a hang or greed is a finding too.

A target judges one input: it returns, or raises what it may raise. A child works through cases;
before each it writes the input down, so that whatever ends the child can be repeated.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from iptnet.errors import IptnetError
from tests.fuzz.mutation import mutated

CASE_SECONDS = 10
MEMORY = 2 << 30
MESSAGE = 2000  # characters of a refusal that somebody can still read
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Target:
    """What is fuzzed.

    Attributes:
        name: of the module, and of the folder of its regression files.
        seeds: good inputs, made in a folder.
        judge: looks at one input's file; a refusal of ours is fine, any other exception is not.
    """

    name: str
    seeds: Callable[[Path], list[bytes]]
    judge: Callable[[Path], object]


@dataclass(frozen=True)
class Finding:
    """An input, and what it did."""

    data: bytes
    why: str


def check(target: Target, data: bytes, folder: Path) -> str:
    """Judge one input in this process: ``taken`` or ``refused``.

    Raises:
        Exception: whatever the target should not have raised.
    """
    path = folder / "case"
    path.write_bytes(data)
    try:
        target.judge(path)
    except IptnetError as error:
        text = str(error)
        assert error.exit_code in {3, 4, 5}, f"exit {error.exit_code}: {text}"
        assert error.remedy and len(text) < MESSAGE, f"{len(text)} characters: {text[:200]}"
        return "refused"
    return "taken"


def fuzz(target: Target, *, cases: int, seconds: float, seed: int) -> tuple[int, list[Finding]]:
    """Run up to so many cases within so many seconds; how many there were, and the findings."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = target.seeds(folder)
        target_warm = [check(target, data, folder) for data in seeds]
        assert set(target_warm) == {"taken"}, f"{target.name}: a seed is refused"
        until, done, findings = time.monotonic() + seconds, 0, list[Finding]()
        while done < cases and time.monotonic() < until and len(findings) < 20:
            done, found = _child(target, seeds, folder, (done, cases), until, seed)
            findings += found
    return done, findings


def _child(
    target: Target,
    seeds: list[bytes],
    folder: Path,
    span: tuple[int, int],
    until: float,
    seed: int,
) -> tuple[int, list[Finding]]:
    """A child works through cases until one is a finding."""
    note = folder / "note"
    sys.stdout.flush()
    if (child := os.fork()) == 0:
        try:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 2)  # what libraries print about broken files
            for number in range(*span):
                if time.monotonic() > until:
                    break
                draw = random.Random(f"{target.name} {seed} {number}")
                data = mutated(draw.choice(seeds), seeds, draw)
                (folder / "input").write_bytes(data)
                note.write_text(json.dumps([number + 1, ""]))
                signal.alarm(CASE_SECONDS)
                try:
                    check(target, data, folder)
                except BaseException:
                    note.write_text(json.dumps([number + 1, traceback.format_exc()[-1500:]]))
                    os._exit(1)
                signal.alarm(0)
        finally:
            os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    done, why = json.loads(note.read_text())
    if status == 0:
        return done, []
    ended = (
        f"took more than {CASE_SECONDS} s" if status == -signal.SIGALRM else f"ended by {status}"
    )
    return done, [Finding((folder / "input").read_bytes(), why or ended)]


def regressions(name: str) -> list[Path]:
    """Inputs that once were findings."""
    return sorted((HERE / "regressions" / name).glob("*"))


def run(target: Target, arguments: Sequence[str] | None = None) -> int:
    """The command line of a target: 1 when anything was found."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.fuzz.{target.name}")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the inputs that went wrong")
    options = parser.parse_args(arguments)
    done, findings = fuzz(target, cases=10**9, seconds=options.seconds, seed=options.seed)
    for finding in findings:
        print(f"WRONG {target.name}: {finding.why}")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            mark = hashlib.sha256(finding.data).hexdigest()[:12]
            (options.keep / mark).write_bytes(finding.data)
    print(f"{target.name}: seed {options.seed}, {done} cases, {len(findings)} findings")
    return 1 if findings else 0
