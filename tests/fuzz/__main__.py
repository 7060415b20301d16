"""All targets one after the other: ``python -m tests.fuzz [--seconds 300] [--seed 0] [--keep F]``.

Each target is a module of this package with a ``main``, and gets an equal share of the time. Ends
with 1 if any found something; the inputs lie in the folder given to ``--keep``.
"""

from __future__ import annotations

import argparse
import pkgutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TOOLS = ("__main__", "runner", "mutation")


def targets() -> list[str]:
    """Names of the modules that are targets."""
    found = pkgutil.iter_modules([str(Path(__file__).parent)])
    return [m.name for m in found if m.name not in TOOLS and not m.name.startswith("test_")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them; the worst of their exit codes."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="of all targets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    options = parser.parse_args(arguments)
    names = targets()
    share = options.seconds / len(names)
    worst = 0
    for name in names:
        call = [sys.executable, "-m", f"tests.fuzz.{name}", "--seed", str(options.seed)]
        call += ["--seconds", f"{share:g}", "--keep", str(options.keep / name)]
        worst = max(worst, abs(subprocess.run(call, check=False).returncode))
    return worst


if __name__ == "__main__":
    sys.exit(main())
