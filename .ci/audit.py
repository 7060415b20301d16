"""Look through what an installed iptnet brings along; 1 when something must not stay.

pip-audit is asked when it and its service can be reached within a minute. Where they cannot, that
is said, and the reviewed list beside this file decides alone: an unknown name or too old a version.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REVIEWED = Path(__file__).with_name("reviewed.txt")
SECONDS = 50.0  # for all of it
ACCELERATED = ("nvidia-", "cuda-", "triton")  # torch pins these itself, where it comes with CUDA


def closure(root: str) -> dict[str, str]:
    """Installed versions of a distribution and of what it requires here, extras aside."""
    found, todo = dict[str, str](), [root]
    while todo:
        name = canonicalize_name(todo.pop())
        if name in found:
            continue
        try:
            one = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform, or not needed by what is run
        found[name] = one.version
        needs = map(Requirement, one.requires or ())
        todo += [n.name for n in needs if n.marker is None or n.marker.evaluate({"extra": ""})]
    return found


def reviewed(path: Path = REVIEWED) -> dict[str, Requirement]:
    """The list, by name."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    listed = [Requirement(line) for line in lines if line]
    return {canonicalize_name(r.name): r for r in listed}


def problems(installed: Mapping[str, str], listed: Mapping[str, Requirement]) -> list[str]:
    """What the list does not know, or not in this version."""
    wrong = []
    for name, version in sorted(installed.items()):
        if name.startswith(ACCELERATED):
            continue
        if name not in listed:
            wrong.append(f"{name} {version} is not in {REVIEWED.name}: look at it, then add it")
        elif not listed[name].specifier.contains(version, prereleases=True):
            wrong.append(f"{name} {version} is not {listed[name].specifier}: install another")
    return wrong


def findings(report: str) -> tuple[int, list[str]]:
    """Of pip-audit's JSON: how many were looked up, and the known faults.

    Raises:
        ValueError: it is no such report.
    """
    raw = json.loads(report)
    if not isinstance(raw, dict) or not isinstance(raw.get("dependencies"), list):
        raise ValueError("no report of pip-audit")
    known = [d for d in raw["dependencies"] if "skip_reason" not in d]
    faults = [
        f"{d['name']} {d['version']}: {v['id']}, fixed in {', '.join(v['fix_versions']) or 'none'}"
        for d in known
        for v in d.get("vulns", ())
    ]
    return len(known), faults


def ask_service(installed: Mapping[str, str], until: float) -> tuple[int, list[str]]:
    """Let pip-audit look everything up, from a folder of its own.

    Raises:
        OSError, ValueError, subprocess.SubprocessError: it or its service is out of reach.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, python = Path(name), sys.executable
        pins = [f"{n}=={v.partition('+')[0]}\n" for n, v in installed.items() if n != "iptnet"]
        (folder / "pins.txt").write_text("".join(pins), encoding="utf-8")
        install = [python, "-m", "pip", "install", "--quiet", "--no-input", "--retries", "0"]
        install += ["--timeout", "5", "--target", str(folder / "tool"), "pip-audit>=2.7,<3"]
        subprocess.run(install, check=True, capture_output=True, timeout=until - time.monotonic())
        audit = [python, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
        audit += ["--no-deps", "--disable-pip", "--timeout", "5", "-r", str(folder / "pins.txt")]
        done = subprocess.run(
            audit,
            check=False,  # it ends with 1 for a fault as for a failure; its report tells
            capture_output=True,
            text=True,
            cwd=folder / "tool",
            timeout=until - time.monotonic(),
        )
        return findings(done.stdout)


def main() -> int:
    """Audit, and say by what."""
    until = time.monotonic() + SECONDS
    installed = closure("iptnet")
    if len(installed) < 2:
        print("audit: iptnet is not installed here, nothing to look at")
        return 1
    wrong = problems(installed, reviewed())
    try:
        asked, faults = ask_service(installed, until)
        if not asked:
            raise ValueError("its service knew none of the packages")
        print(f"audit: pip-audit looked up {asked} of {len(installed) - 1} packages")
        wrong += faults
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        why = " ".join(str(error).split())[:160]
        print(f"audit: pip-audit SKIPPED ({type(error).__name__}: {why}); the reviewed list alone")
    for line in wrong:
        print(f"audit: {line}")
    print(f"audit: {len(installed) - 1} packages, {len(wrong)} to see to")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
