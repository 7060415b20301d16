"""What answers for a localizer: members in numpy where that is enough, else in torch.

Importing torch takes two seconds of processor time, a question some hundredths. So a checkpoint
whose tensors are exactly those that :mod:`.shapes` knows is asked in numpy (:mod:`.plain`); the
literal module with its span predictor, word vectors, and whatever is odd are torch's to restore, or
to refuse by name. Both are single precision and agree to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from iptnet.checkpoint import Checkpoint
from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.plain import PlainModule, PlainRanker
from iptnet.model.localization.ranking import COLUMNS
from iptnet.model.localization.shapes import Shapes, module_shapes, ranker_shapes, understands
from iptnet.model.localization.words import Reading

Engine = Literal["auto", "torch"]
"""``auto``: numpy where it understands the checkpoint; ``torch``: for who trains or looks in."""

T = TypeVar("T")
Tensors = Mapping[str, Any]


class Member(Protocol):
    """A module that answers; ``LocalizationModule`` and ``PlainModule`` do."""

    config: LocalizationConfig

    def see(self, windows: NDArray[np.float32]) -> Any:
        """What windows (W, T, D) are before anything is asked."""
        ...

    def answer(self, seen: Any, reading: Reading | None, *, spans: bool) -> NDArray[np.float32]:
        """Logits (W, 2 or more, T): highlight, saliency, and with ``spans`` start and end."""
        ...


class Judge(Protocol):
    """A ranker that answers; ``Ranker`` and ``PlainRanker`` do."""

    @property
    def hidden(self) -> int:
        """Units of its layers."""
        ...

    def judge(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Evidence (P, F) to estimates (P,) in (0, 1)."""
        ...


def restored(
    config: LocalizationConfig,
    hidden: int,
    modules: Mapping[str, Tensors],
    rankers: Mapping[str, Tensors],
    *,
    path: Path,
    engine: Engine,
) -> tuple[tuple[Member, ...], tuple[Judge, ...]]:
    """Members from their tensors.

    Args:
        config: of all modules.
        hidden: units of the rankers' layers.
        modules: each one's tensors, by its name in the checkpoint.
        rankers: likewise.
        path: of the checkpoint, for messages.
        engine: what they shall run on.

    Raises:
        IntegrityError: the tensors are not those of the configuration.
    """
    if (
        engine == "auto"
        and understands(config, len(rankers))
        # Before a table is made of them: no configuration makes room for what is not there.
        and config.similarity + config.refine <= min(len(own) for own in modules.values())
        and all(_fits(own, module_shapes(config)) for own in modules.values())
        and all(_fits(own, ranker_shapes(hidden)) for own in rankers.values())
    ):
        return (
            tuple(PlainModule(config, own) for own in modules.values()),
            tuple(PlainRanker(own) for own in rankers.values()),
        )
    from iptnet.model.localization.module import LocalizationModule
    from iptnet.model.localization.ranker import Ranker
    from iptnet.rebuilding import rebuilt

    def each(make: Callable[[], Any], parts: Mapping[str, Tensors]) -> tuple[Any, ...]:
        return tuple(
            rebuilt(make, Checkpoint("", {}, (), own), f"{path} ({name})").eval()
            for name, own in parts.items()
        )

    return each(lambda: LocalizationModule(config), modules), each(
        lambda: Ranker(COLUMNS, hidden), rankers
    )


def _fits(own: Tensors, shapes: Shapes) -> bool:
    """Whether all tensors are there, none else, and none loses anything in single precision."""
    return (
        own.keys() == shapes.keys()
        and all(
            isinstance(v, np.ndarray) and v.dtype in (np.float16, np.float32) for v in own.values()
        )
        and all(own[name].shape == shape for name, shape in shapes.items())
    )
