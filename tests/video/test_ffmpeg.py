"""What is told of an ffmpeg that fails: the machine's shortages are never the video's fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from iptnet.errors import InputError, IptnetError, LimitError
from iptnet.video import ffmpeg
from iptnet.video.limits import Limits

pytestmark = pytest.mark.fault(16)
SHORT = 700 << 20

CASES = [
    ("echo 'x264 [error]: malloc of size 15000 failed' >&2; exit 187", None, LimitError),
    ("echo '[vf#0:0] pthread_create() failed: Resource' >&2; exit 245", None, LimitError),
    ("echo 'Error during demuxing: Cannot allocate memory' >&2; exit 69", None, LimitError),
    ("kill -9 $$", None, LimitError),
    ("echo 'Error while opening encoder - maybe incorrect' >&2; exit 187", SHORT, LimitError),
    ("kill -11 $$", SHORT, LimitError),
    ("exit 1", SHORT, LimitError),
    ("echo 'Invalid data found when processing input' >&2; exit 1", SHORT, InputError),
    ("echo 'Invalid data found when processing input' >&2; exit 1", None, InputError),
    ("kill -11 $$", None, InputError),
]


@pytest.mark.parametrize(("script", "allowed", "kind"), CASES)
def test_a_failure_is_told_by_its_cause(
    script: str,
    allowed: int | None,
    kind: type[IptnetError],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(ffmpeg, "executable", lambda: str(program))
    monkeypatch.setattr(ffmpeg, "allowance", lambda: allowed)
    with pytest.raises(kind) as told:
        ffmpeg.run([], "talk.mp4", Limits())
    assert "talk.mp4" in str(told.value)
    assert ("memory" in str(told.value)) == (kind is LimitError)
    assert ("re-encode" in str(told.value)) == (kind is InputError)
