"""PM against Algorithm 1 as it is written: seconds a map, one thread, in one run.

    python -m benchmarks.propagation [--steps 1300] [--width 1024]

The loop visits every pair of a window, as the paper's pseudo-code does; its vectors are normalised
beforehand, which the pseudo-code leaves open and which favours it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from iptnet.model.propagation import Propagation, PropagationConfig

REPEATS = 5
STEP = 0.5


def by_the_loop(importance: torch.Tensor, hidden: torch.Tensor, s: int) -> torch.Tensor:
    """Stage 1 and 2 without Γ, as lines 2 to 12 have it."""
    unit = torch.nn.functional.normalize(hidden, dim=1)
    T = len(importance)
    spread = torch.zeros(T)
    for i in range(T):
        low, high = max(0, i - s), min(i + s + 1, T)
        total = torch.zeros(())
        for j in range(low, high):
            total = total + importance[j] * torch.dot(unit[i], unit[j]).clamp_min(0)
        spread[i] = total / (high - low)
    out = torch.zeros(T)
    for i in range(T):
        low, high = max(0, i - s), min(i + s + 1, T)
        top = spread[low:high].max()
        distance = min(abs(j - i) for j in range(low, high) if spread[j] == top)
        out[i] = spread[i] * torch.exp(torch.tensor(-(distance**2) / (2 * (s / 2) ** 2)))
    return out


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median processor seconds of a call."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1300)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--reach", type=int, default=10)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    T, D, s = given.steps, given.width, given.reach
    importance, hidden = torch.rand(T), torch.randn(T, D)
    mask = torch.ones(1, T, dtype=torch.bool)
    module = Propagation(PropagationConfig(D, seconds=s * STEP, gamma="none"))
    with torch.inference_mode():
        ours = module(importance[None], hidden[None], mask, STEP)[0]
        difference = float((ours - by_the_loop(importance, hidden, s)).abs().max())
        slow = seconds(lambda: by_the_loop(importance, hidden, s), 3)
        fast = seconds(lambda: module(importance[None], hidden[None], mask, STEP), REPEATS)
    print(f"T {T}, D {D}, s {s}; largest difference {difference:.1e}")
    print(f"the loop {slow * 1e3:.1f} ms, banded {fast * 1e3:.1f} ms: {slow / fast:.1f} x")


if __name__ == "__main__":
    main()
