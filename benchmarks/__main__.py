"""``make bench``: every benchmark that this machine has the data for, one after the other.

Without data, what needs none runs; with ``DATA=folder`` (``--data``) the measured tables run too.
``make bench QUICK=1`` (``--quick``) takes smaller sizes and fewer repeats: a look, no figures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

SUMME = "summarization/summe_blip_wordllama256.h5"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of research data")
    parser.add_argument("--quick", action="store_true", help="small sizes, once")
    asked = parser.parse_args()
    data, quick = asked.data, asked.quick
    runs: list[list[str]] = [
        ["benchmarks.summarization_table", "--check"],
        ["benchmarks.iptnet_tables", "--check"],
        ["benchmarks.propagation"],
        ["benchmarks.second_query", *(["--minutes", "2", "10"] if quick else [])],
        ["benchmarks.starting", *(["--repeats", "1", "--minutes", "5"] if quick else [])],
        ["benchmarks.kts", *(["--sizes", "500", "1000", "--hours", "1"] if quick else [])],
        ["benchmarks.knapsack"],
        ["benchmarks.long_video", *(["--hours", "1", "--repeats", "1"] if quick else [])],
        ["benchmarks.backbone", *(["--pictures", "16", "--rounds", "1"] if quick else [])],
        ["benchmarks.pipeline", *(["--quick"] if quick else ["--long"])],
    ]
    if data is not None:
        runs += [
            ["benchmarks.selection", str(data / SUMME)],
            ["benchmarks.judgement", "--data", str(data), *(["--joinings", "3"] if quick else [])],
            ["benchmarks.rated", "--data", str(data)],
            ["benchmarks.retrieval", "--data", str(data)],
            ["benchmarks.concepts", "--data", str(data)],
            ["benchmarks.same_keyshots", str(data / "videos/natural")],
            ["benchmarks.decoding", *map(str, sorted((data / "videos/natural").glob("*.mp4")))],
        ]
    for module, *arguments in runs:
        print(f"\n== python -m {module} {' '.join(arguments)}", flush=True)
        subprocess.run([sys.executable, "-m", module, *arguments], check=True)
    if data is None:
        print("\nwith the research data: make bench DATA=folder")


if __name__ == "__main__":
    main()
