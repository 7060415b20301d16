"""Shots: ours against the segmentation that the field's public code uses, and against ruptures.

    python -m benchmarks.kts [--sizes 500 1000 2000] [--hours 10]

The usual implementation makes the n × n kernel and the n × n scatter of all shots, then fills a
table over every number of cuts; it is written here as those repositories have it, inner loop in
numpy. It finds the same cuts. ruptures' KernelCPD is compiled, but takes a price per cut and knows
no published objective: it is told the price that ours ended with, and does one pass.

Then what no table can hold: hours of features at two steps a second, once with the bound of ten
seconds a shot that ``iptnet summarize`` sets, once without; real structure, noise without any, one
scene that never changes but by noise, and one picture that stands still.

Processor seconds on one thread: medians of five runs of ours, of three of ruptures and of the usual
code up to 1,000 steps, of three with the bound; once where it takes long. What has no bound is
given up after a minute.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import ruptures
from numpy.typing import NDArray

from benchmarks.machine import describe, median_cpu
from iptnet.shots.kts import change_points

Floats = NDArray[np.float64]

BOUND = 20
PATIENCE = 60  # processor seconds


def features(n: int, noise: float = 0.5, shot: float = 16.0, seed: int = 0) -> Floats:
    """(n, 256) unit rows: scenes of ``shot`` steps on average, with noise of that relative size."""
    draw = np.random.default_rng(seed)
    lengths = np.minimum(1 + draw.geometric(1 / shot, size=n), n)
    lengths = lengths[: int(np.searchsorted(np.cumsum(lengths), n)) + 1]
    rows = np.repeat(draw.standard_normal((len(lengths), 256)), lengths, axis=0)[:n]
    rows += noise * draw.standard_normal(rows.shape)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def usual(x: Floats, penalty: float = 1.0) -> list[int]:
    """Kernel, scatter of all shots, table over all numbers of cuts, published penalty."""
    n = len(x)
    kernel = x @ x.T
    trace = np.concatenate([[0.0], np.cumsum(np.diag(kernel))])
    sums = np.zeros((n + 1, n + 1))
    sums[1:, 1:] = kernel.cumsum(0).cumsum(1)
    corner = np.diag(sums)
    begin, end = np.arange(n)[:, None], np.arange(1, n + 1)[None, :]
    block = corner[None, 1:] + corner[:-1, None] - sums[1:, :-1].T - sums[:-1, 1:]
    scatter = trace[None, 1:] - trace[:-1, None] - block / np.maximum(end - begin, 1)
    best = np.full((n, n + 1), np.inf)
    came = np.zeros((n, n + 1), np.int64)
    best[0, 1:] = scatter[0]
    for m in range(1, n):
        for stop in range(m + 1, n + 1):
            reach = best[m - 1, m:stop] + scatter[m:stop, stop - 1]
            i = int(reach.argmin())
            best[m, stop], came[m, stop] = reach[i], m + i
    ms = np.arange(1, n)
    price = np.concatenate([[0.0], penalty * ms / (2 * n) * (np.log(n / ms) + 1)])
    m = int(np.argmin(best[:, n] / n + price))
    cuts, stop = [], n
    for row in range(m, 0, -1):
        stop = int(came[row, stop])
        cuts.append(stop)
    return cuts[::-1]


def against_the_usual(sizes: list[int]) -> None:
    print("steps   cuts   ours      usual     usual / ours   ruptures, one price")
    for n in sizes:
        x = features(n)
        ours, cuts = median_cpu(lambda x=x: change_points(x), 5)
        theirs, expected = median_cpu(lambda x=x: usual(x), 1 if n > 1000 else 3)
        assert cuts.tolist() == expected, "not the same cuts"
        price = 0.5 * np.log(n / len(cuts))  # the slope of the published price there
        compiled, _ = median_cpu(
            lambda x=x, price=price: (
                ruptures.KernelCPD(kernel="linear", min_size=1, jump=1).fit(x).predict(pen=price)
            ),
            3,
        )
        print(
            f"{n:5d}  {len(cuts):5d}   {ours:6.3f} s  {theirs:7.2f} s  {theirs / ours:9.0f} ×"
            f"       {compiled:6.3f} s"
        )


def patiently(work: Callable[[], NDArray[np.int64]]) -> str:
    """Time and cuts of one run, or that it was given up."""

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        spent, cuts = median_cpu(work, 1)
    except TimeoutError:
        return f"not done after {PATIENCE} s"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return f"{spent:6.2f} s, {len(cuts):5d} cuts"


def hours_of_it(hours: float) -> None:
    n = int(hours * 7200)
    still = np.ones((n, 256)) / 16
    cases = {
        "scenes of 8 s": features(n),
        "scenes of 80 s": features(n, shot=160.0),
        "noise without structure": features(n, noise=100.0),
        "ten scenes, noise in each": features(n, noise=0.3, shot=n / 10, seed=3),
        "one scene and noise": features(n, noise=0.3, shot=1e9),
        "one still picture": still,
    }
    print(f"\n{hours:g} hours, {n} steps            10 s a shot at most       no bound")
    for name, x in cases.items():
        bound, few = median_cpu(lambda x=x: change_points(x, max_steps=BOUND), 3)
        free = patiently(lambda x=x: change_points(x))
        print(f"{name:30s} {bound:6.2f} s, {len(few):5d} cuts   {free}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--hours", type=float, default=10.0)
    asked = parser.parse_args()
    print(describe())
    against_the_usual(asked.sizes)
    hours_of_it(asked.hours)


if __name__ == "__main__":
    main()
