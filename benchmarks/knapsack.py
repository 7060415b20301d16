"""The choice of shots: ours against ortools' knapsack solvers, same shots, same budget.

    python -m benchmarks.knapsack

Shots of 1 to 10 seconds at 30 frames a second, 15 % of the frames as budget, worth as in
``iptnet summarize``: importance in millionths times length. All three are exact, and the values
that they reach are compared. Processor seconds, medians; ortools is compiled, ours is numpy.
"""

from __future__ import annotations

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from ortools.algorithms.python import knapsack_solver

from benchmarks.machine import describe, median_cpu
from iptnet.protocol.knapsack import knapsack

SOLVERS = {
    "dynamic programming": "KNAPSACK_DYNAMIC_PROGRAMMING_SOLVER",
    "branch and bound": "KNAPSACK_MULTIDIMENSION_BRANCH_AND_BOUND_SOLVER",
}
SHOTS = {"10 minutes": 110, "1 hour": 650, "10 hours": 6500}


def reached(kind: str, values: list[int], sizes: list[int], capacity: int) -> int:
    """Value that an ortools solver finds."""
    solver = knapsack_solver.KnapsackSolver(getattr(knapsack_solver.SolverType, kind), "peer")
    solver.init(values, [sizes], [capacity])
    return int(solver.solve())


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(describe())
    print(f"{'':12s} shots   budget   ours      " + "   ".join(f"ortools, {s}" for s in SOLVERS))
    for name, count in SHOTS.items():
        draw = np.random.default_rng(count)
        lengths = draw.integers(30, 301, count)
        worth = ((np.rint(1e6 * draw.random(count)).astype(np.int64) + 1) * lengths).tolist()
        sizes, capacity = lengths.tolist(), int(0.15 * lengths.sum())
        ours, chosen = median_cpu(lambda a=(worth, sizes, capacity): knapsack(*a), 5)
        row = f"{name:12s} {count:5d}  {capacity:7d}  {1e3 * ours:7.1f} ms"
        for kind in SOLVERS.values():
            if "DYNAMIC" in kind and count > 1000:
                row += f"  {'minutes':>12s} {'':11s}"  # over two of them; not waited for
                continue
            peer, value = median_cpu(lambda a=(kind, worth, sizes, capacity): reached(*a), 3)
            assert value == sum(worth[i] for i in chosen), "not the same value"
            row += f"  {1e3 * peer:9.1f} ms ({peer / ours:6.1f} ×)"
        print(row)


if __name__ == "__main__":
    main()
