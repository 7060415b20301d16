"""Fixtures that every room shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: examples have no time limit, and CI draws the same ones every time.
settings.register_profile(
    "iptnet", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", parent=settings.get_profile("iptnet"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "iptnet")

# One thread a process: two pytest workers share two cores, and results do not depend on the count.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def research_data() -> Path:
    """The research data beside the repository; tests that need it say so when it is absent."""
    if not (SHARED / "README.md").is_file():
        pytest.skip(f"research data is not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def cases() -> Path:
    """Small inputs from complaints of strangers, beside the research data."""
    folder = SHARED.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"there are no cases at {folder}")
    return folder
