"""What each term of the joint objective came to, pass by pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from iptnet.training.joint_objective import Term


class TermLog:
    """Sums the terms of a pass's batches; :meth:`row` gives their means and starts anew."""

    def __init__(self) -> None:
        self._totals: dict[str, float] = {}
        self._batches = 0

    def total(self, terms: Sequence[Term]) -> Tensor:
        """The scalar to minimise; every term is noted on the way."""
        self._batches += 1
        for term in terms:
            came = float(term.value.detach())
            self._totals[term.name] = self._totals.get(term.name, 0.0) + came
        return torch.stack([term.value for term in terms]).sum()

    def row(self) -> dict[str, float]:
        """Mean of each term over the batches since the last call."""
        found = {name: value / self._batches for name, value in self._totals.items()}
        self._totals, self._batches = {}, 0
        return found
