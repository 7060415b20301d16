"""SM at rest and in service: load a checkpoint, refuse foreign features, judge a video.

What `iptnet evaluate` scores is what `iptnet summarize` shows: both call
:meth:`Summarizer.importance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from iptnet import checkpoint as files_of
from iptnet.checkpoint import Checkpoint
from iptnet.errors import InputError, IntegrityError
from iptnet.features.recipe import Recipe, require_recipe
from iptnet.model.decoding import Decode, decode_boxes
from iptnet.model.pictures import SUBJECT, WEIGHTS, PictureReading, restored
from iptnet.model.propagation import Propagation, PropagationConfig
from iptnet.model.summarization import SummarizationConfig, SummarizationModule
from iptnet.rebuilding import configured, rebuilt

KIND = "summarization"
STEP = 0.5  # seconds; what the benchmarks sample at 30 frames a second, and the lite recipe
FURTHER = (WEIGHTS, SUBJECT)  # tensors of a checkpoint beside the module's
TOLERANCE = 0.25  # the benchmarks' own steps reach 0.6 s at 25 frames a second


class Summarizer:
    """SM ready for use; build with :func:`load_summarizer`."""

    def __init__(
        self,
        module: SummarizationModule,
        decode: Decode,
        checkpoint: Checkpoint,
        propagate: float = 0.0,
        pictures: PictureReading | None = None,
    ) -> None:
        self.module = module.eval()
        self.decode = decode
        self.checkpoint = checkpoint
        self.propagation = reading(module.config.width, propagate) if propagate else None
        self.pictures = pictures

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Feature recipes that it was made for."""
        return self.checkpoint.recipes

    def importance(
        self,
        features: ArrayLike,
        recipe: Recipe,
        times: ArrayLike | None = None,
        cues: Mapping[str, ArrayLike] | None = None,
    ) -> NDArray[np.float32]:
        """Importance of every sampled frame.

        Args:
            features: ``(T, D)``, T at least 1.
            recipe: how they were made.
            times: ``(T,)`` seconds, ascending; features further apart or closer together than the
                model knows are brought to two a second first. ``None``: they are as it knows them.
            cues: ``(T,)`` of each cue of the picture by name (:mod:`iptnet.features.cues`), where
                the features are those of pictures; they count where the model was fitted to them.

        Returns:
            ``(T,)`` float32 in [0, 1], spread over the video's own range; 0.5 throughout where
            nothing stands out.

        Raises:
            IntegrityError: another recipe, or features that are not finite.
            InputError: no features, or another shape; cues that do not belong to them.
        """
        require_recipe(recipe, self.recipes, "the summarizer")
        rows = np.asarray(features, np.float32)
        if rows.ndim != 2 or not len(rows) or rows.shape[1] != self.module.config.width:
            raise InputError(
                f"features of shape {rows.shape}",
                f"give one row of {self.module.config.width} numbers a sampled frame",
            )
        if not np.isfinite(rows).all():
            raise IntegrityError("features hold NaN or infinity", "extract them again")
        if times is None or not self.module.config.context or len(rows) == 1:
            return self._shown(self.scores(rows, cues))
        at = np.asarray(times, np.float64)
        if at.shape != (len(rows),) or not (np.diff(at) > 0).all():
            raise InputError(f"{at.shape} times for {len(rows)} features", "give ascending times")
        steps = np.diff(at)
        if abs(float(np.median(steps)) - STEP) <= TOLERANCE * STEP and steps.max() < 4 * STEP:
            return self._shown(self.scores(rows, cues))
        grid = np.arange(at[0], at[-1] + STEP / 2, STEP)
        if cues is not None:
            cues = {name: np.interp(grid, at, np.asarray(row)) for name, row in cues.items()}
        return self._shown(np.interp(at, grid, self.scores(_resampled(at, rows, grid), cues)))

    def scores(
        self, rows: NDArray[np.float32], cues: Mapping[str, ArrayLike] | None = None
    ) -> NDArray[np.float64]:
        """Scores ``(T,)`` of features on the model's own grid: logits, or suppressed boxes."""
        mask = torch.ones(1, len(rows), dtype=torch.bool)
        with torch.inference_mode():
            out = self.module(torch.from_numpy(rows)[None], mask)
            logits = out.logits
            if self.propagation is not None:
                logits = self.propagation(logits, out.hidden, mask, STEP)
        if self.decode == "boxes":
            return decode_boxes(_array(out.importance), _array(out.offsets), _array(out.centrality))
        if cues is None or self.pictures is None:
            return _array(logits)
        return self.pictures.scores(_array(logits), rows, cues)

    def _shown(self, scores: NDArray[np.float64]) -> NDArray[np.float32]:
        """Boxes come in [0, 1] and stay as the paper has them; logits need a scale."""
        return display(scores) if self.decode == "importance" else scores.astype(np.float32)


def reading(width: int, seconds: float) -> Propagation:
    """The propagation with which a map is read: stage 1, divided by the similarities.

    Steps that look alike and lie within ``seconds`` lend each other their importance. Stage 2 and
    the window's count as divisor serve the comparison with moments; read as a summary they cost
    half of τ (docs/reproduce.md).
    """
    return Propagation(
        PropagationConfig(width, seconds=seconds, gamma="none", divisor="similarity", decay="none")
    )


def display(scores: NDArray[np.float64]) -> NDArray[np.float32]:
    """Scores on [0, 1] in unchanged order: outliers squashed, then the video's range filled.

    The root keeps ordinary steps away from 0. People rarely call a stretch worthless, and a
    knapsack fed with near-zeros takes few long shots where they take many
    (docs/summarization.md has the figures).

    Args:
        scores: ``(T,)`` finite, on any scale.
    """
    spread = float(scores.std())
    if spread < 1e-9:
        return np.full(len(scores), 0.5, np.float32)
    squashed = 1 / (1 + np.exp(-(scores - scores.mean()) / spread))
    low, high = float(squashed.min()), float(squashed.max())
    spread_out: NDArray[np.float32] = np.sqrt((squashed - low) / (high - low)).astype(np.float32)
    return spread_out


def load_summarizer(path: Path | str | None = None) -> Summarizer:
    """Load a summarizer; without a path, the one that ships in the package.

    Raises:
        InputError: no such file.
        IntegrityError: not a summarizer, altered, or from another version.
    """
    where = (
        Path(path) if path else Path(str(files("iptnet") / "weights" / "summarizer.safetensors"))
    )
    checkpoint = files_of.load(where, KIND)
    raw: dict[str, Any] = dict(checkpoint.config)
    decode, propagate = raw.pop("decode", None), raw.pop("propagate", 0.0)
    pictures = raw.pop("pictures", False)  # of before there were any: none
    known = {f.name for f in fields(SummarizationConfig)}
    good = decode in get_args(Decode) and _is_reach(propagate) and isinstance(pictures, bool)
    if not good or set(raw) != known:
        raise IntegrityError(f"{where} is of another version", "train it again")
    config = configured(SummarizationConfig, raw, str(where))
    found = restored(checkpoint.tensors, config.width, str(where)) if pictures else None
    own = {k: v for k, v in checkpoint.tensors.items() if not pictures or k not in FURTHER}
    stored = replace(checkpoint, tensors=own)
    module = rebuilt(lambda: SummarizationModule(config), stored, str(where))
    return Summarizer(module, cast(Decode, decode), checkpoint, float(propagate), found)


def to_checkpoint(
    module: SummarizationModule,
    decode: Decode,
    recipes: tuple[Recipe, ...],
    provenance: dict[str, Any],
    propagate: float = 0.0,
) -> Checkpoint:
    """The module as a checkpoint, not yet written; ``propagate`` as in :func:`reading`."""
    further = {"decode": decode, "propagate": propagate, "pictures": False}
    config = {**asdict(module.config), **further}
    return Checkpoint(KIND, config, recipes, dict(module.state_dict()), provenance)


def _resampled(
    at: NDArray[np.float64], rows: NDArray[np.float32], grid: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Features at other times, linearly between their neighbours."""
    right = np.searchsorted(at, grid).clip(1, len(at) - 1)
    left = right - 1
    share = ((grid - at[left]) / (at[right] - at[left])).clip(0, 1).astype(np.float32)[:, None]
    return np.ascontiguousarray(rows[left] * (1 - share) + rows[right] * share)


def _is_reach(value: object) -> bool:
    """Whether a checkpoint's reach is one: seconds, and no more than a window is for."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 600


def _array(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor[0].double().numpy()
