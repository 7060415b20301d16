"""The walls between the rooms (DESIGN.md), read from the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "iptnet"
MODULES = sorted(SOURCE.rglob("*.py"))


def imports_of(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Names of the modules that a file imports, absolute."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


FORBIDDEN = {
    "protocol": ("iptnet.",),
    "timeline": ("iptnet.",),
    "model": ("iptnet.data", "iptnet.video", "iptnet.outputs"),
    "api": ("iptnet.training",),
    "encoded": ("iptnet.training",),
    "serving": ("iptnet.training",),
    "outputs": ("iptnet.model", "iptnet.training", "iptnet.features.lite", "torch"),
}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_rooms_keep_their_walls(path: Path) -> None:
    forbidden = FORBIDDEN.get(room(path), ())
    own = f"iptnet.{room(path)}"
    for name in imports_of(path):
        if name == own or name.startswith(own + "."):
            continue
        assert not any(name.startswith(f) for f in forbidden), f"{room(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_only_the_front_rooms_talk_to_users(path: Path) -> None:
    if room(path) in {"cli", "serving"}:
        return
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "input"}
    ]
    assert not calls, f"print in line {calls[0]}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_modules_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 300, f"{lines} lines: more than one idea?"


def test_importing_the_package_stays_light() -> None:
    heavy = ("torch", "scipy", "av", "h5py", "matplotlib", "wordllama", "PIL", "lightning")
    code = (
        "import sys, iptnet, iptnet.timeline, iptnet.errors; "
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
