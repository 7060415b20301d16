"""What x264's presets cost the cut: processor time, size and likeness to a lossless cut.

    python -m benchmarks.presets [--video FILE] [--shots 10]

Ten shots of four seconds, evenly spread, as ``iptnet.video.cut`` cuts them: seeking, decoding,
encoding and checking included. SSIM and PSNR are ffmpeg's, over all pictures. Without ``--video``,
a minute made as ``benchmarks.pipeline`` makes it; docs/performance.md has a table of real films.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import tempfile
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.pipeline import make
from iptnet.timeline import Span
from iptnet.video.cut import cut
from iptnet.video.ffmpeg import executable
from iptnet.video.probe import probe

PRESETS = (
    ("ultrafast", 20),
    ("superfast", 20),
    ("superfast", 21),
    ("superfast", 23),
    ("veryfast", 20),
    ("veryfast", 23),
    ("faster", 20),
)


def likeness(one: Path, other: Path) -> tuple[str, str]:
    """SSIM and PSNR as ffmpeg tells them."""
    command = [executable(), "-hide_banner", "-nostdin", "-i", str(one), "-i", str(other)]
    command += ["-lavfi", "[0:v][1:v]ssim;[0:v][1:v]psnr", "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    found = [re.search(what, told) for what in (r"All:([0-9.]+)", r"average:([0-9.]+|inf)")]
    ssim, psnr = (match[1] if match else "?" for match in found)
    return ssim, psnr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--shots", type=int, default=10)
    asked = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = asked.video or folder / "made.mp4"
        if asked.video is None:
            make(video, 60)
        every = probe(video).duration / asked.shots
        length = min(4.0, every)
        spans = [Span(k * every, k * every + length) for k in range(asked.shots)]
        lossless, out = folder / "lossless.mp4", folder / "cut.mp4"
        cut(video, spans, lossless, preset="ultrafast", crf=0)
        print("preset, crf          CPU s      MB   SSIM      PSNR")
        for preset, crf in PRESETS:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            cut(video, spans, out, preset=preset, crf=crf)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            ssim, psnr = likeness(out, lossless)
            size = out.stat().st_size / 1e6
            print(f"{preset:10s} {crf:3d}   {cpu:10.1f}  {size:6.1f}   {ssim}  {psnr}", flush=True)


if __name__ == "__main__":
    main()
