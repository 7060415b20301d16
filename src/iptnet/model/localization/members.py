"""Build a localizer's module from its checkpoint: in NumPy where that suffices, else in PyTorch.

Importing PyTorch takes two seconds of processor time, a question some hundredths. So a checkpoint
whose tensors are exactly those that :mod:`.shapes` knows is asked in NumPy (:mod:`.plain`); the
literal module with its span predictor, word vectors, and whatever is odd are PyTorch's to restore,
or to refuse by name. Both are single precision and agree to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from iptnet.checkpoint import Checkpoint
from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.plain import PlainModule
from iptnet.model.localization.shapes import Shapes, module_shapes, understands
from iptnet.model.localization.words import Reading

Engine = Literal["auto", "torch"]
"""``auto``: NumPy where it understands the checkpoint; ``torch``: for who trains or looks in."""

Tensors = Mapping[str, Any]


class Member(Protocol):
    """A module that answers; ``LocalizationModule`` and ``PlainModule`` do."""

    config: LocalizationConfig

    def see(self, windows: NDArray[np.float32]) -> Any:
        """Encode windows (W, T, D) once; every sentence reuses the result."""
        ...

    def answer(self, seen: Any, reading: Reading | None, *, spans: bool) -> NDArray[np.float32]:
        """Logits (W, 2 or more, T): highlight, saliency, and with ``spans`` start and end."""
        ...


def restored(
    config: LocalizationConfig, tensors: Tensors, *, ranked: bool, path: Path, engine: Engine
) -> Member:
    """Build a module from its tensors.

    Args:
        config: of the module.
        tensors: by their names in it.
        ranked: whether a ranker decodes, so that the span predictor is never asked.
        path: of the checkpoint, for messages.
        engine: what it shall run on.

    Raises:
        IntegrityError: the tensors are not those of the configuration.
    """
    if (
        engine == "auto"
        and understands(config, ranked)
        # Before a table is made of them: no configuration makes room for what is not there.
        and config.similarity + config.refine <= len(tensors)
        and _fits(tensors, module_shapes(config))
    ):
        return PlainModule(config, tensors)
    from iptnet.model.localization.module import LocalizationModule
    from iptnet.rebuilding import rebuilt

    stored = Checkpoint("", {}, (), dict(tensors))
    return rebuilt(lambda: LocalizationModule(config), stored, f"{path} (module)").eval()


def _fits(own: Tensors, shapes: Shapes) -> bool:
    """Whether all tensors are there, none else, and none loses anything in single precision."""
    return (
        own.keys() == shapes.keys()
        and all(
            isinstance(v, np.ndarray) and v.dtype in (np.float16, np.float32) for v in own.values()
        )
        and all(own[name].shape == shape for name, shape in shapes.items())
    )
