"""Both questions on strangers' videos: what matters, as raters say, and where things are.

    python -m benchmarks.rated --data DATA

Prints the tables of :mod:`benchmarks.rated_importance`, with F of the keyshots, and of
:mod:`benchmarks.rated_search`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import rated_importance, rated_search


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    rated_importance.report(data / "rated")
    print()
    rated_search.report(data)


if __name__ == "__main__":
    main()
