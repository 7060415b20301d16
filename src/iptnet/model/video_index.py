"""A video that the localizer has seen: any number of sentences, each in milliseconds.

Beyond the modules' reach the grid is covered by half-overlapping windows. Each is asked alone;
their maps are merged, and their candidates compete in one list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import UsageError
from iptnet.features.text import TextEncoder
from iptnet.model.grid import at_times
from iptnet.model.localization.presence import presence
from iptnet.model.localization.ranking import Scene, propose
from iptnet.model.localization.video import GridVideo
from iptnet.model.localization.words import Reading
from iptnet.model.vocabulary import known_share
from iptnet.selection.moments import (
    merge_maps,
    put_consensus_first,
    rank_pairs,
    snap,
    span_scores,
    suppress,
    window_starts,
)
from iptnet.timeline import Moment

if TYPE_CHECKING:
    from iptnet.model.localizer import Localizer

LONGEST_QUERY = 64
"""Tokens that are read; about 45 English words."""

SUPPRESSION = 0.7
"""IoU from which on two windows are one answer to the benchmark; people get :data:`APART`."""

APART = 0.5


@dataclass(frozen=True)
class Ranked:
    """Windows of one query, best first.

    Attributes:
        windows: (P, 2) seconds.
        scores: (P,) estimated IoU, or the probability of the span for the literal module.
        highlight: (T,) I_Loc on the grid, in (0, 1).
        saliency: (T,) on the grid, any scale.
        figures: what tells whether the video shows it at all; none without rankers.
    """

    windows: NDArray[np.float64]
    scores: NDArray[np.float64]
    highlight: NDArray[np.float64]
    saliency: NDArray[np.float64]
    figures: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Seen:
    """A video's windows (W, T, D), and what each member sees in them before it is asked."""

    rows: NDArray[np.float32]
    by_member: list[Any]


@dataclass(frozen=True)
class VideoIndex:
    """A video that the localizer has seen."""

    localizer: Localizer
    video: GridVideo
    times: NDArray[np.float64]
    _last: dict[str | None, tuple[NDArray[np.float64], NDArray[np.float64]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def find(self, queries: Sequence[str], top: int = 5) -> list[list[Moment]]:
        """Ranked moments of each query, best first.

        Args:
            queries: sentences.
            top: how many moments of each at most.

        Raises:
            UsageError: a blank query, or ``top`` below 1.
        """
        if top < 1:
            raise UsageError(f"top {top}", "ask for one moment at least")
        return [self._moments(query, top) for query in queries]

    def importance(self, query: str | None) -> NDArray[np.float32]:
        """I_Loc (N,) in [0, 1] at the sampled times; ``None`` asks the learned null query."""
        highlight, _ = self._maps_of(query)
        values = 1 / (1 + np.exp(-highlight))
        return at_times(self.video.edges, values, self.times).astype(np.float32)

    def rank(self, query: str, top: int, threshold: float = SUPPRESSION) -> Ranked:
        """Windows of one query with their scores, as evaluation needs them."""
        reading = self.localizer.read(query)
        tokens = reading.vectors
        highlight, saliency = self._maps_of(query)
        edges = self.video.edges
        if self.localizer.rankers:
            pairs, scores = self._candidates(tokens, highlight, saliency)
        else:
            pairs, scores = self._spans(reading)
        windows = edges[pairs]
        if self.localizer.rankers:
            scores = put_consensus_first(windows, scores, self.localizer.consensus)
        kept = suppress(windows, scores, threshold, top)
        # Candidates already keep to changes of the picture; this only undoes the grid's rounding.
        found = snap(windows[kept], self.video.cuts, self.video.step / 2)
        shown = 1 / (1 + np.exp(-highlight))
        return Ranked(found, scores[kept], shown, saliency, self._figures(tokens, highlight))

    def maps(self, reading: Reading | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Highlight and saliency logits (T,) over the whole grid."""
        outputs = self._ask(reading)
        steps = len(self.video.vectors)
        return (
            merge_maps([o[0] for o in outputs], self._starts, steps),
            merge_maps([o[1] for o in outputs], self._starts, steps),
        )

    def _maps_of(self, query: str | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """:meth:`maps` of a sentence; the moments and the map of one are asked for in turn."""
        found = self._last.get(query)
        if found is None:
            found = self.maps(None if query is None else self.localizer.read(query))
            self._last.clear()
            self._last[query] = found
        return found

    def _ask(self, reading: Reading | None) -> list[list[NDArray[np.float64]]]:
        """Of each window: highlight, saliency, start and end logits, averaged over the members."""
        spans = not self.localizer.rankers
        found = [
            module.answer(seen, reading, spans=spans)
            for module, seen in zip(self.localizer.modules, self._seen.by_member, strict=True)
        ]
        mean = np.stack(found).mean(axis=0, dtype=np.float64)
        return [list(window) for window in mean]

    @cached_property
    def _starts(self) -> list[int]:
        return window_starts(len(self.video.vectors), self.localizer.steps)

    @cached_property
    def _seen(self) -> _Seen:
        """What every question needs of the windows: made at the first."""
        vectors, size = self.video.vectors, self.localizer.steps
        rows = np.stack([vectors[a : a + size] for a in self._starts])
        return _Seen(rows, [module.see(rows) for module in self.localizer.modules])

    def _figures(
        self, tokens: NDArray[np.float32], highlight: NDArray[np.float64]
    ) -> tuple[float, ...]:
        background = self.localizer.background
        if background is None or self._usual is None:
            return ()
        return presence(self.video.vectors, tokens, highlight, background, self._usual)

    @cached_property
    def _usual(self) -> tuple[float, float] | None:
        """What other sentences reach in this video."""
        background = self.localizer.background
        return None if background is None else background.usual(self.video.vectors)

    @cached_property
    def _scene(self) -> Scene:
        rows = self._seen.rows
        ends = [at + rows.shape[1] for at in self._starts]
        changes = [self.video.changes(a, b) for a, b in zip(self._starts, ends, strict=True)]
        return Scene.of(rows, changes)

    def _candidates(
        self,
        tokens: NDArray[np.float32],
        highlight: NDArray[np.float64],
        saliency: NDArray[np.float64],
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        starts = np.asarray(self._starts)
        # Windows see the merged maps: where two overlap, both judge the same curve.
        inside = starts[:, None] + np.arange(self._seen.rows.shape[1])
        found = propose(self._scene, tokens, highlight[inside], saliency[inside])
        estimates = [ranker.judge(found.rows) for ranker in self.localizer.rankers]
        scores: NDArray[np.float64] = np.stack(estimates).mean(axis=0, dtype=np.float64)
        return found.pairs + starts[found.windows][:, None], scores

    def _spans(self, reading: Reading) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        pairs, scores = [], []
        for at, (_, _, start, end) in zip(self._starts, self._ask(reading), strict=True):
            found, values = rank_pairs(span_scores(_softmax(start), _softmax(end)))
            pairs.append(found + np.array([at, at + 1]))
            scores.append(values)
        return np.concatenate(pairs), np.concatenate(scores)

    def _moments(self, query: str, top: int) -> list[Moment]:
        lo = self.localizer
        if not query.strip():
            raise UsageError("an empty query", "describe the moment in a sentence")
        share, _ = known_share(lo.vocabulary, query)
        ranked = self.rank(query, top, APART)
        return [
            Moment(
                start=round(max(float(start), 0.0), 3),
                end=round(float(end), 3),
                query=query,
                score=round(float(score), 6),
                confidence=round(lo.calibration.confidence(float(score), share, ranked.figures), 4),
            )
            for (start, end), score in zip(ranked.windows, ranked.scores, strict=True)
        ]


def read_tokens(query: str, most: int = LONGEST_QUERY) -> NDArray[np.float32]:
    """Token vectors (L, 256), L ≥ 1: a text without any token is one zero vector."""
    # A hundred kilobytes cost the tokenizer a second; nothing beyond these characters is read.
    (rows,) = TextEncoder().token_vectors([query[: 40 * LONGEST_QUERY]], min(most, LONGEST_QUERY))
    return rows if len(rows) else np.zeros((1, TextEncoder.width), np.float32)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())
