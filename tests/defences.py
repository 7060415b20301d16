"""Takes each defence of docs/faults.md away, and sees that a test of its row misses it.

    python -m tests.defences [--row N …]

Works on a copy of ``src`` and ``tests``, one change at a time; ends with 1 where the tests pass
without a defence, and says so where the line that holds it has moved. Twenty minutes in all.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 240
"""For the tests of one defence, about half of which they need; without it they may never end."""


@dataclass(frozen=True)
class Defence:
    """What holds a row of the table.

    Attributes:
        row: of docs/faults.md.
        what: it does.
        file: below ``src/iptnet``.
        lines: that do it, wherever they stand in the file.
        instead: what does not.
        tests: that must fail then.
    """

    row: int
    what: str
    file: str
    lines: str
    instead: str
    tests: str


DEFENCES = (
    Defence(
        1,
        "looks what a path is before opening it",
        "video/child.py",
        "if not stat.S_ISREG(facts.st_mode):",
        "if False:",
        "tests/video/test_probe.py",
    ),
    Defence(
        1,
        "reads no pipe as an annotation file",
        "data/annotation_file.py",
        "if not stat.S_ISREG(path.stat().st_mode):",
        "if False:",
        "tests/data/test_annotation_file.py",
    ),
    Defence(
        2,
        "refuses a large file before reading it",
        "features/digests.py",
        "    before_reading(path)\n    digest",
        "    digest",
        "tests/features/test_digests.py",
    ),
    Defence(
        2,
        "refuses sound without pictures",
        "video/reader.py",
        "if not shown:",
        "if False:",
        "tests/video/test_probe.py",
    ),
    Defence(
        3,
        "counts pictures that the index lists and the file does not hold",
        "video/tally.py",
        "return max(0, len(self._stream.index_entries) - self._read) if self._indexed else 0",
        "return 0",
        "tests/video/test_damaged.py",
    ),
    Defence(
        3,
        "counts packets that show nothing",
        "video/tally.py",
        "return max(0, due - self._failed - count)",
        "return 0",
        "tests/video/test_damaged.py",
    ),
    Defence(
        4,
        "opens no playlist, and has no descriptor left for what one names",
        "video/reader.py",
        'options={"format_whitelist": CONTAINERS},',
        "",
        "tests/video/test_hostile.py",
    ),
    Defence(
        4,
        "has no descriptor left",
        "video/reader.py",
        "        freeze_descriptors(self.file.fileno())\n",
        "",
        "tests/video/test_hostile.py",
    ),
    Defence(
        5,
        "gives ffmpeg no name that it would read as a protocol or a pattern",
        "video/graph.py",
        '*seek, "-i", f"file:{plan.source}",',
        '*seek, "-i", f"{plan.source.name}",',
        "tests/video/test_hostile.py",
    ),
    Defence(
        6,
        "refuses pictures that are too large",
        "video/reader.py",
        'limits["max_pixels"]',
        'limits["memory"]',
        "tests/video/test_probe.py tests/video/test_frames.py",
    ),
    Defence(
        6,
        "refuses too many streams",
        "video/reader.py",
        'if (count := len(self.container.streams)) > limits["max_streams"]:',
        "if (count := 0):",
        "tests/video/test_kinds.py tests/video/test_probe.py",
    ),
    Defence(
        7,
        "keeps five seconds, or the film",
        "selection/keyshots.py",
        "return min(max(ratio * duration, SHORTEST), duration)",
        "return ratio * duration",
        "tests/selection/test_keyshots.py",
    ),
    Defence(
        8,
        "turns pictures upright",
        "video/frames.py",
        "reshape(shape), info.orientation)",
        "reshape(shape), (False, False, False))",
        "tests/video/test_frames.py",
    ),
    Defence(
        8,
        "counts time from the first picture",
        "video/reader.py",
        "self.first = stamp",
        "self.first = 0",
        "tests/video/test_frames.py",
    ),
    Defence(
        9,
        "gives up on a child that says nothing",
        "video/child.py",
        "wire.receive(self.source, self.limits.stall_seconds)",
        "wire.receive(self.source, 60)",
        "tests/video/test_child.py",
    ),
    Defence(
        9,
        "bounds the memory of a child",
        "video/guard.py",
        "        _limit(resource.RLIMIT_AS, memory)\n",
        "",
        "tests/video/test_child.py",
    ),
    Defence(
        10,
        "compares a checkpoint with its digest",
        "checkpoint.py",
        "if digest != digest_of(raw, tensors):",
        "if False:",
        "tests/model/test_checkpoint_attacks.py",
    ),
    Defence(
        10,
        "says what is missing, extra or of another shape",
        "checkpoint.py",
        "    if wrong:\n",
        "    if False:\n",
        "tests/model/test_checkpoint_attacks.py",
    ),
    Defence(
        11,
        "reads no data that an h5 keeps elsewhere",
        "data/guarded.py",
        "if plist.get_layout() == h5py.h5d.VIRTUAL or plist.get_external_count() > 0:",
        "if False:",
        "tests/data/test_guarded.py",
    ),
    Defence(
        11,
        "bounds what an h5 declares",
        "data/guarded.py",
        "if over or self._declared > self.limits.file_bytes:",
        "if False:",
        "tests/data/test_benchmark.py",
    ),
    Defence(
        12,
        "takes no NaN for JSON",
        "data/annotation_file.py",
        "json.loads(text, parse_constant=_refuse_constant)",
        "json.loads(text)",
        "tests/data",
    ),
    Defence(
        12,
        "takes numbers that are finite",
        "data/charades.py",
        "if not (math.isfinite(start) and math.isfinite(end)):",
        "if False:",
        "tests/data/test_charades.py",
    ),
    Defence(
        13,
        "renames whole files only",
        "atomic.py",
        "        yield temporary\n        with temporary",
        "        yield final\n        temporary.touch()\n        with temporary",
        "tests/test_atomic.py tests/features/test_cache_kills.py",
    ),
    Defence(
        13,
        "sweeps what killed processes left",
        "atomic.py",
        "    for paths in left.values():\n",
        "    for paths in ():\n",
        "tests/features/test_cache_kills.py tests/test_atomic.py",
    ),
    Defence(
        14,
        "answers for a child from its first moment",
        "signals.py",
        "        signal.signal(s, note)\n",
        "        pass\n",
        "tests/test_signals.py",
    ),
    Defence(
        15,
        "proves that a folder takes files",
        "atomic.py",
        "            proof.write(bytes(BLOCK))\n",
        "            pass\n",
        "tests/test_atomic.py tests/cli/test_output_faults.py",
    ),
    Defence(
        16,
        "stops at a loss that is not finite",
        "training/loop.py",
        "    if not all(bool(torch.isfinite(v).all()) for v in values):\n",
        "    if False:\n",
        "tests/training/test_summarization.py",
    ),
    Defence(
        16,
        "knows torch's words for too little memory",
        "errors.py",
        "any(mark in str(error) for mark in SHORTAGES)",
        "False",
        "tests/test_memory.py",
    ),
    Defence(
        17,
        "lets one process into a run folder",
        "locks.py",
        "fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
        "tests/training/test_stopping.py",
    ),
    Defence(
        17,
        "lets one worker have a video",
        "scale/locks.py",
        "                fcntl.lockf(self._descriptor, how, 1, at)\n",
        "                pass\n",
        "tests/scale/test_processes.py",
    ),
    Defence(
        18,
        "draws what the seed says",
        "training/loop.py",
        "torch.manual_seed(seed_of(seed, state.epoch))",
        "torch.seed()",
        "tests/training/test_threads.py",
    ),
    Defence(
        19,
        "answers to its own names",
        "serving/security.py",
        "if len(hosts) != 1 or not self._settings.admits(hosts[0]):",
        "if False:",
        "tests/serving/test_hostile.py",
    ),
    Defence(
        19,
        "answers to its own pages",
        "serving/security.py",
        "        if foreign:\n",
        "        if False:\n",
        "tests/serving/test_hostile.py",
    ),
    Defence(
        19,
        "gives up on uploads that stall",
        "serving/upload.py",
        "asyncio.wait_for(anext(stream, None), stall_seconds)",
        "anext(stream, None)",
        "tests/serving/test_hostile.py",
    ),
    Defence(
        19,
        "counts uploads as they come",
        "serving/upload.py",
        "            on_bytes(size)\n",
        "",
        "tests/serving/test_hostile.py",
    ),
    Defence(
        19,
        "makes folders of ids only",
        "serving/folders.py",
        "        if not well_formed(id_):\n",
        "        if False:\n",
        "tests/serving/test_lifecycle.py",
    ),
)


def missed(defence: Defence, folder: Path) -> str:
    """Why the tests do not hold a defence; empty when they do."""
    path = folder / "src" / "iptnet" / defence.file
    text = path.read_text("utf-8")
    if defence.lines not in text:
        return f"its lines are not in {defence.file} any more: change tests/defences.py"
    changed = text.replace(defence.lines, defence.instead)
    compile(changed, str(path), "exec")  # what is no Python would fail any test
    path.write_text(changed, "utf-8")
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", "-m", "fault"]
    command += defence.tests.split()
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    with tempfile.TemporaryFile("w+") as out:  # what is left behind would keep a pipe open
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return ""  # without the defence something waits for ever, which is seen
        finally:
            clear(folder)
            process.wait()
            path.write_text(text, "utf-8")
        out.seek(0)
        told = out.read()
    if code == 1 and "failed" in told:
        return ""
    return f"the tests pass without (exit code {code}): {told[-300:]}"


def clear(folder: Path) -> None:
    """Kill all that a test started and left behind, told by where it finds the package."""
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in environment.read_bytes():
                os.kill(int(environment.parent.name), signal.SIGKILL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try them all; 1 where one is not held."""
    parser = argparse.ArgumentParser(prog="python -m tests.defences", description=__doc__)
    parser.add_argument("--row", type=int, nargs="*", help="of docs/faults.md; all by default")
    options = parser.parse_args(arguments)
    worst = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("src", "tests", "configs", "docs"):
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, folder / part, ignore=skipped)
        shutil.copy(ROOT / "pyproject.toml", folder)
        for defence in DEFENCES:
            if not options.row or defence.row in options.row:
                why = missed(defence, folder)
                worst = max(worst, bool(why))
                print(f"{defence.row:>2} {defence.what}: {why or 'held'}", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
