"""Cuts that are killed at random moments: ``python -m tests.video.kills FOLDER COUNT SEED``.

After each kill the file under the final name is the old one or a whole new one, and once a cut runs
to its end nothing else lies in the folder.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

from iptnet.timeline import Span
from iptnet.video.cut import cut
from tests.killing import killed
from tests.video.making import make, numbers_in

SPANS = (Span(0.4, 1.0), Span(2.0, 2.4))
WHOLE = [*range(10, 25), *range(50, 60)]


def main(folder: Path, count: int, seed: int) -> dict[str, int]:
    """Kill so many cuts; what was seen."""
    draw = random.Random(seed)
    source, out = make(folder / "source.mp4", 100, beeps=[0.5]), folder / "out" / "summary.mp4"
    out.parent.mkdir()
    began = time.monotonic()
    cut(source, SPANS, folder / "first.mp4")
    seconds = time.monotonic() - began
    told = {"kills": 0, "left": 0, "kept": 0, "made": 0}
    while told["kills"] < count:
        old = told["kills"] % 2 == 1
        out.unlink(missing_ok=True)
        if old:
            out.write_bytes(b"old")
        if not killed(
            lambda: cut(source, SPANS, out), out.parent, draw, seconds=seconds, operations=8
        ):
            continue
        told["kills"] += 1
        told["left"] += any(p != out for p in out.parent.iterdir())
        if out.exists() and out.read_bytes() != b"old":
            assert numbers_in(out) == WHOLE, "half a summary under the final name"
            told["made"] += 1
        else:
            assert out.exists() == old, "the old file is gone"
            told["kept"] += 1
    cut(source, SPANS, out)
    assert numbers_in(out) == WHOLE
    left = [p.name for p in out.parent.iterdir() if p != out]
    assert not left, f"left behind: {left}"
    return told


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
