"""F-score of two 0/1 rows by counting frames."""

from __future__ import annotations


def f_precision_recall(machine: list[int], user: list[int]) -> tuple[float, float, float]:
    both = machine_only = user_only = 0
    for m, u in zip(machine, user, strict=True):
        both += m == 1 and u == 1
        machine_only += m == 1 and u == 0
        user_only += m == 0 and u == 1
    if both == 0:
        return 0.0, 0.0, 0.0
    f = 2 * both / (2 * both + machine_only + user_only)
    return f, both / (both + machine_only), both / (both + user_only)
