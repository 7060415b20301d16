"""Every target of ``make fuzz`` for a moment, and the runner that has to notice what goes wrong."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from iptnet.errors import InputError
from tests.fuzz import annotations, checkpoints, h5, runner
from tests.fuzz.__main__ import targets
from tests.fuzz.runner import Target, check, fuzz, regressions

CASES = {"annotations": 400, "checkpoints": 150, "h5": 150}


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(annotations.TARGET, marks=pytest.mark.fault(12)),
        pytest.param(checkpoints.TARGET, marks=pytest.mark.fault(10)),
        pytest.param(h5.TARGET, marks=pytest.mark.fault(11)),
    ],
    ids=lambda t: t.name,
)
def test_mutations_are_taken_or_refused(target: Target, tmp_path: Path) -> None:
    cases = CASES[target.name]
    done, findings = fuzz(target, cases=cases, seconds=120, seed=7)
    assert not findings, findings[0].why
    assert done == cases
    for path in regressions(target.name):
        check(target, path.read_bytes(), tmp_path)


def test_all_of_them_are_run() -> None:
    assert targets() == ["annotations", "api", "checkpoints", "h5", "media"]


def misbehaving(path: Path) -> None:
    data = path.read_bytes()
    if data == b"good":
        return
    match data[0] % 6:
        case 0:
            raise InputError(f"{path.name} is bad", "get another")
        case 1:
            raise KeyError("a bug")
        case 2:
            os.kill(os.getpid(), signal.SIGKILL)
        case 3:
            time.sleep(60)
        case 4:
            bytearray(8 << 30)
        case 5:
            raise InputError("without a remedy")


def test_a_bug_a_crash_a_hang_and_greed_are_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = tmp_path / "turn"  # a file, since every finding ends a child
    turn.write_bytes(b"")

    def kind(*_: object) -> bytes:
        done = turn.read_bytes()
        turn.write_bytes(done + b".")
        return bytes([len(done)])

    monkeypatch.setattr(runner, "CASE_SECONDS", 1)
    monkeypatch.setattr(runner, "mutated", kind)
    target = Target("toy", lambda _: [b"good"], misbehaving)
    done, findings = fuzz(target, cases=6, seconds=60, seed=0)
    assert done == 6
    whys = " | ".join(f.why for f in findings)
    assert len(findings) == 5, whys
    for words in ("KeyError", "ended by -9", "more than 1 s", "MemoryError", "AssertionError"):
        assert words in whys
