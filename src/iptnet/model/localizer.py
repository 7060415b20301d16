"""The localizer: encode a video once, ask it any number of sentences.

LM makes the map I_Loc; a ranker over the similarity of sentence and steps makes the answers, or,
without one, LM's span predictor. What ``iptnet evaluate`` scores is what ``iptnet find`` shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iptnet.checkpoint import Checkpoint
from iptnet.errors import InputError
from iptnet.features.recipe import Recipe, require_recipe
from iptnet.model.localization.members import Engine, Member
from iptnet.model.localization.video import on_grid
from iptnet.model.localization.words import Reading, WordTable
from iptnet.model.video_index import LONGEST_QUERY, Ranked, VideoIndex, read_tokens
from iptnet.model.vocabulary import known_share
from iptnet.moments.confidence import Background, Confidence
from iptnet.moments.ranker import Ranker
from iptnet.timeline import Moment

__all__ = ["Localizer", "Ranked", "VideoIndex", "load_localizer"]

SHOWN = 80
"""Characters of a query in a message."""


@dataclass(frozen=True)
class Localizer:
    """LM and what ranks its answers, ready for use; build with :func:`load_localizer`.

    Attributes:
        module: LM; it runs in NumPy or in PyTorch.
        vocabulary: filter of the words seen in training.
        checkpoint: where it comes from.
        ranker: scores candidates; without one the module's span predictor decodes.
        confidence: from figures to probabilities.
        background: what the confidence compares with; without it there is no confidence.
        words: word vectors, where the module reads those rather than WordLlama's tokens.
    """

    module: Member
    vocabulary: NDArray[np.uint8]
    checkpoint: Checkpoint
    ranker: Ranker | None = None
    confidence: Confidence = field(default_factory=Confidence)
    background: Background | None = None
    words: WordTable | None = None

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Feature recipes that it was made for."""
        return self.checkpoint.recipes

    @property
    def steps(self) -> int:
        """Reach of the module, in steps."""
        return self.module.config.steps

    def read(self, query: str) -> Reading:
        """A sentence as the module takes it."""
        if self.words is None:
            return Reading(read_tokens(query, self.steps))
        # As with tokens, nothing beyond these characters is read.
        return self.words.read(query[: 40 * LONGEST_QUERY], min(LONGEST_QUERY, self.steps))

    def encode(
        self,
        features: ArrayLike,
        times: ArrayLike,
        recipe: Recipe,
        duration: float,
        shots: ArrayLike | None = None,
    ) -> VideoIndex:
        """The video side, once.

        Args:
            features: (N, D).
            times: (N,) seconds, ascending.
            recipe: how the features were made.
            duration: of the video, seconds.
            shots: (S, 2) seconds, if they are known; found moments end at their cuts.

        Raises:
            IntegrityError: another recipe, or features that are not finite.
            InputError: no features, or another shape.
        """
        require_recipe(recipe, self.recipes, "the localizer")
        width = self.module.config.width
        if np.asarray(features).shape[-1:] != (width,):
            raise InputError(
                f"features of shape {np.asarray(features).shape}", f"give rows of {width} numbers"
            )
        video = on_grid(features, times, duration, shots=shots)
        return VideoIndex(self, video, np.asarray(times, np.float64))

    def find(
        self,
        features: ArrayLike,
        times: ArrayLike,
        recipe: Recipe,
        queries: Sequence[str],
        duration: float,
        *,
        top: int = 5,
        shots: ArrayLike | None = None,
    ) -> list[list[Moment]]:
        """Ranked moments of each query; see :meth:`encode` and :meth:`VideoIndex.find`."""
        return self.encode(features, times, recipe, duration, shots).find(queries, top)

    def importance(
        self,
        features: ArrayLike,
        times: ArrayLike,
        recipe: Recipe,
        query: str | None,
        duration: float,
    ) -> NDArray[np.float32]:
        """I_Loc at the given times; see :meth:`encode` and :meth:`VideoIndex.importance`."""
        return self.encode(features, times, recipe, duration).importance(query)

    def warning(self, query: str) -> str | None:
        """What a user should know before trusting the answer, if anything."""
        share, unknown = known_share(self.vocabulary, query)
        shown = query if len(query) <= SHOWN else query[:SHOWN] + "…"
        if share == 0:
            return (
                f"the model knows no word of {shown!r}: the moments are a guess; "
                "describe in English words what is to be seen"
            )
        if unknown:
            words = ", ".join(repr(w[:SHOWN]) for w in unknown[:5])
            return f"the model does not know {words}; the answer rests on the other words"
        if len(self.read(query).vectors) == LONGEST_QUERY:
            return f"only the first {LONGEST_QUERY} word pieces of the sentence were read"
        return None


def load_localizer(path: Path | str | None = None, engine: Engine = "auto") -> Localizer:
    """Load a localizer; without a path, the one that ships in the package.

    Args:
        path: the checkpoint.
        engine: what the module runs on; torch only for whoever looks into them.

    Raises:
        InputError: no such file.
        IntegrityError: not a localizer, altered, or from another version.
    """
    from iptnet.model.localization.files import read_localizer

    shipped = files("iptnet") / "weights" / "localizer.safetensors"
    return read_localizer(Path(path) if path else Path(str(shipped)), engine)
