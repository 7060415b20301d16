"""The audit of dependencies: what it refuses, and that it goes on without its service."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    path = ROOT / ".ci" / "audit.py"
    spec = importlib.util.spec_from_file_location("audit", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*faults: str) -> str:
    vulns = [{"id": f, "fix_versions": ["2"]} for f in faults]
    one = {"name": "a", "version": "1", "vulns": vulns}
    return json.dumps({"dependencies": [one, {"name": "b", "skip_reason": "not found"}]})


def test_strangers_and_old_versions_are_refused(audit: ModuleType) -> None:
    listed = audit.reviewed()
    assert audit.problems({"pillow": "13.0.0", "torch": "2.13.0+cpu", "click": "8"}, listed) == []
    assert audit.problems({"nvidia-cublas": "13", "triton": "3.5"}, listed) == []
    (stranger,) = audit.problems({"click": "8", "clikc": "8"}, listed)
    assert "clikc 8 is not in reviewed.txt" in stranger
    (old,) = audit.problems({"pillow": "11.0.0"}, listed)
    assert "pillow 11.0.0 is not >=11.3" in old


def test_requirements_of_requirements_are_found(audit: ModuleType) -> None:
    found = audit.closure("fastapi")
    assert {"fastapi", "starlette", "anyio", "idna"} <= found.keys()
    assert "pytest" not in found and audit.closure("no-such-thing") == {}


def test_reports_are_read(audit: ModuleType) -> None:
    assert audit.findings(report()) == (1, [])
    count, (line,) = audit.findings(report("CVE-1"))
    assert count == 1 and line == "a 1: CVE-1, fixed in 2"
    for text in ("", "[]", "{}"):
        with pytest.raises(ValueError):
            audit.findings(text)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (OSError("no network"), 0, "SKIPPED (OSError: no network)"),
        (subprocess.TimeoutExpired("pip", 50), 0, "SKIPPED (TimeoutExpired"),
        ((0, []), 0, "SKIPPED (ValueError: its service knew none"),
        ((1, []), 0, "looked up 1 of 1 packages"),
        ((1, ["a 1: CVE-1"]), 1, "audit: a 1: CVE-1"),
    ],
    ids=["no network", "too slow", "knows nothing", "clean", "a fault"],
)
def test_only_a_fault_fails(
    audit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: Any,
    code: int,
    words: str,
) -> None:
    def ask(*_: object) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(audit, "ask_service", ask)
    monkeypatch.setattr(audit, "closure", lambda _: {"iptnet": "0.1.0", "click": "8"})
    assert audit.main() == code
    assert words in capsys.readouterr().out
