"""``make bench``: every benchmark that this machine has the data for, one after the other.

Without data, what needs none runs; with ``DATA=folder`` (``--data``) the measured tables run too.
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
    data = parser.parse_args().data
    runs = [
        ["benchmarks.summarization_table", "--check"],
        ["benchmarks.iptnet_tables", "--check"],
        ["benchmarks.propagation"],
        ["benchmarks.second_query"],
        ["benchmarks.kts"],
        ["benchmarks.knapsack"],
        ["benchmarks.long_video"],
        ["benchmarks.pipeline"],
    ]
    if data is not None:
        runs += [
            ["benchmarks.selection", str(data / SUMME)],
            ["benchmarks.retrieval", "--data", str(data)],
            ["benchmarks.concepts", "--data", str(data)],
        ]
    for module, *arguments in runs:
        print(f"\n== python -m {module} {' '.join(arguments)}", flush=True)
        subprocess.run([sys.executable, "-m", module, *arguments], check=True)
    if data is None:
        print("\nwith the research data: make bench DATA=folder")


if __name__ == "__main__":
    main()
